"""What readers and writers have to say (logger `geo3d.io`), caught for a command to show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def collected_messages() -> Iterator[list[str]]:
    """Collect the warnings that `geo3d.io` logs inside the `with` block."""
    collector = _Collector()
    logger = logging.getLogger("geo3d.io")
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
