"""A clean revert is always right: any of our commits, and any number of the newest reverted, may be applied."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact.errors import ConfigurationError, GateRefused
from local.knative import Knative
from release import transitions
from release.commands.check import check
from release.gitops import quarantine, record, release_file
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, git
from tests.release.steps import deploy, run, shares
from tests.release.test_deploy import recorded
from tests.release.test_state import NOW, PROOF, release

BUCKET = [release(name) for name in "abc"] + [release("a", OTHER_IMAGE)]
# The inputs of one gave two models, as on another class of CPU.
BUCKET.append(dataclasses.replace(release("d"), inputs_digest=BUCKET[1].inputs_digest))
Barred = frozenset[str]  # digests of artifacts and of inputs


@dataclass(frozen=True)
class Commit:
    """What Git holds: the record, and what is in quarantine."""

    record: Record
    barred: Barred

    def bars(self, other: Release) -> bool:
        """Whether `other`, or what it is made of, is in quarantine."""
        return bool({other.digest, other.inputs_digest} & self.barred)


def step(now: Commit, command: str, named: Release, percent: int) -> Commit:
    """The commit that a command makes of `now`, as release.commands decides it."""
    before = now.record

    def refuse(other: Release | None) -> None:
        if other is not None and now.bars(other):
            raise GateRefused("in quarantine")

    def proved() -> Record:
        candidate = before.candidate
        refuse(candidate)
        return (
            before if candidate is None else transitions.replaced(before, dataclasses.replace(candidate, proof=PROOF))
        )

    match command:
        case "deploy" | "deploy --canary":
            refuse(named)
            share = percent if command == "deploy --canary" else None
            after = transitions.deploy(before, named, keep=3, percent=share, first=10)
        case "advance":
            after = transitions.advance(proved(), percent, NOW)
        case "promote":
            after = transitions.promote(proved(), NOW)
        case "rollback" | "rollback --to":
            target = named.name if command == "rollback --to" else None
            after = transitions.rollback(before, target, NOW, now.bars)
            left = before.candidate if before.candidate is not None else before.stable
            if before.candidate is None and after != before:
                refuse(after.candidate or after.stable)
            if before.percent != 0 and after.candidate is None and left is not None and after != before:
                same = after.stable is not None and after.stable.inputs_digest == left.inputs_digest
                return Commit(after, now.barred if same else now.barred | {left.digest, left.inputs_digest})
        case "quarantine":
            later = Commit(before, now.barred | {named.digest, named.inputs_digest})
            after = transitions.leave(before, NOW, later.bars, stop=percent == 100)
            return Commit(after, later.barred)
        case "unquarantine":
            return Commit(before, now.barred - {named.digest, named.inputs_digest})
        case _:
            after = transitions.retire(before, 2, now.bars, lambda other: other.left is not None)
    return Commit(after, now.barred)


COMMANDS = ("deploy", "deploy --canary", "advance", "promote", "rollback", "rollback --to", "quarantine")
COMMANDS += ("unquarantine", "retire")
REVERTED = st.sampled_from([0, 0, 0, 1, 5])  # of the newest commits, after a command


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.sampled_from(BUCKET), st.integers(1, 100), REVERTED),
        min_size=4,
        max_size=20,
    )
)
def test_any_commit_names_only_what_may_serve(steps: list[tuple[str, Release, int, int]]) -> None:
    """Any commands, any number of the newest commits reverted in between: the Route names releases of the bucket, not
    in quarantine, proved before they had traffic; a cluster that is made anew from any commit serves just those."""
    history = [Commit(Record("iris", "production"), frozenset())]
    for command, target, percent, reverted in steps:
        try:
            history.append(step(history[-1], command, target, percent))
        except (ConfigurationError, GateRefused):
            continue
        history += history[-2 : -2 - min(reverted, len(history) - 1) : -1]  # one after the other, as Git commits them
    for commit in history:
        holds(commit)


def holds(commit: Commit) -> None:
    """What has to be true of each commit."""
    assert record.parse(record.render(commit.record), "x") == commit.record
    manifests = [document for document in yaml.safe_load_all(release_file.render(commit.record)) if document]
    named = {
        target["configurationName"]
        for manifest in manifests
        if manifest["kind"] == "Route"
        for target in manifest["spec"]["traffic"]
    }
    for entry in commit.record.releases:
        if release_file.configuration(entry.name) in named:
            assert not commit.bars(entry)
            assert entry.proof is not None
            assert any(entry.same(published) for published in BUCKET)
    cluster = Knative()
    for revision in cluster.apply(manifests):
        proved = commit.record.find(revision.release)
        assert proved is not None
        # What was never proved may fail to start: nobody depends on it.
        (cluster.started if proved.proof else cluster.failed)(revision)
    assert cluster.follows()


def test_git_reverts_of_our_commits(repository: Repository, publish: Callable[[int], str], cluster: Answering) -> None:
    """`git revert` of the newest commits, one by one: each is what an earlier commit was, and passes `check`."""
    first, second = publish(1), publish(2)
    ask = ("--gateway", cluster.url)
    begun = len(repository.history())
    deploy(repository, first, "--wait", "30", *ask)
    deploy(repository, second, "--canary", "10", "--wait", "30", *ask)
    run(repository, "promote")
    run(repository, "rollback", *ask)
    run(repository, "retire", "--min-age", "0", *ask)
    result = repository.history()[:-begun]
    assert len(result) == 7
    trees = [tree(repository, commit) for commit in result]
    git(repository.folder, "pull", "--quiet", "origin", "main")
    for place, commit in enumerate(result):
        git(repository.folder, "revert", "--no-edit", commit)
        git(repository.folder, "push", "--quiet", "origin", "HEAD:main")
        assert repository.release("check").code == 0
        if place + 1 < len(result):
            assert tree(repository, "HEAD") == trees[place + 1]
    assert recorded(repository, "production") == Record("iris", "production")
    deploy(repository, second, "--wait", "30", *ask)  # and the commands go on from there
    assert shares(repository) == {second: 100}


def tree(repository: Repository, commit: str) -> str:
    git(repository.folder, "fetch", "--quiet", "origin")
    return git(repository.folder, "rev-parse", f"{commit}:gitops")


@pytest.fixture
def canary(repository: Repository, publish: Callable[[int], str], cluster: Answering) -> Repository:
    """A checkout of a canary."""
    ask = ("--wait", "30", "--gateway", cluster.url)
    deploy(repository, publish(1), *ask)
    deploy(repository, publish(2), "--canary", "10", *ask)
    git(repository.folder, "pull", "--quiet", "origin", "main")
    assert repository.release("check").code == 0
    return repository


def test_a_render_that_may_not_serve_is_refused(canary: Repository) -> None:
    """What a person writes besides: a quarantined release, one without its object, a release.yaml of its own: 41."""
    folder = canary.folder / "gitops/models/iris"
    current = recorded(canary, "production")
    bad = current.releases[0]
    (folder / "quarantine.yaml").write_text(
        quarantine.render([Quarantined(bad.digest, bad.inputs_digest, "bad", "", NOW, "me")])
    )
    trees = canary.release("check")
    assert (trees.code, f"would serve {bad.name}, which is in quarantine" in trees.err) == (41, True)
    assert f"`python -m release quarantine {bad.name} --env production`" in trees.err
    assert f"`python -m release unquarantine {bad.name}`" in trees.err
    (folder / "quarantine.yaml").write_text(quarantine.render([]))
    file = folder / "production/release.yaml"
    documents: list[Any] = file.read_text().split("---\n")
    file.write_text("---\n".join(documents[1:]))
    trees = canary.release("check")
    assert (trees.code, f"names {bad.name}, whose InferenceService is not there" in trees.err) == (41, True)
    file.write_text("---\n".join(documents[:1]))
    assert "is not what the record says" in canary.release("check").err
    (folder / "production/record.yaml").write_text("x")
    assert canary.release("check").code == 10
    with pytest.raises(ConfigurationError):
        check(Worktree(canary.folder))
    assert IMAGE in documents[0]
