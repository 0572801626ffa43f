"""The front door: help is quick and light, exit codes and one-line errors are kept."""

import json
import subprocess
import sys

import pytest

from geo3d import cli
from geo3d.errors import FormatError, MissingDependencyError

HEAVY = ("torch", "open3d", "torch_geometric", "lightning", "matplotlib", "numba", "trimesh", "cv2", "scipy")


def loaded_after(code: str) -> tuple[list[str], float]:
    """Modules of HEAVY in sys.modules after `code` ran in a fresh interpreter, and its CPU seconds."""
    probe = (
        f"import sys, json, time\n{code}\n"
        f"json.dump([[m for m in {HEAVY!r} if m in sys.modules], time.process_time()], sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    modules, seconds = json.loads(run.stderr.splitlines()[-1])
    return modules, seconds


@pytest.mark.parametrize("package", ["geo3d", "geo3d_compression", "geo3d_recon", "geo3d_viewer"])
def test_import_loads_nothing_heavy(package: str) -> None:
    assert loaded_after(f"import {package}")[0] == []


def test_help_loads_nothing_heavy_and_is_quick() -> None:
    modules, seconds = loaded_after("from geo3d.cli import main; assert main(['--help']) == 0")
    assert modules == []
    # The promise is 0.5 s of CPU; the limit here is what no slow machine can reach by accident.
    assert seconds < 2


def test_every_declared_verb_loads_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, entry in cli.commands().items():
        assert callable(entry.load()), name
        assert cli.main([name, "--help"]) == 0
        assert f"geo3d {name}" in capsys.readouterr().out


def test_unknown_verb_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compres"]) == 2
    assert "compress" in capsys.readouterr().err


def test_no_verb_is_wrong_usage() -> None:
    assert cli.main([]) == 2


class _Entry:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def load(self):
        def verb() -> None:
            """Fail."""
            raise self.error

        return verb


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            FormatError("a.ply ends after 7 bytes;\n a header is needed"),
            1,
            "a.ply ends after 7 bytes; a header is needed",
        ),
        (FileNotFoundError(2, "No such file or directory", "x.ply"), 1, "verb: x.ply: No such file or directory"),
        (MemoryError(), 1, "--grid"),
        (MissingDependencyError("laspy", "las", "reading LAS"), 1, "geo3d-suite[las]"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "commands", lambda: {"verb": _Entry(error)})
    assert cli.main(["verb"]) == code
    err = capsys.readouterr().err
    assert text in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "commands", lambda: {"verb": _Entry(ZeroDivisionError())})
    with pytest.raises(ZeroDivisionError):
        cli.main(["verb"])


def test_wrong_usage_of_a_verb_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--no-such-option"]) == 2
    assert capsys.readouterr().err
