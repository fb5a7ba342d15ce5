"""A canary on a real remote, bucket and HTTP server: every step a commit, the bad model never back."""

import json
from collections.abc import Callable, Iterator

import pytest

from artifact.digest import ArtifactUri
from release.gitops import quarantine
from release.gitops.quarantine import Quarantined
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, Run, commit, git, inputs_of, write_verdict
from tests.release.test_deploy import recorded

Publish = Callable[[int], str]
PRODUCTION = "gitops/models/iris/production"


@pytest.fixture
def cluster() -> Iterator[Answering]:
    with Answering() as server:
        yield server


def digest_of(uri: str) -> str:
    return ArtifactUri.parse(uri).digest


def run(repository: Repository, command: str, *more: str, env: str = "staging", code: int = 0) -> Run:
    """Run a command on one environment."""
    place = () if command in ("quarantine", "unquarantine") else ("--env", env)
    done = repository.release(command, *place, *more)
    assert done.code == code, done.err or done.out
    return done


def deploy(repository: Repository, uri: str, *more: str, code: int = 0, image: str = IMAGE) -> Run:
    return run(repository, "deploy", "--uri", uri, "--image", image, *more, code=code)


def listed(repository: Repository) -> tuple[Quarantined, ...]:
    return quarantine.parse(repository.shown("gitops/models/iris/quarantine.yaml"), "x")


def shares(repository: Repository, environment: str = "staging") -> tuple[str, int | None]:
    """What release.yaml on the remote names: storageUri and canaryTrafficPercent."""
    import yaml

    text = repository.shown(f"gitops/models/iris/{environment}/release.yaml")
    predictor = yaml.safe_load(text)["spec"]["predictor"]
    assert predictor["model"]["env"][0]["value"] == predictor["model"]["storageUri"]
    return predictor["model"]["storageUri"], predictor.get("canaryTrafficPercent")


