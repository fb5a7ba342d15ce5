"""docs/releases.md against the table of states and the command lines."""

import argparse
import re
import shlex

import pytest

from release import command_line, state
from release.__main__ import COMMANDS as TYPED
from release.__main__ import main
from tests.release.conftest import ROOT

PAGE = (ROOT / "docs/releases.md").read_text(encoding="utf-8")


def test_docs_and_code_hold_one_table() -> None:
    """The tables of docs/releases.md are TABLE and ARRIVED, row for row."""
    rows = re.findall(r"^\| (\w+) \| `([\w -]+)` \| ([\w ,]+) \|$", PAGE, re.M)
    content = {(before, command): tuple(re.split(", | or ", after)) for before, command, after in rows}
    assert list(content.items()) == list(state.TABLE.items())
    done = PAGE[PAGE.index("find nothing left to do") : PAGE.index("A deploy while")]
    listed = re.findall(r"^\| ([\w-]+) \| (`.*`) \|$", done, re.M)
    assert {(before, word) for before, words in listed for word in re.findall(r"`([^`]+)`", words)} == state.ARRIVED
    assert not state.ARRIVED & state.TABLE.keys()


class Parsed(Exception):
    """A command line fits its command."""


def parse_alone(line: argparse.ArgumentParser, argv: list[str], **_: object) -> None:
    """In place of `command_line.parse`: the command ends before it does anything."""
    line.parse_args(argv)
    raise Parsed


def test_every_command_of_the_page_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command line of docs/releases.md parses, and its table has each command that releases."""
    monkeypatch.setattr(command_line, "parse", parse_alone)
    lines = re.findall(r"python -m release ([^`\n]+)", PAGE)
    assert len(lines) > 10
    for line in lines:
        with pytest.raises(Parsed):
            main(shlex.split(line, comments=True))
    listed = set(re.findall(r"^\| `(\w+)` \| .* \|.*\|$", PAGE[PAGE.index("## Commands") :], re.M))
    elsewhere = {"publish", "adopt", "settings", "configure", "github", "manifests", "comment"}
    assert listed == set(TYPED) - elsewhere, "the table 'Commands' of docs/releases.md has a row a command"
