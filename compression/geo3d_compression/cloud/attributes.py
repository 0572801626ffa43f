"""Attributes of a cloud to integer channels and back: colours, normals, anything named, and the refinement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import PointCloud
from geo3d_compression.attributes.channels import ChannelRange
from geo3d_compression.attributes.color import RANGES, ColorSurvey, forward, inverse
from geo3d_compression.attributes.integers import ChannelSurvey, IntegerMap, to_integers
from geo3d_compression.attributes.lossy import step_of_quality
from geo3d_compression.attributes.narrow.limits import is_narrow
from geo3d_compression.cloud.header import AttributeHeader


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attribute's header and its values [N, C] int64."""

    header: AttributeHeader
    values: NDArray[np.int64]


@dataclass(frozen=True)
class Maps:
    """How the attributes of a whole cloud become integers: maps by role and name, and what its colours are like."""

    channels: Mapping[tuple[str, str], tuple[IntegerMap, ...]]
    colors: ColorSurvey


class AttributeSurvey:
    """The integers that the attributes of a cloud in pieces become."""

    def __init__(self) -> None:
        self._colors = ColorSurvey()
        self._channels: dict[tuple[str, str], list[ChannelSurvey]] = {}

    def add(self, cloud: PointCloud) -> None:
        """Look at a piece."""
        if cloud.colors is not None:
            self._colors.add(cloud.colors)
        for name, role, values in _generic_values(cloud):
            columns = values.reshape(len(values), -1)
            channels = self._channels.setdefault((role, name), [ChannelSurvey() for _ in columns.T])
            for channel, column in zip(channels, columns.T, strict=True):
                channel.add(column)

    def maps(self) -> Maps:
        """Of all that was seen."""
        channels = {key: tuple(c.map() for c in channels) for key, channels in self._channels.items()}
        return Maps(channels, self._colors)


def _generic_values(cloud: PointCloud) -> Iterator[tuple[str, str, NDArray[Any]]]:
    if cloud.normals is not None:
        yield "normal", "normal", cloud.normals
    for name, values in cloud.attributes.items():
        if values.size:
            yield name, "attribute", values
        elif len(values):
            raise ShapeError(f"attribute {name!r} is {list(values.shape)}: it has no values; leave it out")


def of_cloud(
    cloud: PointCloud, profile: str, quality: float | None = None, maps: Maps | None = None
) -> list[Attribute]:
    """Everything that the points of a cloud carry, as integers, by the role it has; `quality` is for colours
    that are not few.

    `profile` best chooses the colours' transform and the rich model where it can; `maps` are those of the cloud that
    this one is a part of.
    """
    result = []
    rich = profile == "best"
    if cloud.colors is not None:
        result.append(_colors(cloud.colors, rich, quality, maps))
    for name, role, values in _generic_values(cloud):
        result.append(_generic(name, role, values, rich, None if maps is None else maps.channels[role, name]))
    return result


def _colors(colors: NDArray[np.uint8], rich: bool, quality: float | None, maps: Maps | None) -> Attribute:
    survey = None if maps is None else maps.colors
    if survey is None:
        survey = ColorSurvey()
        survey.add(colors)
    step = 0 if quality is None or survey.are_few() else step_of_quality(quality)
    if step:
        transform = "none"
    else:
        transform = survey.best() if rich else "ycocg"
    # Version 2 declared the ranges of YCoCg-R for lossy colours too.
    channels = RANGES["ycocg" if transform == "none" else transform]
    plain = tuple(IntegerMap("uint8", "plain", low, high) for low, high in channels)
    model = "narrow" if rich and not step else "plain"
    header = AttributeHeader("color", "color", True, transform, plain, step, model)
    return Attribute(header, forward(colors, transform))


def refinement(deltas: NDArray[np.int64]) -> Attribute:
    """What exact coordinates are beyond their cell's centre, [N, 3], in steps of their dtype's last bit."""
    return _generic("refinement", "refinement", deltas, False)


def _generic(
    name: str, role: str, values: NDArray[Any], rich: bool, maps: tuple[IntegerMap, ...] | None = None
) -> Attribute:
    columns = values.reshape(len(values), -1).T
    if maps is None:
        pairs = [to_integers(column) for column in columns]
    else:
        pairs = [(m, m.integers(column)) for m, column in zip(maps, columns, strict=True)]
    header = AttributeHeader(name, role, values.ndim == 2, "none", tuple(m for m, _ in pairs))
    if rich and is_narrow(ranges(header)):
        header = replace(header, model="narrow")
    return Attribute(header, np.stack([v for _, v in pairs], axis=1))


def ranges(header: AttributeHeader) -> list[ChannelRange]:
    """What the channel coder needs to know of an attribute."""
    return [ChannelRange(m.low, m.high, flat=header.role == "refinement") for m in header.maps]


def restore(header: AttributeHeader, integers: NDArray[np.int64]) -> NDArray[Any]:
    """[N, C] integers to the attribute's own values, [N] or [N, C] in its dtype."""
    if header.step:
        return integers.astype(np.uint8)
    if header.transform != "none":
        return inverse(integers, header.transform).clip(0, 255).astype(np.uint8)
    columns = [m.restore(integers[:, k]) for k, m in enumerate(header.maps)]
    return np.stack(columns, axis=1) if header.vector else columns[0]


def to_cloud(points: NDArray[Any], headers: Sequence[AttributeHeader], values: Sequence[NDArray[Any]]) -> PointCloud:
    """Put decoded points and attributes together."""
    by_role = {h.role: v for h, v in zip(headers, values, strict=True)}
    named = {h.name: v for h, v in zip(headers, values, strict=True) if h.role == "attribute"}
    return PointCloud(points, by_role.get("color"), by_role.get("normal"), named)
