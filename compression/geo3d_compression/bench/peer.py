"""What a peer of a benchmark raises when a case is not for it."""

from __future__ import annotations

from geo3d.errors import Geo3DError


class NotForPeer(Geo3DError):
    """The peer cannot code this case; the message says why, and the row is skipped."""
