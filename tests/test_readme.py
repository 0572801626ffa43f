"""The README's Python runs, and the files and verbs that it names exist."""

import re
from pathlib import Path

import pytest

from geo3d import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


@pytest.mark.parametrize("code", blocks("python"), ids=lambda c: c.splitlines()[0][:40])
def test_python_examples_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_there_are_examples() -> None:
    assert blocks("python")
    assert blocks("sh")


def test_every_verb_in_the_readme_exists() -> None:
    used = set(re.findall(r"^geo3d (\w+)", "\n".join(blocks("sh")), re.M))
    assert used <= set(cli.commands())


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
