"""The compiled model codes what the same functions code in plain Python: no compiler's choice is part of a stream."""

from __future__ import annotations

import pytest
from compression_pictures import jpeg
from geo3d_compression.jpeg import blocks, model
from geo3d_compression.jpeg.file import flatten, parse


def test_compiled_functions_do_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = parse(jpeg(size=(24, 16), quality=90)).planes
    rows = [(0, p.coefs.shape[0]) for p in planes]

    def code() -> bytes:
        return model.encode_planes(flatten(planes)[0], planes, rows, model.fresh_state())

    compiled = code()
    names = "code_inner_count code_inner code_edges announce_dc code_dc _announce_block _light _leave _code_plane"
    for name in names.split():
        monkeypatch.setattr(blocks, name, getattr(blocks, name).py_func)
    monkeypatch.setattr(model, "code_planes", model.code_planes.py_func)
    assert code() == compiled
