"""The commands that runbooks and other pages give to be run as they stand: each has all that it needs."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted((ROOT / "docs/runbooks").glob("*.md")),
    *sorted((ROOT / "docs/to-your-cluster").glob("*.md")),
    *(ROOT / f"docs/{name}.md" for name in ("to-your-cluster", "signed-models", "canaries", "drift", "inference-log")),
]
ROOMS = ("audit", "monitoring", "release", "starter")


class Parsed(Exception):
    """The command line was whole: the command would begin now."""


def spans(page: Path) -> list[str]:
    """What stands between backticks in sentences, and the lines of shell blocks; without comment and redirection."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", text, re.M | re.S)
    inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [re.sub(r"\s+[#>].*", "", " ".join(span.split())) for span in (*inline, *lines)]


def commands(beginning: str, whole: str) -> list[Any]:
    """Each span that begins so and is more than the name of a command: it fits `whole`."""
    pages = {
        span: page.stem
        for page in PAGES
        for span in spans(page)
        if span.startswith(beginning) and re.search(whole, span) and "$(" not in span
    }
    return [pytest.param(span, id=f"{page}: {span}"[:100]) for span, page in pages.items()]


@pytest.mark.parametrize(
    "line", commands("python -m ", rf"^python -m (?:{'|'.join(ROOMS)}) [a-z-]+ (?:[^…]* )?--[^…]*$")
)
def test_a_command_has_what_it_needs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own parser takes it: no option is missing, none is unknown."""
    room, name, *arguments = shlex.split(line)[2:]
    parse = argparse.ArgumentParser.parse_args

    def parsed(self: argparse.ArgumentParser, *words: Any) -> NoReturn:
        parse(self, *words)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    module = importlib.import_module(importlib.import_module(f"{room}.__main__").COMMANDS[name])
    with pytest.raises(Parsed):
        module.main(arguments)


@pytest.mark.parametrize("line", commands("make ", r"^make [a-z-]+ .*[A-Z_]+="))
def test_a_target_has_what_it_needs(line: str) -> None:
    """make asks for no other variable; `IN=true` and its like stand for the commands themselves."""
    idle = [f"{name}=true" for name in ("IN", "DEV", "PYTHON")]
    done = subprocess.run(
        ["make", "--silent", *shlex.split(line)[1:], *idle, "DRY_RUN=1"], cwd=ROOT, capture_output=True, text=True
    )
    assert " needs " not in done.stderr
    assert "No rule" not in done.stderr
