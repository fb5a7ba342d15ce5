"""A quarantined model leaves the traffic in the same commit, in the environments that the command may write."""

import json
from collections.abc import Callable

from tests.release.answering import Answering
from tests.release.conftest import Repository, git, inputs_of
from tests.release.steps import deploy, digest_of, listed, name, run, shares
from tests.release.test_deploy import recorded

Publish = Callable[[int], str]


def test_it_leaves_every_route_at_once(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """One commit bars it and gives its traffic, in each environment, to the newest proved one that is not barred."""
    first, second = publish(1), publish(2)
    wait = ("--wait", "30", "--gateway", cluster.url)
    for uri in (first, second):
        deploy(repository, uri, *wait)
        deploy(repository, uri, env="staging")
    history = repository.history()
    output = run(repository, "quarantine", name(repository, second), "--reason", "it hurts").out
    assert output.startswith(f"iris: quarantine {name(repository, second)}, commit")
    assert repository.history()[1:] == history
    assert shares(repository) == shares(repository, "staging") == {second: 0, first: 100}
    assert [(entry.model_digest, entry.reason) for entry in listed(repository)] == [(digest_of(second), "it hurts")]
    trailers = git(repository.origin, "log", "-1", "--format=%(trailers:only,unfold)", "main")
    assert f"production stable: {name(repository, first)}; staging stable: {name(repository, first)}" in trailers
    assert run(repository, "quarantine", digest_of(second), "--reason", "it hurts").out.startswith("nothing to do")


def test_other_environments_are_left_to_who_may_write_there(
    repository: Repository, publish: Publish, cluster: Answering
) -> None:
    """With `--env` the others go on, are named, and status says what they serve; their turn is the same command."""
    first, second = publish(1), publish(2)
    for uri in (first, second):
        deploy(repository, uri, "--wait", "30", "--gateway", cluster.url)
        deploy(repository, uri, env="staging")
    bad = name(repository, second)
    done = run(repository, "quarantine", bad, "--reason", "x", "--env", "staging")
    assert "production serves it: quarantine it there too" in done.out
    assert (shares(repository)[second], shares(repository, "staging")[second]) == (100, 0)
    production, staging = json.loads(repository.release("status", "--json").out)
    assert f"serves a quarantined release, {bad}: `release quarantine {bad}`" in production["notes"]
    assert not [note for note in staging["notes"] if "quarantined" in note]
    git(repository.folder, "pull", "--quiet", "origin", "main")
    refused = repository.release("check")
    assert (refused.code, f"release quarantine {bad} --env production" in refused.err) == (41, True)
    run(repository, "quarantine", bad, "--reason", "x", "--env", "production")
    assert shares(repository)[second] == 0
    git(repository.folder, "pull", "--quiet", "origin", "main")
    assert repository.release("check").code == 0


def test_without_another_release_it_is_refused(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """Nothing stops serving by itself: 41, unless `--stop` says so; then there is no Route, and a deploy begins."""
    first, second = publish(1), publish(2)
    deploy(repository, first, "--wait", "30", "--gateway", cluster.url)
    history = repository.history()
    assert "--stop" in run(repository, "quarantine", digest_of(first), "--reason", "x", code=41).err
    assert repository.history() == history
    run(repository, "quarantine", digest_of(first), "--reason", "x", "--stop")
    assert shares(repository) == {first: 0}
    assert recorded(repository, "production").stable is None
    deploy(repository, second, "--wait", "30", "--gateway", cluster.url)
    assert shares(repository) == {second: 100, first: 0}


def test_a_canary_or_its_stable_release(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """A barred canary goes back, and goes nowhere; a barred stable release leaves everything to its canary."""
    first, second, third = publish(1), publish(2), publish(3)
    wait = ("--wait", "30", "--gateway", cluster.url)
    deploy(repository, first, *wait)
    deploy(repository, second, "--canary", "10", *wait)
    run(repository, "quarantine", digest_of(second), "--reason", "it hurts")
    assert shares(repository) == {second: 0, first: 100}
    deploy(repository, third, "--canary", "10", *wait)
    run(repository, "quarantine", digest_of(first), "--reason", "it hurts")
    assert shares(repository) == {third: 100, second: 0, first: 0}
    run(repository, "quarantine", digest_of(publish(4)), "--reason", "known from the bucket")
    assert listed(repository)[2].inputs_digest == inputs_of(4)
    run(repository, "quarantine", f"sha256-{'0' * 64}", "--reason", "known to nobody", code=20)


def test_a_canary_in_quarantine_gets_no_more(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """Barred elsewhere, it neither advances nor is promoted: 41; a rollback is possible."""
    first, second = publish(1), publish(2)
    wait = ("--wait", "30", "--gateway", cluster.url)
    deploy(repository, first, *wait)
    deploy(repository, second, "--canary", "10", *wait)
    run(repository, "quarantine", digest_of(second), "--reason", "it hurts", "--env", "staging")
    for command in (("advance", "--to", "20"), ("promote",)):
        assert "it hurts" in run(repository, *command, code=41).err
    run(repository, "rollback")
    assert len(listed(repository)) == 1
