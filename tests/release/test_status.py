"""`status`: what the remote's main names, not what a clone that is behind holds."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.digest import ArtifactUri
from release.__main__ import main
from release.commands import status
from release.gitops.record import Record
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, git
from tests.release.test_deploy import deploy, recorded
from tests.release.test_record import CANARY, OTHER, RELEASE

Publish = Callable[[int], str]


def test_shows_each_environment(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """A row for each release with a share: its name, since when, from what; what to look at; what is possible now."""
    deploy(repository, publish(1))
    deploy(repository, publish(2))
    head, production, then, staging, unproved, now = repository.release("status").out.splitlines()
    assert head.split()[:5] == ["MODEL", "ENVIRONMENT", "STATE", "TRAFFIC", "RELEASE"]
    assert production.split() == ["iris", "production", "empty", *"--------"]
    assert then.strip() == "possible now: deploy"
    name = recorded(repository).stable_name
    assert staging.split()[:6] == ["iris", "staging", "stable", "100", "%", name]
    assert staging.endswith("better")
    assert (
        unproved.strip() == f"{name} needed no proof here: a cluster that is made anew answers 404 if it cannot start"
    )
    assert now.strip() == "possible now: deploy, deploy --canary, rollback, rollback --to"
    assert "1" * 12 in staging
    assert "\x1b" not in staging
    for number in (3, 4):
        deploy(repository, publish(number))
    assert "release retire` keeps 2" in repository.release("status").out


def test_shows_both_parts_of_a_canary() -> None:
    """A canary has a line of its own under the stable release, each with its share of the traffic."""
    lines = status.table([status.Status(CANARY, {RELEASE.name: "proved", OTHER.name: "void"})], False).splitlines()
    assert lines[1].split()[:6] == ["iris", "staging", "canary", "95", "%", RELEASE.name]
    assert lines[2].split()[:3] == ["5", "%", OTHER.name]
    assert OTHER_IMAGE[-12:] in lines[2]
    assert lines[3].strip() == "possible now: deploy, deploy --canary, advance, promote, rollback"


def test_shows_what_is_to_be_proved() -> None:
    """A first release that waits for its proof has 0 percent."""
    first = dataclasses.replace(CANARY, stable_name=None, percent=0, share=100)
    lines = status.table([status.Status(first, {OTHER.name: "none"})], False).splitlines()
    assert lines[1].split()[:6] == ["iris", "staging", "proving", "0", "%", OTHER.name]
    assert lines[2].strip() == "possible now: deploy, deploy --canary, advance, promote, rollback"


def test_json_is_the_whole_record(repository: Repository, publish: Publish) -> None:
    """`--json` is the records with state and possible commands, for one model when asked; the history without what was
    taken back."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    deploy(repository, second)
    found = json.loads(repository.release("status", "--json", "--model", "iris").out)
    assert [(one["environment"], one["state"], one["possible"]) for one in found] == [
        ("production", "empty", ["deploy"]),
        ("staging", "stable", ["deploy", "deploy --canary", "rollback", "rollback --to"]),
    ]
    staging = found[1]
    assert (staging["stable"]["uri"], staging["stable"]["image"]) == (second, IMAGE)
    assert [one["uri"] for one in staging["releases"]] == [second, first]
    assert staging["ready"] == [one["name"] for one in staging["releases"]]
    assert json.loads(repository.release("status", "--json", "--model", "wine").out) == []
    assert repository.release("rollback", "--env", "staging").code == 0
    (_, staging) = json.loads(repository.release("status", "--json").out)
    assert [one["uri"] for one in staging["releases"]] == [first]


def test_a_release_is_found_by_its_name(repository: Repository, publish: Publish, tmp_path: Path) -> None:
    """`show` and `fetch` take the name that status shows, `quarantine` and `rollback` have tests of their own."""
    uri = publish(1)
    deploy(repository, uri)
    name = recorded(repository).stable_name or ""
    assert json.loads(repository.release("show", name, "--json").out)["uri"] == uri
    assert repository.release("fetch", name, "--out", str(tmp_path / "model")).code == 0
    assert "no record names a release 'iris-0'" in repository.release("show", "iris-0").err


def test_what_no_expiry_may_remove(repository: Repository, publish: Publish) -> None:
    """`references` lists the URIs and images of every branch's records, one that only a branch of people names too."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    git(repository.origin, "branch", "kept")
    deploy(repository, second, image=OTHER_IMAGE)
    git(repository.origin, "branch", "ahead", "main")
    git(repository.origin, "update-ref", "refs/heads/main", "refs/heads/kept")
    assert recorded(repository).find(ArtifactUri.parse(second).digest) is None
    assert set(repository.release("references").out.split()) == {first, second, IMAGE, OTHER_IMAGE}


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
    shown = status.table([status.Status(Record("iris\x1b[31m", "staging\nx"), {})], colour=False)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 3
