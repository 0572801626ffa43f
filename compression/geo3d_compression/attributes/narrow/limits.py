"""Which channels the rich model can code."""

from __future__ import annotations

from collections.abc import Sequence

from geo3d_compression.attributes.channels import ChannelRange

# Channels with more steps are coded by `channels`.
WIDEST = 1 << 16


def is_narrow(ranges: Sequence[ChannelRange]) -> bool:
    """Whether the rich model can code such channels."""
    return all(r.span < WIDEST and not r.flat for r in ranges)
