"""The verb `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tyro


def info(
    input: tyro.conf.Positional[Path],
    /,
    check: bool = False,
    json: bool = False,
) -> None:
    """Say what a .g3c file holds, from its table and headers alone.

    Examples:
      geo3d info scan.g3c
      geo3d info scan.g3c --check --json

    Args:
        input: the .g3c file.
        check: read every chunk and compare its checksum.
        json: print one JSON object.
    """
    from geo3d.console import report
    from geo3d_compression.commands.describe import describe

    result: dict[str, Any] = describe(input, check)
    if json:
        report(result, as_json=True)
        return
    for item in result.pop("items") if len(result["items"]) > 1 else []:
        report(item, as_json=False)
        report({"": ""}, as_json=False)
    result.pop("items", None)
    report(result, as_json=False)
