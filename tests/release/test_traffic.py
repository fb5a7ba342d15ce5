"""A candidate on a real remote, bucket and HTTP server: proved first, every step a commit, the bad model never back."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from release.commands.proof import Prover
from release.gitops.release import Release
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, OTHER_IMAGE, Repository, commit, git, inputs_of, write_verdict
from tests.release.steps import PRODUCTION, Publish, deploy, digest_of, listed, name, run, shares
from tests.release.test_deploy import recorded


def test_every_step_is_one_commit_and_runs_again(
    repository: Repository, publish: Publish, cluster: Answering, make_artifact: Callable[[int], Path]
) -> None:
    """Proved → all, then proved → 10 → 50 → all, and one taken back: one commit each, none the second time; the model
    taken back is refused as such and by its inputs until it is lifted."""
    first, second, third = publish(1), publish(2), publish(3)
    options = ("--gateway", cluster.url)
    steps: list[tuple[tuple[str, ...], dict[str, int]]] = [
        (("deploy", "--uri", first, "--image", IMAGE), {first: 0}),
        (("promote", *options), {first: 100}),
        (("deploy", "--uri", second, "--image", OTHER_IMAGE, "--canary"), {second: 0, first: 100}),
        (("advance", "--to", "10", *options), {second: 10, first: 90}),
        (("advance", "--to", "50"), {second: 50, first: 50}),
        (("promote", "--reason", "no errors in an hour"), {second: 100, first: 0}),
        (("deploy", "--uri", third, "--image", IMAGE, "--canary", "5"), {third: 0, second: 100, first: 0}),
        (("advance", "--to", "5", *options), {third: 5, second: 95, first: 0}),
        (
            ("rollback", "--reason", "errors", "--evidence", "$(id)\nModel-Digest: x", *options),
            {third: 0, second: 100, first: 0},
        ),
        (("retire", "--min-age", "0", *options), {second: 100, first: 0}),
    ]
    history = repository.history()
    for arguments, expected in steps:
        run(repository, *arguments)
        assert repository.history()[1:] == history, arguments
        assert shares(repository) == expected
        history = repository.history()
        assert run(repository, *arguments).out.startswith("nothing to do"), arguments
        assert repository.history() == history
    names = {
        release.uri: release.name
        for release in recorded(repository).releases or recorded(repository, "production").releases
    }
    domain = "iris-production.models.example.com"
    proofs = [host for host, path in cluster.requests if path.endswith(":predict")]
    assert proofs == [f"{names[uri]}-predictor.{domain}" for uri in (first, second, third)]

    (barred,) = listed(repository)
    assert (barred.model_digest, barred.inputs_digest) == (digest_of(third), inputs_of(3))
    assert (barred.reason, barred.evidence) == ("errors", "$(id)\nModel-Digest: x")
    lines = git(repository.origin, "log", "-2", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert f"Release: {names[second]}" in lines
    assert f"Release-From: canary: {names[third]} 5 %, stable {names[second]}" in lines

    assert "in quarantine" in deploy(repository, third, code=41).err
    git(repository.folder, "pull", "--quiet", "origin", "main")
    for number, other in ((3, 7), (4, 3)):  # the same artifact of other inputs; another artifact of the same inputs
        artifact = make_artifact(number)
        verdict = write_verdict(artifact, inputs_digest=inputs_of(other))
        refused = repository.release("publish", "--artifact", str(artifact), "--verdict", str(verdict))
        assert (refused.code, "'errors'" in refused.err) == (41, True), refused.err
    run(repository, "unquarantine", names[third])
    assert run(repository, "unquarantine", digest_of(third)).out.startswith("nothing to do")
    deploy(repository, third)


def test_waiting_makes_both_commits(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """`deploy --wait` commits the InferenceService and, proved, the Route; run again it finds both."""
    first, second = publish(1), publish(2)
    wait = ("--wait", "30", "--gateway", cluster.url)
    lines = deploy(repository, first, *wait).out.splitlines()
    assert [line.rpartition(", commit ")[0] for line in lines] == [
        f"iris: deploy {name(repository, first)} in production, to be proved",
        f"iris: give {name(repository, first)} in production all traffic",
    ]
    deploy(repository, second, "--canary", "20", *wait)
    assert shares(repository) == {second: 20, first: 80}
    assert deploy(repository, second, "--canary", "20", *wait).out.endswith("has 20 % already")
    proof = recorded(repository, "production").releases[0].proof
    assert proof is not None
    assert "2 golden requests as recorded" in proof.evidence
    message = git(repository.origin, "log", "-1", "--format=%B", "main")
    assert f"Release-Reason: {proof.evidence}" in message


def test_nothing_gets_traffic_without_its_proof(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """No answer, another digest, a model that is not ready, or one other golden answer: 41, no commit, no traffic."""
    first, second = publish(1), publish(2)
    deploy(repository, first, "--wait", "30", "--gateway", cluster.url)
    deploy(repository, second, "--canary", "10")
    history = repository.history()
    own = f"{name(repository, second)}-predictor"
    step = ("advance", "--gateway", cluster.url)
    cluster.broken = {own}
    assert "is not proved" in run(repository, *step, code=41).err
    assert "is not proved" in run(repository, "promote", "--gateway", cluster.url, "--wait", "1", code=41).err
    cluster.broken, cluster.digest = set(), digest_of(first)
    assert f"not {digest_of(second)}" in run(repository, *step, code=41).err
    cluster.digest = None
    for wrong in ({"predictions": [0.0, 99.0]}, {"predictions": [0.0]}, {"predictions": "x"}, {"error": "no"}, [1]):
        cluster.wrong = wrong  # type: ignore[assignment]
        assert "golden request" in run(repository, *step, code=41).err, wrong
    assert "nothing (" in run(repository, "advance", "--url", "http://127.0.0.1:1", code=41).err
    for url in ("ftp://x", "http://", "http://a b", "http://x?y", "http://x:99999999", "$(id)", "http://x\n"):
        assert "is not the URL of a model" in run(repository, "advance", "--url", url, code=10).err
    assert repository.history() == history
    cluster.wrong = None
    run(repository, *step)
    assert shares(repository) == {second: 10, first: 90}


def test_another_image_of_the_same_digest_proves_nothing(
    repository: Repository, publish: Publish, cluster: Answering
) -> None:
    """What answers with the digest of a candidate and the name of another release: 41, no traffic."""
    uri, current = publish(1), ("--gateway", cluster.url)
    deploy(repository, uri, "--wait", "30", *current)
    deploy(repository, uri, image=OTHER_IMAGE)
    names = {release.image: release.name for release in recorded(repository, "production").releases}
    cluster.digest, cluster.release = digest_of(uri), names[IMAGE]
    refused = run(repository, "promote", *current, code=41).err
    assert f"answers '{digest_of(uri)} of {names[IMAGE]}', not {digest_of(uri)} of {names[OTHER_IMAGE]}" in refused
    cluster.release = names[OTHER_IMAGE]
    run(repository, "promote", *current)


def test_a_proof_is_of_one_rendered_spec(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """An edit of a patch or of the base voids it: status says so, the next step asks again, `prove` renews the rest."""
    first, second = publish(1), publish(2)
    options = ("--gateway", cluster.url)
    deploy(repository, first, "--wait", "30", *options)
    deploy(repository, second, "--canary", "10", "--wait", "30", *options)

    def proofs() -> list[str]:
        (result,) = [entry for entry in json.loads(repository.release("status", "--json").out) if entry["stable"]]
        assert any("is void" in note for note in result["notes"]) == ("void" in result["proofs"].values())
        return list(result["proofs"].values())

    git(repository.folder, "pull", "--quiet", "origin", "main")
    commit(repository.folder, "gitops/base/kustomization.yaml", "resources: [runtime.yaml]\n")
    runtime = "gitops/base/runtime.yaml"
    commit(repository.folder, runtime, "spec: {cpu: 1}\n")
    assert proofs() == ["void", "void"]
    run(repository, "prove", *options)
    assert proofs() == ["proved", "proved"]
    assert run(repository, "prove", *options).out.startswith("nothing to do")
    commit(repository.folder, runtime, "# of more words\nspec: {cpu: 1}\n")
    commit(repository.folder, f"{PRODUCTION}/environment.yaml", "shape: Knative\nkeep: 9\n")
    assert proofs() == ["proved", "proved"]
    commit(repository.folder, runtime, "spec: {cpu: 2}\n")
    assert proofs() == ["void", "void"]
    cluster.broken = {f"{name(repository, second)}-predictor"}
    assert "is not proved" in run(repository, "advance", "--to", "50", *options, code=41).err
    cluster.broken = set()
    run(repository, "advance", "--to", "50", *options)
    assert proofs() == ["proved", "void"]
    run(repository, "prove", name(repository, first), *options)
    assert proofs() == ["proved", "proved"]
    assert "has no release 'x'" in run(repository, "prove", "x", code=10).err


def test_a_push_during_a_canary_begins_again(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """It takes the canary's traffic and starts at the first step; the stable release again ends it, and bars nobody."""
    first, second, third = publish(1), publish(2), publish(3)
    wait = ("--wait", "30", "--gateway", cluster.url)
    deploy(repository, first, *wait)
    deploy(repository, second, "--canary", "60", *wait)
    deploy(repository, third)
    assert shares(repository) == {third: 0, second: 0, first: 100}
    run(repository, "advance", "--gateway", cluster.url)
    assert shares(repository) == {third: 10, second: 0, first: 90}
    deploy(repository, first)
    assert shares(repository) == {third: 0, second: 0, first: 100}
    assert listed(repository) == ()


