"""Print as Markdown how what Argo CD would apply differs from the commit --base: for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from release import command_line
from release.checkout import Checkout
from release.gitops import rendered

_FOLDERS = 10  # shown; a change of gitops/base reaches all of them, and one looks like the next
_LINES = 200  # of one of them


def page(root: Path, base: str) -> str:
    """A heading, a block for each environment that changes, and how many more there are."""
    listed = list(islice(rendered.differences(root, base), _FOLDERS + 1))
    if not listed:
        return "## Manifests\n\nArgo CD applies the same as before.\n"
    blocks = [_block(*folder) for folder in listed[:_FOLDERS]]
    more = f"More environments change; {_FOLDERS} are shown.\n" if len(listed) > _FOLDERS else ""
    return "\n".join(["## Manifests\n", *blocks, more])


def _block(name: str, diff: str) -> str:
    lines = diff.splitlines()
    text = "\n".join(lines[:_LINES]) + (f"\n… and {len(lines) - _LINES} more lines" if len(lines) > _LINES else "")
    fence = "`" * 4  # what is rendered may hold three
    return f"<details><summary>{name}</summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>\n"


def main(argv: Sequence[str] | None = None) -> None:
    """As `page`."""
    line = command_line.parser("manifests", __doc__)
    line.add_argument("--base", required=True, help="commit or branch to compare with, as origin/main")
    print(page(Checkout.current().root, command_line.parse(line, argv).base), end="")
