import json

import numpy as np
import pytest
import trimesh
from geo3d_recon.commands.reconstruct import reconstruct
from recon_shapes import torus

from geo3d.errors import FormatError
from geo3d.io import read_mesh


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".stl", ".off", ".glb"])
def test_command_writes_the_mesh_and_says_what_it_is(tmp_path, capsys, suffix):
    np.save(tmp_path / "p.npy", torus(400)[0])
    out = tmp_path / f"m{suffix}"
    reconstruct(tmp_path / "p.npy", out=out, method="wnnc", json=True)
    answer = json.loads(capsys.readouterr().out)
    mesh = trimesh.load(out, force="mesh")
    assert answer["watertight"] is True
    assert answer["seconds"] > 0
    assert len(mesh.faces) == answer["faces"]
    assert mesh.is_watertight


def test_confidence_is_in_the_ply_and_read_back(tmp_path, capsys):
    np.save(tmp_path / "p.npy", torus(400)[0] + 1000)
    reconstruct(tmp_path / "p.npy", out=tmp_path / "m.ply", json=True)
    capsys.readouterr()
    mesh = read_mesh(tmp_path / "m.ply")
    sure = mesh.attributes["confidence"]
    assert sure.shape == (len(mesh.vertices),)
    assert 0.8 < sure.mean() <= sure.max() <= 1


def test_a_bad_name_is_refused_before_any_work(tmp_path):
    with pytest.raises(FormatError, match="must end in one of"):
        reconstruct(tmp_path / "missing.npy", out=tmp_path / "m.docx")
    with pytest.raises(FormatError, match="folder"):
        reconstruct(tmp_path / "missing.npy", out=tmp_path / "no" / "m.ply")
