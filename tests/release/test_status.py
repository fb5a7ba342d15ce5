"""`status`: what the remote's main names, not what a clone that is behind holds."""

import io
import json
from collections.abc import Callable

import pytest

from release.__main__ import main
from release.commands import status
from release.gitops.record import Record
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository
from tests.release.test_deploy import deploy
from tests.release.test_record import OTHER, RELEASE

Publish = Callable[[int], str]


def test_shows_each_environment(repository: Repository, publish: Publish) -> None:
    """A row for each environment: what serves, since when, from what, what can be done now; no colour into a pipe."""
    uri = publish(1)
    deploy(repository, uri)
    deploy(repository, publish(2))
    head, production, then, staging, now = repository.release("status").out.splitlines()
    assert head.split()[:4] == ["MODEL", "ENVIRONMENT", "STATE", "TRAFFIC"]
    assert production.split() == ["iris", "production", "empty", *"-------"]
    assert then.strip() == "possible now: deploy"
    assert staging.split()[:5] == ["iris", "staging", "stable", "100", "%"]
    assert staging.endswith("better")
    assert now.strip() == "possible now: deploy, deploy --canary, rollback"
    assert "1" * 12 in staging
    assert "\x1b" not in staging


def test_shows_both_parts_of_a_canary() -> None:
    """A canary has a line of its own under the stable release, each with its share of the traffic."""
    canary = Record("iris", "production", stable=RELEASE, candidate=OTHER, percent=10, releases=(RELEASE,))
    lines = status.table([canary], colour=False).splitlines()
    assert lines[1].split()[:5] == ["iris", "production", "canary", "90", "%"]
    assert lines[2].split()[:2] == ["10", "%"]
    assert OTHER_IMAGE[-12:] in lines[2]
    assert lines[3].strip() == "possible now: deploy, deploy --canary, advance, promote, rollback, rebuild"


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
    assert len(shown.splitlines()) == 3
