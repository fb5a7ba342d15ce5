"""Rolling back: model and image together, to something that is still there, and never forward again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.digest import ArtifactUri
from artifact.errors import StorageError
from release.bucket import published
from release.bucket.store import Store
from release.gitops import quarantine
from tests.conftest import Bucket
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, git, inputs_of, write_verdict
from tests.release.test_deploy import deploy, recorded

Publish = Callable[[int], str]


def rollback(repository: Repository, *more: str, code: int = 0) -> str:
    """Roll staging back; the last line of what it said."""
    done = repository.release("rollback", "--env", "staging", *more)
    assert done.code == code, done.err
    return (done.out or done.err).splitlines()[-1]


def test_back_to_the_release_before(repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model and image go back together in one commit, `since` is now, and the trailers tell from where."""
    first, second = publish(1), publish(2)
    deploy(repository, first, image=OTHER_IMAGE)
    deploy(repository, second)
    monkeypatch.setattr("release.commands.rollback.now", lambda: "2099-01-01T00:00:00Z")
    left = recorded(repository).stable_name
    line = rollback(repository)
    assert "iris: roll back to iris-" in line
    assert f"{left} goes into quarantine, which `release unquarantine {left}` lifts" in line
    stable = recorded(repository).stable
    assert stable is not None
    assert (stable.uri, stable.image, stable.since) == (first, OTHER_IMAGE, "2099-01-01T00:00:00Z")
    trailers = git(repository.origin, "log", "-1", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert trailers[:2] == [f"Release: {stable.name}", f"Model-Digest: {stable.digest}"]
    assert f"Previous-Uri: {second}" in trailers


def test_never_back_to_what_was_left(repository: Repository, publish: Publish) -> None:
    """After another deploy a rollback skips the model that was rolled back; repeated, it does not go back twice."""
    first, second, third = (publish(number) for number in (1, 2, 3))
    for uri in (first, second):
        deploy(repository, uri)
    rollback(repository)
    deploy(repository, third)
    rollback(repository)
    assert recorded(repository).stable.uri == first  # type: ignore[union-attr]
    assert rollback(repository).startswith("nothing to do")
    barred = quarantine.parse(repository.text_of("gitops/models/iris/quarantine.yaml"), "x")
    assert [entry.model_digest for entry in barred] == [ArtifactUri.parse(uri).digest for uri in (second, third)]
    deploy(repository, publish(4))
    rollback(repository, "--to", ArtifactUri.parse(first).digest.removeprefix("sha256-")[:8])
    only = f"sha256-{'0' * 64}"
    assert "no earlier release" in rollback(repository, "--to", only, code=10)


def test_to_a_digest(repository: Repository, publish: Publish) -> None:
    """`--to` goes back to that release, by name or digest; what serves already is no commit, an unknown one refused."""
    uris = [publish(number) for number in (1, 2, 3)]
    for uri in uris:
        deploy(repository, uri)
    first = uris[0].rstrip("/").rpartition("/")[2]
    rollback(repository, "--to", recorded(repository).releases[2].name)
    before = repository.history()
    assert recorded(repository).stable.digest == first  # type: ignore[union-attr]
    assert rollback(repository, "--to", first).startswith("nothing to do")
    deploy(repository, uris[1])
    assert "has no earlier release" in rollback(repository, "--to", f"sha256-{'0' * 64}", code=10)
    rollback(repository, "--to", first[:14], code=10)  # seven characters are no name
    assert len(repository.history()) == len(before) + 1


def test_nothing_to_go_back_to(plain: Repository) -> None:
    """Before any release a rollback is refused with what is possible."""
    assert "iris in staging is empty; possible now: deploy" in rollback(plain, code=10)


def test_artifact_must_be_there(repository: Repository, publish: Publish, s3: Bucket) -> None:
    """A release whose artifact is no longer complete in the bucket is not gone back to: 20, nothing committed."""
    first = publish(1)
    deploy(repository, first)
    deploy(repository, publish(2))
    s3.client.delete_object(Bucket=s3.name, Key=first.removeprefix(f"s3://{s3.name}/") + "model.joblib")
    before = repository.history()
    assert "model.joblib" in rollback(repository, code=20)
    assert repository.history() == before


def test_unseen_release_is_not_rolled_back(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that arrives while somebody rolls back is not rolled back unseen: 50, and it serves."""
    first, second, third = (publish(number) for number in (1, 2, 3))
    for uri in (first, second):
        deploy(repository, uri)
    real, calls = published.find, []

    def overtaken(store: Store, uri: ArtifactUri) -> published.Published:
        calls.append(uri)
        if len(calls) == 1:
            deploy(repository, third)
        return real(store, uri)

    monkeypatch.setattr("release.commands.rollback.published.find", overtaken)
    assert "changed while this was decided" in rollback(repository, code=50)
    assert recorded(repository).stable.uri == third  # type: ignore[union-attr]


def test_the_target_is_asked_and_never_waited_for(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """The commit is made whatever the target's own host answers, which is said; so is whether the cluster followed."""
    first, second, third = (publish(number) for number in (1, 2, 3))
    options = ("--gateway", cluster.url)
    for uri in (first, second, third):
        deploy(repository, uri)
    newer, older = (recorded(repository).releases[place].name for place in (2, 1))
    cluster.broken = {f"{older}-predictor", "stable-iris"}
    done = repository.release("rollback", "--env", "staging", "--wait", "1", *options)
    assert done.code == 0, done.err
    requests, followed = done.out.splitlines()
    assert f"{older} is not seen ready" in requests
    assert f"if the cluster does not follow, `--to {newer}` is the next that served" in requests
    assert followed.startswith("the cluster does not follow yet: stable-iris.iris-staging")
    assert recorded(repository).stable_name == older
    cluster.broken = set()
    done = repository.release("rollback", "--env", "staging", "--to", newer, "--wait", "30", *options)
    assert f"{newer} answers" in done.out
    assert done.out.endswith("the cluster follows")
    deploy(repository, publish(4))
    done = repository.release("rollback", "--env", "staging", "--wait", "600", "--gateway", "http://127.0.0.1:1")
    assert "the cluster cannot be asked whether it follows" in done.out


def test_a_bucket_that_is_away_does_not_keep_a_bad_model_serving(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An S3 that cannot be reached from here may be reached by the cluster: the rollback is committed."""
    first = publish(1)
    for uri in (first, publish(2)):
        deploy(repository, uri)

    def away(*_: object) -> None:
        raise StorageError("S3 is away")

    monkeypatch.setattr("release.commands.rollback.published.find", away)
    rollback(repository)
    assert recorded(repository).stable.uri == first  # type: ignore[union-attr]


def test_back_to_a_retired_release(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """It gets its InferenceService, is proved, and only then the traffic; what it replaces serves until then."""
    options = ("--gateway", cluster.url)
    for number in (1, 2, 3):
        done = repository.release(
            "deploy", "--env", "production", "--uri", publish(number), "--image", IMAGE, "--wait", "30", *options
        )
        assert done.code == 0, done.err
    third, second, first = recorded(repository, "production").releases
    assert repository.release("retire", "--env", "production", "--min-age", "0", *options).code == 0
    command = ("rollback", "--env", "production", "--to", first.name)
    done = repository.release(*command)
    assert f"{third.name} serves until then: quarantine it afterwards" in done.out
    current = recorded(repository, "production")
    assert (current.stable_name, current.candidate_name, current.percent) == (third.name, first.name, 0)
    assert repository.release(*command).out.startswith("nothing to do")
    assert repository.release("rollback", "--env", "production").out.startswith("nothing to do")
    assert repository.release("advance", "--env", "production", *options).code == 0
    current = recorded(repository, "production")
    assert (current.stable_name, current.releases[0].rejected) == (first.name, True)
    assert second.name in {release.name for release in current.releases if release.rendered}


def test_what_is_made_of_the_same_inputs_is_not_barred_with_it(
    repository: Repository, publish: Publish, make_artifact: Callable[[int], Path]
) -> None:
    """Two models of equal inputs, as of two classes of CPU: a rollback to one does not put both into quarantine."""
    deploy(repository, publish(1))
    verdict = write_verdict(make_artifact(5), inputs_digest=inputs_of(1))
    done = repository.release("publish", "--artifact", str(verdict.parent / "artifact"), "--verdict", str(verdict))
    deploy(repository, done.out)
    assert "is not in quarantine, since" in rollback(repository)
    assert quarantine.parse(repository.text_of("gitops/models/iris/quarantine.yaml"), "x") == ()
    git(repository.folder, "pull", "--quiet", "origin", "main")
    assert repository.release("check").code == 0