def test_a_candidate_taken_back_before_its_traffic_is_not_barred(
    repository: Repository, publish: Publish, cluster: Answering
) -> None:
    """It answered nobody: its InferenceService goes, the same model may come again, and a rerun changes nothing."""
    first, second = publish(1), publish(2)
    deploy(repository, first)
    run(repository, "rollback")
    assert shares(repository) == {}
    history = repository.history()
    run(repository, "rollback")
    assert repository.history() == history
    deploy(repository, first, "--wait", "30", "--gateway", cluster.url)
    deploy(repository, second)
    for _ in range(2):
        run(repository, "rollback")
        assert shares(repository) == {first: 100}
    assert listed(repository) == ()


def test_dry_run_shows_and_pushes_nothing(repository: Repository, publish: Publish) -> None:
    """`--dry-run` prints message and diff of the commit that would come; `--json` the same for programs."""
    uri = publish(1)
    history = repository.history()
    text = deploy(repository, uri, "--dry-run").out
    assert text.startswith("iris: deploy iris-")
    assert f"Model-Digest: {digest_of(uri)}" in text
    assert f'+      storageUri: "{uri}"' in text
    content = json.loads(run(repository, "quarantine", digest_of(uri), "--reason", "x", "--dry-run", "--json").out)
    assert content["outcome"] == "dry run"
    assert "+++ b/gitops/models/iris/quarantine.yaml" in content["diff"]
    assert repository.history() == history


