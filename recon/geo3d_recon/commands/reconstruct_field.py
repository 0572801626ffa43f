"""`geo3d reconstruct --method field`."""

from __future__ import annotations

import math
import time
from pathlib import Path


def reconstruct_field(scan: Path, out: Path, minutes: float, as_json: bool) -> None:
    """Train a field on a scan, write it, report it."""
    from geo3d.console import report, say
    from geo3d.errors import Geo3DError
    from geo3d_recon.field import FieldOptions, write_field
    from geo3d_recon.field import reconstruct_field as run

    if out.suffix.lower() != ".g3c":
        raise Geo3DError(f"a radiance field is written as .g3c, got -o {out}")
    if not out.parent.is_dir():
        raise Geo3DError(f"cannot write {out}: the folder {out.parent} does not exist")
    if not 0 < minutes < 1e6:
        raise Geo3DError(f"--minutes must be positive, got {minutes}")
    told = 0.0

    def progress(done: float, loss: float) -> None:
        nonlocal told
        if done >= told + 0.1 or done >= 1:
            told = done
            say(f"{100 * done:3.0f} % trained, {_psnr(math.sqrt(loss * 2 / 3)):.2f} dB on its own pictures")

    start = time.perf_counter()
    field = run(scan, FieldOptions(minutes=minutes), progress=None if as_json else progress)
    seconds = time.perf_counter() - start
    size = write_field(out, field)
    numbers = {
        "method": "field", "frames": len(field.cameras), "corners": len(field.fine.grid) + len(field.coarse.grid),
        "faces": len(field.surface.mesh.faces), "training_psnr": round(_psnr(field.error), 2), "bytes": size.bytes,
        "of_float16": round(size.bytes / size.float16, 4), "seconds": seconds,
    }  # fmt: skip
    report(numbers, as_json=as_json)


def _psnr(error: float) -> float:
    return -20 * math.log10(max(error, 1e-6))
