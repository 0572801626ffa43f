"""The verb `register`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

# Inputs of --pairs that stay in memory.
KEPT = 16

Method = Literal["auto", "ransac", "fgr", "icp", "colored-icp", "kiss-matcher", "gicp"]


def register(
    inputs: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="T.json")] = None,
    init: Annotated[Path | None, tyro.conf.arg(metavar="T.json")] = None,
    method: Method = "auto",
    pairs: Annotated[Path | None, tyro.conf.arg(metavar="LIST.txt")] = None,
    merged: Annotated[Path | None, tyro.conf.arg(metavar="OUT.ply")] = None,
    snapshot: Annotated[Path | None, tyro.conf.arg(metavar="OUT.png")] = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Find the pose between two clouds or RGB-D frames, or refuse (exit 1, with the reason).

    SOURCE and TARGET are point cloud files, or frames as FOLDER@FRAME (name or number). T_target_source maps the
    source's points into the target's frame. More than two inputs, in any order, are brought into the frame of the
    first one by a pose graph over all pairs; exit 1 if some cannot be connected.

    Examples:
      geo3d register a.ply b.ply -o T.json
      geo3d register samples/box_desk@0 samples/box_desk@12 --json
      geo3d register a.ply b.ply --init guess.json --merged both.ply --snapshot before_after.png
      geo3d register a.ply b.ply c.ply d.ply --merged all.ply
      geo3d register --pairs list.txt > answers.jsonl

    Args:
        inputs: SOURCE and TARGET, or many.
        output: file for the result as JSON.
        init: a guess of T_target_source (JSON, .npy or text).
        method: auto pools hypotheses and verifies them; the others are the published methods, verified.
        pairs: a file with two inputs a line; prints one JSON line a pair.
        merged: write all clouds in the target's (of many: the first one's) frame.
        snapshot: write a picture of both clouds before and after (of two inputs).
        seed: of everything random.
        json: print one JSON object.
    """
    from geo3d.errors import Geo3DError

    if pairs is not None:
        if inputs or output or init or merged or snapshot:
            raise Geo3DError("--pairs stands alone (with --method and --seed); its pairs come from the list")
        return _many(pairs, method, seed)
    if len(inputs) < 2:
        raise Geo3DError(f"register takes SOURCE and TARGET or more, got {len(inputs)} inputs (or --pairs LIST.txt)")
    if len(inputs) > 2:
        if init or snapshot or method != "auto":
            raise Geo3DError(f"--init, --snapshot and --method are for two inputs, got {len(inputs)}")
        return _multiway(inputs, output, merged, seed, json)
    return _one(inputs[0], inputs[1], output, init, method, merged, snapshot, seed, json)


def _one(
    source: str, target: str, output: Path | None, init: Path | None, method: str, merged: Path | None,
    snapshot: Path | None, seed: int, json: bool,
) -> int:  # fmt: skip
    from geo3d.console import report, say, to_json
    from geo3d.io import write_points
    from geo3d.io.atomic import write_text
    from geo3d.registration.inputs import load_side, load_transform
    from geo3d.registration.register import as_cloud, register
    from geo3d.types import PointCloud

    a, b = load_side(source), load_side(target)
    result = register(a, b, method=method, init=None if init is None else load_transform(init), seed=seed)
    for note in result.notes:
        say(f"note: {note}")
    answer = result.to_dict()
    if output is not None:
        write_text(output, to_json(answer, indent=1) + "\n")
    if json:
        report(answer, as_json=True)
    else:
        report(_readable(answer), as_json=False)
    if snapshot is not None:
        from geo3d.registration.picture import write_before_after

        write_before_after(snapshot, as_cloud(a), as_cloud(b), result.T_target_source, result.converged)
    if not result.converged:
        say(f"geo3d register: refused: {result.reason}")
        return 1
    if merged is not None:
        both = PointCloud.concatenate([as_cloud(a).transformed(result.T_target_source), as_cloud(b)])
        write_points(merged, both)
    return 0


def _multiway(inputs: tuple[str, ...], output: Path | None, merged: Path | None, seed: int, json: bool) -> int:
    """Poses of many views; 1 if some are not connected."""
    from geo3d.console import report, say, to_json
    from geo3d.io import write_points
    from geo3d.io.atomic import write_text
    from geo3d.registration.inputs import load_side
    from geo3d.registration.multiway import register_many
    from geo3d.registration.register import as_cloud
    from geo3d.types import PointCloud

    views = [load_side(text) for text in inputs]
    result = register_many(views, seed=seed)
    answer = {
        "views": [
            {"input": name, "connected": bool(known), "T_world_view": T}
            for name, known, T in zip(inputs, result.connected, result.T_world_view, strict=True)
        ],
        "pairs": [
            {
                "source": inputs[e.source],
                "target": inputs[e.target],
                "converged": e.result.converged,
                "probability": e.result.probability,
                "weight": e.weight,
                "T_target_source": e.result.T_target_source,
                "reason": e.result.reason,
            }
            for e in result.edges
        ],
    }
    if output is not None:
        write_text(output, to_json(answer, indent=1) + "\n")
    if json:
        report(answer, as_json=True)
    else:
        used = sum(e.weight > 0.1 for e in result.edges)
        states = {n: "connected" if k else "not connected" for n, k in zip(inputs, result.connected, strict=True)}
        report({**states, "pairs used": f"{used} of {len(result.edges)}"}, as_json=False)
    if merged is not None:
        kept = zip(views, result.T_world_view, result.connected, strict=True)
        write_points(merged, PointCloud.concatenate([as_cloud(v).transformed(T) for v, T, known in kept if known]))
    lost = [n for n, known in zip(inputs, result.connected, strict=True) if not known]
    if lost:
        say(f"geo3d register: no accepted pair connects {', '.join(lost)} with the others")
    return int(bool(lost))


def _readable(answer: dict[str, Any]) -> dict[str, Any]:
    rows = ["  ".join(f"{x:10.6f}" for x in row) for row in answer["T_target_source"]]
    shown = {"T_target_source": rows[0], " ": rows[1], "  ": rows[2], "   ": rows[3]}
    keys = ("converged", "probability", "fitness", "rmse", "reason", "degenerate", "method", "seconds")
    return shown | {
        k: ", ".join(answer[k]) if isinstance(answer[k], list) else answer[k] for k in keys if answer[k] != ""
    }


def _many(pairs: Path, method: str, seed: int) -> int:
    """One JSON line a pair, in order; 1 if any pair was refused or could not be read."""
    from functools import lru_cache

    import numpy as np

    from geo3d.console import progress, report
    from geo3d.errors import Geo3DError
    from geo3d.registration.frames.shelf import Shelf
    from geo3d.registration.inputs import load_pairs, load_side
    from geo3d.registration.register import register

    failed = 0
    # Lists name the same frames and clouds again and again.
    side, shelf = lru_cache(KEPT)(load_side), Shelf(KEPT)
    todo = load_pairs(pairs)
    for source, target in progress(todo, "registering", len(todo)):
        try:
            answer = register(side(source), side(target), method=method, seed=seed, shelf=shelf).to_dict()
        except (Geo3DError, OSError) as error:
            answer = {
                "T_target_source": np.eye(4).tolist(),
                "converged": False,
                "probability": 0.0,
                "fitness": 0.0,
                "rmse": None,
                "reason": str(error),
                "seconds": 0.0,
            }
        failed += not answer["converged"]
        report({"source": source, "target": target, **answer}, as_json=True)
    return int(failed > 0)
