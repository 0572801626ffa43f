"""Video: AV1 for `--quality`, frames exactly for files that hold them exactly, any other file as it is."""
