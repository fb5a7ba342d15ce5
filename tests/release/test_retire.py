"""Retiring: what nothing names goes, once the cluster is seen to follow Git, and never what a rollback needs."""

from collections.abc import Callable

import pytest

from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, commit
from tests.release.steps import deploy, digest_of, name, run, shares
from tests.release.test_deploy import recorded

Publish = Callable[[int], str]


@pytest.fixture
def three(repository: Repository, publish: Publish, cluster: Answering) -> list[str]:
    """Three releases that had all traffic, one after the other; their URIs."""
    uris = [publish(number) for number in (1, 2, 3)]
    for uri in uris:
        deploy(repository, uri, "--wait", "30", "--gateway", cluster.url)
    return uris


def test_older_releases_go_in_a_commit_of_their_own(
    repository: Repository, three: list[str], cluster: Answering
) -> None:
    """After the minimum age, `ready` of them stay; the record still remembers the others."""
    options = ("--gateway", cluster.url)
    assert run(repository, "retire", *options).out.startswith("nothing to do")  # an hour is not over
    run(repository, "retire", "--min-age", "0", *options)
    assert shares(repository) == {three[2]: 100, three[1]: 0}
    assert name(repository, three[0])
    commit(repository.folder, "gitops/models/iris/production/environment.yaml", "shape: Knative\nready: 1\n")
    run(repository, "retire", "--min-age", "0", *options)
    assert shares(repository) == {three[2]: 100}


def test_nothing_goes_while_the_cluster_does_not_follow(
    repository: Repository, publish: Publish, three: list[str], cluster: Answering
) -> None:
    """An old assignment of the Route may still name it: 41 while a tag's host answers otherwise than Git says."""
    options = ("--min-age", "0", "--gateway", cluster.url)
    history = repository.history()
    cluster.digest = digest_of(three[1])  # the tag `stable` is that of an older commit
    assert "nothing is retired" in run(repository, "retire", *options, code=41).err
    cluster.digest = digest_of(three[2])  # `canary` answers, and Git names none
    assert "names no canary release" in run(repository, "retire", *options, code=41).err
    cluster.digest, cluster.broken = None, {"stable-iris"}
    assert "status 503" in run(repository, "retire", *options, "--wait", "1", code=41).err
    assert "nothing (" in run(repository, "retire", "--min-age", "0", "--gateway", "http://127.0.0.1:1", code=41).err
    assert repository.history() == history
    cluster.broken = set()
    fourth = publish(4)
    deploy(repository, fourth, "--canary", "10", "--wait", "30", "--gateway", cluster.url)
    run(repository, "retire", *options)
    assert shares(repository) == {fourth: 10, three[2]: 90, three[1]: 0}


def test_two_images_of_one_digest(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """The name of the release that answers tells them apart; images too old to say it are known by their digest."""
    options = ("--gateway", cluster.url)
    other, uri = publish(1), publish(2)
    for each, image in ((other, IMAGE), (uri, IMAGE), (uri, OTHER_IMAGE)):
        deploy(repository, each, "--wait", "30", *options, image=image)
    names = {
        release.image: release.name for release in recorded(repository, "production").releases if release.uri == uri
    }
    history = repository.history()
    cluster.digest, cluster.release = digest_of(uri), names[IMAGE]
    refused = run(repository, "retire", "--min-age", "0", *options, code=41).err
    says = f"answers '{cluster.digest} of {names[IMAGE]}', not {cluster.digest} of {names[OTHER_IMAGE]}"
    assert (says in refused, repository.history() == history) == (True, True), refused
    cluster.digest, cluster.old = None, True
    run(repository, "retire", "--min-age", "0", *options)
    assert set(shares(repository)) == {uri}


def test_where_no_proof_is_asked_for_the_age_is_enough(repository: Repository, publish: Publish) -> None:
    """An environment that nothing outside reaches cannot be asked: what is old enough goes."""
    uris = [publish(number) for number in (1, 2, 3)]
    for uri in uris:
        done = repository.release("deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
        assert done.code == 0, done.err
    run(repository, "retire", "--min-age", "0", env="staging")
    assert shares(repository, "staging") == {uris[2]: 100, uris[1]: 0}