def test_every_step_is_one_commit_and_runs_again(
    repository: Repository, publish: Publish, cluster: Answering, make_artifact: Callable[[int], object]
) -> None:
    """10 → 50 → promoted, then a canary rolled back and settled: one commit each, none the second time; the
    rolled-back model is refused as such and by its inputs until it is lifted."""
    first, second, third = publish(1), publish(2), publish(3)
    steps = [
        (("deploy", "--uri", first, "--image", IMAGE), (first, None)),
        (("deploy", "--uri", second, "--image", OTHER_IMAGE, "--canary"), (second, 10)),
        (("advance", "--to", "50"), (second, 50)),
        (("promote", "--reason", "no errors in an hour"), (second, None)),
        (("deploy", "--uri", third, "--image", IMAGE, "--canary", "5"), (third, 5)),
        (("rollback", "--reason", "errors", "--evidence", "$(id)\nModel-Digest: x"), (second, 0)),
        (("settle", "--gateway", cluster.url), (second, None)),
    ]
    history = repository.history()
    cluster.digest = digest_of(second)
    for arguments, wanted in steps:
        run(repository, *arguments)
        assert repository.history()[1:] == history
        assert shares(repository) == wanted
        history = repository.history()
        assert run(repository, *arguments).out.startswith("nothing to do")
        assert repository.history() == history
    assert cluster.asked == [("latest-iris-predictor.iris-staging.models.example.com", "/v2/models/iris/ready")]

    (barred,) = listed(repository)
    assert (barred.model_digest, barred.inputs_digest) == (digest_of(third), inputs_of(3))
    assert (barred.reason, barred.evidence) == ("errors", "$(id)\nModel-Digest: x")
    told = git(repository.origin, "log", "-2", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert [line for line in told if line.startswith("Model-Digest")] == [f"Model-Digest: {digest_of(second)}"] * 2
    assert any(line.startswith("Release-From: canary: 5 % ") for line in told)

    assert "in quarantine" in deploy(repository, third, code=41).err
    git(repository.folder, "pull", "--quiet", "origin", "main")
    artifact = make_artifact(3)
    for number, other in ((3, 7), (4, 3)):  # the same artifact of other inputs; another artifact of the same inputs
        artifact = make_artifact(number)
        verdict = write_verdict(artifact, inputs_digest=inputs_of(other))  # type: ignore[arg-type]
        refused = repository.release("publish", "--artifact", str(artifact), "--verdict", str(verdict))
        assert (refused.code, "'errors'" in refused.err) == (41, True), refused.err
    run(repository, "unquarantine", digest_of(third))
    assert run(repository, "unquarantine", digest_of(third)).out.startswith("nothing to do")
    deploy(repository, third)


def test_settle_holds_without_evidence(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """No answer, another digest or a model that is not ready: holding, 0, no commit; a person's word is enough."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    deploy(repository, second, "--canary", "10")
    assert "possible now: deploy, deploy --canary, advance" in run(repository, "settle", code=10).err
    run(repository, "rollback")
    assert "possible now: settle" in deploy(repository, publish(3), code=10).err
    history = repository.history()
    for answer, status in ((None, 200), (digest_of(second), 200), (digest_of(first), 503)):
        cluster.digest, cluster.status = answer, status
        held = json.loads(run(repository, "settle", "--url", cluster.url, "--json").out)
        assert (held["outcome"], held["state"]) == ("holding", "rolled-back")
    assert run(repository, "settle", "--url", "http://127.0.0.1:1").out.startswith("holding: ")
    for url in ("ftp://x", "http://", "http://a b", "http://x?y", "http://x:99999999", "$(id)", "http://x\n"):
        assert "is not the URL of a model" in run(repository, "settle", "--url", url, code=10).err
    assert repository.history() == history
    run(repository, "settle", "--evidence", "kubectl says so")
    assert shares(repository) == (first, None)


def test_one_digest_in_two_images_needs_a_person(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """A canary of the same model in another image: its rollback bars nothing, and no answer settles it."""
    uri = publish(1)
    deploy(repository, uri)
    deploy(repository, uri, "--canary", "10", image=OTHER_IMAGE)
    run(repository, "rollback")
    cluster.digest = digest_of(uri)
    assert run(repository, "settle", "--url", cluster.url).out.startswith("holding")
    assert listed(repository) == ()


def test_stable_challenger_takes_the_canary_back(repository: Repository, publish: Publish) -> None:
    """A push whose model is the stable one ends the canary, and nobody is barred for it; another replaces it."""
    first, second, third = publish(1), publish(2), publish(3)
    deploy(repository, first)
    deploy(repository, second, "--canary", "60")
    deploy(repository, third)
    assert shares(repository) == (third, 10)
    deploy(repository, first)
    assert shares(repository) == (first, 0)
    assert listed(repository) == ()


def test_quarantined_canary_goes_nowhere(repository: Repository, publish: Publish) -> None:
    """A canary whose model is put into quarantine gets no more traffic: 41; only a rollback is left."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    deploy(repository, second, "--canary", "10")
    for _ in range(2):
        run(repository, "quarantine", digest_of(second), "--reason", "it hurts")
    assert len(listed(repository)) == 1
    for command in (("advance", "--to", "20"), ("promote",)):
        assert "it hurts" in run(repository, *command, code=41).err
    run(repository, "rollback")
    assert len(listed(repository)) == 1
    run(repository, "quarantine", digest_of(publish(3)), "--reason", "known from the bucket")
    assert listed(repository)[1].inputs_digest == inputs_of(3)
    run(repository, "quarantine", f"sha256-{'0' * 64}", "--reason", "known to nobody", code=20)


def test_production_takes_what_staging_proved(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """Only what staging serves, seen answering there with its digest, enters production: 41 otherwise."""
    environment = f"{PRODUCTION}/environment.yaml"
    git(repository.folder, "pull", "--quiet", "origin", "main")
    commit(repository.folder, environment, (repository.folder / environment).read_text().replace("# takes", "takes"))
    first, second = publish(1), publish(2)
    enter = ("deploy", "--from", "staging", "--from-gateway", cluster.url)
    assert "serves nothing yet" in run(repository, *enter, env="production", code=41).err
    deploy(repository, first)
    assert "not seen healthy" in run(repository, *enter, env="production", code=41).err
    other = ("deploy", "--uri", second, "--image", IMAGE)
    assert "production takes what staging serves" in run(repository, *other, env="production", code=41).err
    cluster.digest = digest_of(first)
    run(repository, *enter, env="production")
    assert cluster.asked[-1][0] == "iris-predictor.iris-staging.models.example.com"
    deploy(repository, second, image=OTHER_IMAGE)
    cluster.digest = digest_of(second)
    run(repository, *enter, "--canary", "20", env="production")
    found = recorded(repository, "production")
    assert found.candidate is not None
    assert (found.candidate.uri, found.candidate.image, found.percent) == (second, OTHER_IMAGE, 20)
    run(repository, *enter, "--image", IMAGE, env="production", code=2)


def test_proposal_is_a_branch_to_merge(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """`--propose` leaves main alone, pushes one branch that begins the canary once merged, and prints its name."""
    first, second = publish(1), publish(2)
    propose = ("deploy", "--from", "staging", "--from-url", cluster.url, "--canary", "--propose")
    run(repository, "deploy", "--uri", first, "--image", IMAGE, env="production")
    deploy(repository, second)
    history = repository.history()
    assert "not seen healthy" in run(repository, *propose, "--wait", "1", env="production", code=41).err
    cluster.digest = digest_of(second)
    branch = run(repository, *propose, env="production").out
    assert branch == f"release/iris-production-{digest_of(second)[:19]}"
    assert run(repository, *propose, env="production").out == branch
    assert repository.history() == history
    git(repository.origin, "update-ref", "refs/heads/main", f"refs/heads/{branch}")
    assert shares(repository, "production") == (second, 10)
    assert repository.history()[1:] == history
    done = run(repository, *propose, env="production")
    assert (done.out, "has 10 % already" in done.err) == ("", True)


def test_older_than_what_serves_does_not_enter(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch, cluster: Answering
) -> None:
    """What staging was rolled back to is older than what production serves: superseded."""
    old = git(repository.folder, "rev-parse", "HEAD")
    new = commit(repository.folder, "code.py", "new")
    first, second = publish(1), publish(2)
    monkeypatch.setenv("GITHUB_SHA", new)
    run(repository, "deploy", "--uri", second, "--image", IMAGE, env="production")
    monkeypatch.setenv("GITHUB_SHA", old)
    deploy(repository, first)
    said = run(repository, "deploy", "--from", "staging", "--from-url", cluster.url, env="production").out
    assert said.startswith("superseded")


def test_a_new_cluster_begins_with_the_stable_release(repository: Repository, publish: Publish) -> None:
    """`rebuild` names the stable release alone, from a canary and from its rollback, and tells what it dropped."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    deploy(repository, second, "--canary", "10")
    run(repository, "rebuild")
    assert shares(repository) == (first, None)
    assert f"the canary was {second} in {IMAGE}" in git(repository.origin, "log", "-1", "--format=%B", "main")
    deploy(repository, second, "--canary", "10")
    run(repository, "rollback")
    run(repository, "rebuild")
    assert shares(repository) == (first, None)


def test_canary_needs_no_bucket_to_go_back(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary is taken back while S3 cannot be reached: the stable model is serving."""
    deploy(repository, publish(1))
    deploy(repository, publish(2), "--canary", "10")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    run(repository, "rollback")
    assert recorded(repository).percent == 0


def test_dry_run_shows_and_pushes_nothing(repository: Repository, publish: Publish) -> None:
    """`--dry-run` prints message and diff of the commit that would come; `--json` the same for programs."""
    uri = publish(1)
    history = repository.history()
    shown = deploy(repository, uri, "--dry-run").out
    assert shown.startswith("iris: deploy sha256-")
    assert f"Model-Digest: {digest_of(uri)}" in shown
    assert f'+      storageUri: "{uri}"' in shown
    told = json.loads(run(repository, "quarantine", digest_of(uri), "--reason", "x", "--dry-run", "--json").out)
    assert told["outcome"] == "dry run"
    assert "+++ b/gitops/models/iris/quarantine.yaml" in told["diff"]
    assert repository.history() == history


def test_another_canary_is_not_promoted_unseen(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A candidate that is replaced while somebody promotes is not promoted unseen: 50."""
    for number in (1, 2, 3):
        publish(number)
    deploy(repository, publish(1))
    deploy(repository, publish(2), "--canary", "10")
    from release import state

    real, calls = state.promote, []

    def overtaken(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            deploy(repository, publish(3))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("release.commands.canary.state.promote", overtaken)
    assert "changed while this was decided" in run(repository, "promote", code=50).err
