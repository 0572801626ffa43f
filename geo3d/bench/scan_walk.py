"""`geo3d bench scan --data walk:DATA`: a walk of 29 m through a synthetic office of repeated desks, seen by a headset's
slow and grey time-of-flight camera; drawn anew, with surfaces from DATA's pictures where it has some."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from geo3d.bench.register_pairs import textures
from geo3d.bench.scan_methods import COLUMNS, compared, summary
from geo3d.bench.suite import Row, Suite
from geo3d.synthetic import UNSEEN_SENSORS, random_walk, write_sequence
from geo3d.synthetic.kinds import repeated_room

ROOM, FRAMES, METRES = 9102, 320, 0.11
# Two metres from one target of the eyes to the next.
KNOTS_PER_TARGET = 4


def rows(data: Path | None) -> Iterator[Row]:
    """Our scan of the walk and the peer's odometry."""
    room = repeated_room(ROOM, textures(data))
    walk = random_walk(room, FRAMES, ROOM, metres_per_frame=METRES, knots_per_target=KNOTS_PER_TARGET)
    with tempfile.TemporaryDirectory() as drawn:
        folder = Path(drawn) / "office walk"
        write_sequence(folder, room, UNSEEN_SENSORS["long throw"], walk, 5)
        yield from compared(folder)


SUITE: Suite = {
    "description": "a synthetic walk through an office: trajectory error and speed",
    "columns": COLUMNS,
    "rows": rows,
    "summary": summary,
}
