"""The Python of the pages in docs/ runs, and what the pages name exists."""

import re
from pathlib import Path

import pytest

from geo3d import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


# A field takes longer than the fast tests may.
CODE = [
    pytest.param(page.name, code, id=page.name, marks=[pytest.mark.slow] if page.name == "field.md" else [])
    for page in PAGES
    for code in blocks(page, "python")
]


@pytest.mark.parametrize(("page", "code"), CODE)
def test_python_of_the_pages_runs(page: str, code: str, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples.parent)
    exec(compile(code, page, "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_verbs_and_links_of_the_pages_exist(page: Path) -> None:
    used = set(re.findall(r"^geo3d (\w+)", "\n".join(blocks(page, "sh")), re.M))
    assert used <= set(cli.commands())
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
