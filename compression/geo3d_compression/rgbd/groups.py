"""All groups of a folder at once: in parallel, with a progress bar; what cannot be coded is left to be stored."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from geo3d.console import progress, say
from geo3d.errors import Geo3DError
from geo3d_compression.rgbd.group import encode_frames
from geo3d_compression.rgbd.picture_group import encode_picture_group
from geo3d_compression.rgbd.plan import Plan
from geo3d_compression.volume.profiles import Profile


def encode_groups(plan: Plan, profile: Profile, threads: int) -> list[bytes | None]:
    """The stream of each group of a plan, PNG frames last; None for one that cannot be coded."""
    done: SimpleQueue[int] = SimpleQueue()
    groups = [*plan.groups, *plan.pictures]

    def parts(number: int) -> Iterator[bytes]:
        group = groups[number]
        if number < len(plan.groups):
            # Threads that groups do not need look ahead inside them.
            yield from encode_frames(plan.sources(group), plan.calibration, profile, threads > len(groups))
        else:
            yield encode_picture_group(plan.picture_sources(group), plan.calibration, profile)

    def code(number: int) -> bytes | None:
        group = groups[number]
        stream, left = [], len(group)
        try:
            for part in parts(number):
                stream.append(part)
                if left > 1:
                    done.put(1)
                    left -= 1
            return b"".join(stream)
        except (Geo3DError, ArithmeticError, np.linalg.LinAlgError) as error:
            say(f"{group[0].color} to {group[-1].color} are stored as they are: {error}")
            return None
        finally:
            done.put(left)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        futures = [pool.submit(code, number) for number in range(len(groups))]
        total = sum(len(group) for group in groups)
        for _ in progress(_arrivals(done, total), "colour frames", total):
            pass
        return [future.result() for future in futures]


def _arrivals(done: SimpleQueue[int], total: int) -> Iterator[None]:
    """One turn for each finished frame.  Every group counts all its frames, whatever happens to it."""
    while total > 0:
        for _ in range(done.get()):
            total -= 1
            yield None
