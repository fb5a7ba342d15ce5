"""The index, the troubleshooting page and the page on upgrades; all pages as a site, links and anchors checked."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from artifact import errors
from starter import code_files

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text()
TROUBLE = (DOCS / "troubleshooting.md").read_text()
README = (ROOT / "README.md").read_text()
UPGRADES = (DOCS / "upgrades.md").read_text()


def test_every_page_is_a_click_from_the_index() -> None:
    """A page of docs/ is linked from the index; from there and from the README one click answers three questions."""
    linked = set(re.findall(r"\]\(([\w./-]+\.md)", INDEX))
    assert {path.name for path in DOCS.glob("*.md")} - {"index.md"} == linked
    for question, answer in (
        ("My model was refused", "gate.md#verdicts"),
        ("How do I roll back", "releases.md#rolling-back"),
        ("How do I add a feature", "data.md#adding-a-feature"),
    ):
        (row,) = [line for line in INDEX.splitlines() if question in line]
        assert f"]({answer})" in row
        assert f"](docs/{answer})" in README


def test_every_exit_code_has_its_section() -> None:
    """The headings are the exit codes and the first sentences of artifact/errors.py."""
    kinds = [kind for kind in errors.ModelpinError.__subclasses__() if kind.__module__ == errors.__name__]
    expected = {f"{kind.exit_code}: {(kind.__doc__ or '').strip().splitlines()[0].rstrip('.')}" for kind in kinds}
    assert set(re.findall(r"^## (.*)", TROUBLE, re.M)) == expected


def test_every_line_of_the_page_is_one_that_a_command_prints() -> None:
    """The words in the left column are words of a message in the code."""
    texts = []
    for folder in ("artifact", "pipeline", "release", "predictor", "starter"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    texts.append("".join(_part(value) for value in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
    text = "\n".join(texts)
    for words in re.findall(r"^\| (?!the line says)(.+?) \| ", TROUBLE, re.M):
        assert words in text, words


def _part(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) else f"{{{ast.unparse(node.value)}}}"  # type: ignore[attr-defined]


def test_what_is_never_touched_is_what_the_page_says() -> None:
    """The list of the user's files is that of the code, but for the patches."""
    output = UPGRADES[UPGRADES.index("Never touched") :]
    assert set(re.findall(r"`([\w./]+)`", output)) - {".dvc/.gitignore"} == set(code_files.USERS) - {
        ".dvc/.gitignore",
        "patches/",
    }


@pytest.mark.story
def test_the_site_builds_strictly() -> None:
    """mkdocs finds every page and every anchor that a page links to, and shows every name of the API."""
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ROOT / "build/docs/index.html").is_file()
    api = (ROOT / "build/docs/api/index.html").read_text()
    names = re.findall(r"^::: ([\w.]+)$", (DOCS / "api.md").read_text(), re.M)
    assert [name for name in names if f'id="{name}"' not in api and name != errors.__name__] == []


def test_measured_pages_tell_what_was_measured() -> None:
    """No page of docs/measured speaks of what this project aims at; `make bench` prints that for its developers."""
    for path in (DOCS / "measured").glob("*.md"):
        assert not re.search(r"\bgoals?\b|[✓✗]", path.read_text().lower()), path
