"""geo3d_compression: one entropy core, codecs for everything a scan holds, one container (.g3c)."""