def test_another_candidate_is_not_promoted_unseen(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch, cluster: Answering
) -> None:
    """A candidate that is replaced while somebody promotes is not promoted: 50."""
    first, second, third = (publish(number) for number in (1, 2, 3))
    options = ("--gateway", cluster.url)
    deploy(repository, first, "--wait", "30", *options)
    real = Prover.required
    overtakes: list[str] = [third, second]

    def overtaken(self: Prover, *arguments: object) -> Release:
        proved = real(self, *arguments)  # type: ignore[arg-type]
        if overtakes:
            deploy(repository, overtakes.pop(0))
        return proved

    deploy(repository, second)
    monkeypatch.setattr(Prover, "required", overtaken)
    assert "changed while this was decided" in run(repository, "promote", *options, code=50).err
    assert shares(repository) == {third: 0, first: 100}
    assert "changed while this was decided" in run(repository, "advance", *options, code=50).err
    assert shares(repository) == {second: 0, first: 100}


def test_a_digest_in_two_images_is_two_releases(repository: Repository, publish: Publish, cluster: Answering) -> None:
    """The same model in another image is proved at a host of its own, and its rollback bars nothing."""
    uri = publish(1)
    wait = ("--wait", "30", "--gateway", cluster.url)
    deploy(repository, uri, *wait)
    deploy(repository, uri, "--canary", "10", *wait, image=OTHER_IMAGE)
    current = recorded(repository, "production")
    assert len({release.name for release in current.releases}) == 2
    run(repository, "rollback", "--gateway", cluster.url)
    assert recorded(repository, "production").stable_name == current.stable_name
    assert listed(repository) == ()
    assert dataclasses.replace(current.releases[0], image=IMAGE).name == current.releases[1].name
