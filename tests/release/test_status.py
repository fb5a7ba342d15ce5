"""`status`: what the remote's main names, not what a clone that is behind holds."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError
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
    head, production, then, staging, row, unproved, now = repository.release("status").out.splitlines()
    assert head.split() == ["TRAFFIC", "RELEASE", "DIGEST", "IMAGE", "SINCE", "PROOF", "SOURCE"]
    assert production == "iris production: empty"
    assert then.strip() == "possible now: deploy"
    name = recorded(repository).stable_name
    assert staging == "iris staging: stable"
    assert row.split()[:3] == ["100", "%", name]
    assert max(map(len, (head, row, unproved, now))) <= status.WIDTH
    assert (
        unproved.strip() == f"{name} needed no proof here: a cluster that is made anew answers 404 if it cannot start"
    )
    assert now.strip() == "possible now: deploy, deploy --canary, rollback, rollback --to"
    assert "11111111" in row
    assert "\x1b" not in row
    with_uris = repository.release("status", "--uris").out
    assert recorded(repository).stable.uri in with_uris
    assert IMAGE in with_uris
    for number in (3, 4):
        deploy(repository, publish(number))
    assert "release retire` keeps 2" in repository.release("status").out


def test_shows_both_parts_of_a_canary() -> None:
    """A canary has a line of its own under the stable release, each with its share of the traffic."""
    lines = status.table([status.Status(CANARY, {RELEASE.name: "proved", OTHER.name: "void"})], False).splitlines()
    assert lines[1] == "iris staging: canary"
    assert lines[2].split()[:3] == ["95", "%", RELEASE.name]
    assert lines[3].split()[:3] == ["5", "%", OTHER.name]
    assert OTHER_IMAGE.rpartition(":")[2][:8] in lines[3]
    assert lines[4].strip() == "possible now: deploy, deploy --canary, advance, promote, rollback"


def test_shows_what_is_to_be_proved() -> None:
    """A first release that waits for its proof has 0 percent."""
    first = dataclasses.replace(CANARY, stable_name=None, percent=0, share=100)
    lines = status.table([status.Status(first, {OTHER.name: "none"})], False).splitlines()
    assert lines[1] == "iris staging: proving"
    assert lines[2].split()[:3] == ["0", "%", OTHER.name]
    assert lines[3].strip() == "possible now: deploy, deploy --canary, advance, promote, rollback"


def test_json_is_the_whole_record(repository: Repository, publish: Publish) -> None:
    """`--json` is the records with state and possible commands, for one model when asked; the history without what was
    taken back."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    deploy(repository, second)
    content = json.loads(repository.release("status", "--json", "--model", "iris").out)
    assert [(entry["environment"], entry["state"], entry["possible"]) for entry in content] == [
        ("production", "empty", ["deploy"]),
        ("staging", "stable", ["deploy", "deploy --canary", "rollback", "rollback --to"]),
    ]
    staging = content[1]
    assert (staging["stable"]["uri"], staging["stable"]["image"]) == (second, IMAGE)
    assert [release["uri"] for release in staging["releases"]] == [second, first]
    assert staging["ready"] == [release["name"] for release in staging["releases"]]
    for options in ([], ["--json"]):
        unknown = repository.release("status", "--model", "wine", *options)
        assert unknown.code == 10
        assert "gitops/models holds no model 'wine': it holds iris" in unknown.err
    assert repository.release("rollback", "--env", "staging").code == 0
    (_, staging) = json.loads(repository.release("status", "--json").out)
    assert [release["uri"] for release in staging["releases"]] == [first]


def test_a_release_is_found_by_what_status_shows(repository: Repository, publish: Publish, tmp_path: Path) -> None:
    """`show` and `fetch` take its name and the beginning of its digest; the other commands ask the record, too."""
    uri = publish(1)
    deploy(repository, uri)
    name, short = repository.release("status").out.splitlines()[4].split()[2:4]
    for text in (name, short):
        assert json.loads(repository.release("show", text, "--json").out)["uri"] == uri
    assert repository.release("fetch", short, "--out", str(tmp_path / "model")).code == 0
    assert "no record names a release 'iris-0'" in repository.release("show", "iris-0").err


def test_a_short_digest_that_means_two_is_refused() -> None:
    """Status shows as many characters as tell all digests apart; fewer, where they mean two, name both in the error."""
    digests = ["sha256-" + "ab" * 5 + str(number) * 54 for number in (1, 2)]
    twins = [
        dataclasses.replace(RELEASE, digest=digest, uri=f"s3://modelpin/models/iris/{digest}/") for digest in digests
    ]
    alone = {"stable_name": twins[0].name, "candidate_name": None, "percent": None, "share": None}
    record = dataclasses.replace(CANARY, releases=tuple(twins), **alone)
    lines = status.table([status.Status(record, {})], False).splitlines()[2].split()[3]
    assert lines == "ab" * 5 + "1"
    assert record.find(lines) == twins[0]
    assert record.find("abababa") is None  # fewer than 8 characters name nothing
    with pytest.raises(ConfigurationError, match=r"is the beginning of sha256-.* and of sha256-"):
        record.find("abababab")


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
    text = status.table([status.Status(Record("iris\x1b[31m", "staging\nx"), {})], colour=False)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3
