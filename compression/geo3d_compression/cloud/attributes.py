"""Attributes of a cloud to integer channels and back: colours, normals, anything named, and the refinement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud
from geo3d_compression.attributes.channels import ChannelRange
from geo3d_compression.attributes.color import RANGES, rgb_to_ycocg, ycocg_to_rgb
from geo3d_compression.attributes.integers import IntegerMap, to_integers
from geo3d_compression.attributes.lossy import step_of_quality
from geo3d_compression.cloud.header import AttributeHeader


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attribute's header and its values [N, C] int64."""

    header: AttributeHeader
    values: NDArray[np.int64]


def of_cloud(cloud: PointCloud, quality: float | None = None) -> list[Attribute]:
    """Everything that the points of a cloud carry, as integers, by the role it has; `quality` is for colours."""
    result = []
    if cloud.colors is not None:
        maps = tuple(IntegerMap("uint8", "plain", low, high) for low, high in RANGES)
        step = 0 if quality is None else step_of_quality(quality)
        header = AttributeHeader("color", "color", True, not step, maps, step)
        result.append(Attribute(header, cloud.colors.astype(np.int64) if step else rgb_to_ycocg(cloud.colors)))
    if cloud.normals is not None:
        result.append(_generic("normal", "normal", cloud.normals))
    result += [_generic(name, "attribute", values) for name, values in cloud.attributes.items() if values.size]
    return result


def refinement(deltas: NDArray[np.int64]) -> Attribute:
    """What exact coordinates are beyond their cell's centre, [N, 3], in steps of their dtype's last bit."""
    return _generic("refinement", "refinement", deltas)


def _generic(name: str, role: str, values: NDArray[Any]) -> Attribute:
    columns = values.reshape(len(values), -1)
    pairs = [to_integers(columns[:, k]) for k in range(columns.shape[1])]
    header = AttributeHeader(name, role, values.ndim == 2, False, tuple(m for m, _ in pairs))
    return Attribute(header, np.stack([v for _, v in pairs], axis=1))


def ranges(header: AttributeHeader) -> list[ChannelRange]:
    """What the channel coder needs to know of an attribute."""
    return [ChannelRange(m.low, m.high, flat=header.role == "refinement") for m in header.maps]


def restore(header: AttributeHeader, integers: NDArray[np.int64]) -> NDArray[Any]:
    """[N, C] integers to the attribute's own values, [N] or [N, C] in its dtype."""
    if header.step:
        return integers.astype(np.uint8)
    if header.ycocg:
        return ycocg_to_rgb(integers).clip(0, 255).astype(np.uint8)
    columns = [m.restore(integers[:, k]) for k, m in enumerate(header.maps)]
    return np.stack(columns, axis=1) if header.vector else columns[0]


def to_cloud(points: NDArray[Any], headers: Sequence[AttributeHeader], values: Sequence[NDArray[Any]]) -> PointCloud:
    """Put decoded points and attributes together."""
    by_role = {h.role: v for h, v in zip(headers, values, strict=True)}
    named = {h.name: v for h, v in zip(headers, values, strict=True) if h.role == "attribute"}
    return PointCloud(points, by_role.get("color"), by_role.get("normal"), named)
