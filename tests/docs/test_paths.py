"""Files and modules that the pages name: each is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
# What a command writes, or what stands for a name of the reader's own.
OUTPUTS = re.compile(r"[<>*…$]|^(build|reports|dvc)/|^data/")
FILE = re.compile(r"`((?:\.github|[a-z]\w*)/[^` ]*\.(?:py|yaml|yml|json|lua|toml|in|excludes|env))`")
MODULE = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:\.[a-z_]+)+)`")
SUFFIXES = ("py", "yaml", "yml", "json", "txt", "md", "html")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    """A path from the root of the repository is a file; a dotted name leads to a module, or into one."""
    text = page.read_text(encoding="utf-8")
    absent = [name for name in FILE.findall(text) if not OUTPUTS.search(name) and not (ROOT / name).exists()]
    for name in MODULE.findall(text):
        parts = name.split(".")
        if (
            parts[-1] not in SUFFIXES
            and not any(
                (ROOT.joinpath(*parts[:length])).with_suffix(".py").exists() for length in range(2, len(parts) + 1)
            )
            and not (ROOT.joinpath(*parts)).is_dir()
            and not (ROOT / parts[0] / "__init__.py").read_text().count(parts[-1])
        ):
            absent.append(name)
    assert not absent
