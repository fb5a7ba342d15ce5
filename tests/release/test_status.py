"""`status`: what the remote's main names, not what a clone that is behind holds."""

import io
import json
from collections.abc import Callable

import pytest

from release import status
from release.__main__ import main
from release.record import Record
from tests.release.conftest import IMAGE, Repository
from tests.release.test_deploy import deploy

Publish = Callable[[int], str]


def test_shows_each_environment(repository: Repository, publish: Publish) -> None:
    """A row for each environment: what serves, since when, from what, what can be done now; no colour into a pipe."""
    uri = publish(1)
    deploy(repository, uri)
    deploy(repository, publish(2))
    head, production, staging = repository.release("status").out.splitlines()
    assert head.split()[:3] == ["MODEL", "ENVIRONMENT", "STATE"]
    assert production.split() == ["iris", "production", "empty", *"------", "deploy"]
    assert staging.split()[:3] == ["iris", "staging", "stable"]
    assert staging.endswith("passed  deploy, deploy --canary, rollback")
    assert "1" * 12 in staging
    assert "\x1b" not in staging


def test_json_is_the_whole_record(repository: Repository, publish: Publish) -> None:
    """`--json` is the records with state and possible commands, for one model when asked."""
    uri = publish(1)
    deploy(repository, uri)
    found = json.loads(repository.release("status", "--json", "--model", "iris").out)
    assert [(one["environment"], one["state"], one["possible"]) for one in found] == [
        ("production", "empty", ["deploy"]),
        ("staging", "stable", ["deploy", "deploy --canary"]),
    ]
    assert (found[1]["stable"]["uri"], found[1]["stable"]["image"]) == (uri, IMAGE)
    assert json.loads(repository.release("status", "--json", "--model", "wine").out) == []


def test_colour_only_on_a_terminal(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is coloured for a terminal, and not where NO_COLOR asks for none."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for setting, coloured in ((None, True), ("1", False)):
        if setting:
            monkeypatch.setenv("NO_COLOR", setting)
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.chdir(plain.folder)
        main(["status"])
        assert ("\x1b[" in terminal.getvalue()) is coloured


def test_text_stays_text_on_a_terminal() -> None:
    """A control sequence in a record is shown, not obeyed."""
    shown = status.table([Record("iris\x1b[31m", "staging\nx")], colour=False)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
