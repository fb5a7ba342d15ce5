"""`rollback --traffic-only`: what an identity without reviewers may do with production, and what it may not."""

from collections.abc import Callable

import pytest

from tests.release.answering import Answering
from tests.release.conftest import IMAGE, Repository, commit, git
from tests.release.test_deploy import recorded

Publish = Callable[[int], str]
QUARANTINE = "gitops/models/iris/quarantine.yaml"


@pytest.fixture
def production(repository: Repository, cluster: Answering, publish: Publish) -> "Production":
    """Three models that served in production, one after the other, each proved; the third one serves."""
    current = Production(repository, cluster)
    for number in (1, 2, 3):
        current.run("deploy", "--uri", publish(number), "--image", IMAGE, "--wait", "30")
    return current


class Production:
    """Commands on production, as a workflow gives them, with the gateway that plays its cluster."""

    def __init__(self, repository: Repository, cluster: Answering) -> None:
        self.repository, self.cluster = repository, cluster

    def run(self, command: str, *more: str, code: int = 0) -> str:
        """What the command said."""
        done = self.repository.release(command, "--env", "production", "--gateway", self.cluster.url, *more)
        assert done.code == code, done.err
        return done.out or done.err

    def serving(self) -> tuple[str | None, list[str]]:
        """What the Route gives most of the traffic, and what is remembered, the newest first."""
        current = recorded(self.repository, "production")
        return current.stable_name, [release.name for release in current.releases]


def test_it_moves_the_traffic_and_nothing_else(production: Production) -> None:
    """One commit of production's own two files: the quarantine, which concerns every environment, stays as it was."""
    _, (third, second, _) = production.serving()
    before = production.repository.text_of(QUARANTINE)
    output = production.run("rollback", "--traffic-only", "--reason", "errors doubled")
    assert f"{third} is not in quarantine" in output
    assert production.serving()[0] == second
    assert production.repository.text_of(QUARANTINE) == before
    changed = git(production.repository.origin, "show", "--name-only", "--format=", "main").splitlines()
    assert changed == [f"gitops/models/iris/production/{name}.yaml" for name in ("record", "release")]


def test_it_never_leads_to_what_was_taken_back(production: Production) -> None:
    """Nobody plays a bad model back: a release that was left this way is refused, and so is one in quarantine."""
    _, (third, second, first) = production.serving()
    production.run("rollback", "--traffic-only")
    assert "was taken back" in production.run("rollback", "--traffic-only", "--to", third, code=41)
    production.repository.release("quarantine", first, "--reason", "drill")
    assert "quarantine" in production.run("rollback", "--traffic-only", "--to", first, code=41)
    assert production.serving()[0] == second


def test_it_needs_a_proof_of_what_is_rendered_now(production: Production) -> None:
    """An edit of the base voids the proofs, and a retired release has none: 41, naming what leads on."""
    _, (_, second, first) = production.serving()
    production.run("retire", "--min-age", "0")
    assert "no release that is ready" in production.run("rollback", "--traffic-only", "--to", first, code=41)
    path = "gitops/models/iris/production/kustomization.yaml"
    commit(production.repository.folder, path, "resources: [record.yaml]\n")
    assert f"release prove --env production {second}" in production.run("rollback", "--traffic-only", code=41)
    production.run("prove")
    production.run("rollback", "--traffic-only")
    assert production.serving()[0] == second


def test_it_takes_a_canary_back(production: Production, publish: Publish) -> None:
    """The stable release gets the canary's traffic, whatever its own proof; again, it finds its work done."""
    stable, _ = production.serving()
    production.run("deploy", "--uri", publish(4), "--image", IMAGE, "--canary", "10", "--wait", "30")
    production.run("rollback", "--traffic-only")
    assert production.serving()[0] == stable
    assert "nothing to do" in production.run("rollback", "--traffic-only")


def test_a_deploy_of_100_percent_is_not_a_canary(production: Production, publish: Publish) -> None:
    """`--canary 100`, as a form says it, is all of the traffic once proved."""
    production.run("deploy", "--uri", publish(4), "--image", IMAGE, "--canary", "100", "--wait", "30")
    stable, releases = production.serving()
    assert stable == releases[0]
