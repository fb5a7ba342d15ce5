"""What enters production: what staging serves, at once or as a proposal, and nothing that is older."""

import pytest

from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, commit, git
from tests.release.steps import PRODUCTION, Publish, deploy, name, run, shares
from tests.release.test_deploy import recorded


def test_production_takes_what_staging_proved(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """Only what staging serves, seen answering there with its digest, enters production: 41 otherwise."""
    environment = f"{PRODUCTION}/environment.yaml"
    git(repository.folder, "pull", "--quiet", "origin", "main")
    commit(repository.folder, environment, (repository.folder / environment).read_text().replace("# takes", "takes"))
    first, second = publish(1), publish(2)
    enter = ("deploy", "--from", "staging", "--from-gateway", cluster.url)
    assert "serves nothing yet" in run(repository, *enter, code=41).err
    deploy(repository, first, env="staging")
    cluster.broken = {"iris"}
    assert "not seen healthy" in run(repository, *enter, code=41).err
    assert "production takes what staging serves" in deploy(repository, second, code=41).err
    cluster.broken = set()
    run(repository, *enter, "--wait", "30", "--gateway", cluster.url)
    assert ("iris.iris-staging.models.example.com", "/v2/models/iris/ready") in cluster.requests
    deploy(repository, second, image=OTHER_IMAGE, env="staging")
    run(repository, *enter, "--canary", "20")
    current = recorded(repository, "production")
    assert current.candidate is not None
    assert (current.candidate.uri, current.candidate.image, current.share) == (second, OTHER_IMAGE, 20)
    assert (current.candidate.served, current.candidate.proof) == (False, None)
    run(repository, *enter, "--image", IMAGE, code=2)


def test_proposal_is_a_branch_to_merge(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """`--propose` leaves main alone, pushes one branch that adds the candidate once merged, and prints its name."""
    first, second = publish(1), publish(2)
    propose = ("deploy", "--from", "staging", "--from-gateway", cluster.url, "--canary", "--propose")
    deploy(repository, first, "--wait", "30", "--gateway", cluster.url)
    deploy(repository, second, env="staging")
    history = repository.history()
    cluster.broken = {"iris"}
    assert "not seen healthy" in run(repository, *propose, "--wait", "1", code=41).err
    cluster.broken = set()
    branch = run(repository, *propose, "--wait", "5").out
    assert branch == f"release/production-{name(repository, second, 'staging')}"
    assert run(repository, *propose).out == branch
    assert repository.history() == history
    git(repository.origin, "update-ref", "refs/heads/main", f"refs/heads/{branch}")
    assert shares(repository) == {second: 0, first: 100}
    assert repository.history()[1:] == history
    done = run(repository, *propose)
    assert (done.out, "gets 10 % once proved" in done.err) == ("", True)


def test_older_than_what_serves_does_not_enter(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch, cluster: Answering
) -> None:
    """What staging was rolled back to is older than what production serves: superseded."""
    old = git(repository.folder, "rev-parse", "HEAD")
    new = commit(repository.folder, "code.py", "new")
    first, second = publish(1), publish(2)
    monkeypatch.setenv("GITHUB_SHA", new)
    deploy(repository, second)
    monkeypatch.setenv("GITHUB_SHA", old)
    deploy(repository, first, env="staging")
    output = run(repository, "deploy", "--from", "staging", "--from-gateway", cluster.url).out
    assert output.startswith("superseded")
