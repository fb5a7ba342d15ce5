"""The real train.yml, end to end on the platform: a push becomes a model in S3 and one commit in gitops/."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from artifact.attestation.signers import FILE
from artifact.errors import StorageError
from local import demo, git, release_in_git, storage
from local.receive import decide
from local.runner import Push
from local.serving import Predictor
from local.state import REPOSITORY
from local.workflow import Workflow
from tests.attestation import keys
from tests.local.conftest import Trained

# Half a minute: `make demo` pushes the same, and test_receive.py pushes what takes less, in every run of the tests.
pytestmark = pytest.mark.story
TRAIN = ".github/workflows/train.yml"


def test_a_push_deploys_to_staging(trained: Trained) -> None:
    """The run succeeds and adds one commit, by the bot, in gitops/ only, that names the run's source and its gate."""
    assert trained.result["succeeded"], trained.output
    parent = git.run(trained.state.origin, "rev-parse", f"{trained.bot}^").strip()
    assert parent == trained.pushed
    changed = git.changed(trained.state.origin, trained.pushed, trained.bot)
    assert changed == ["gitops/models/iris/staging/record.yaml", "gitops/models/iris/staging/release.yaml"]
    release = release_in_git.read(trained.state, "iris", "staging")
    assert release.commit == trained.bot
    assert {line.partition(":")[0] for line in release.trailers} == set(release_in_git.TRAILERS)
    assert f"Source-Commit: {trained.pushed}" in release.trailers
    assert f"Model-Digest: {release.digest}" in release.trailers
    assert release.image.startswith("registry.example.com/modelpin/predictor@sha256:")


def test_what_git_names_can_be_fetched(trained: Trained, tmp_path: Path) -> None:
    """The storage initializer finds the artifact at the URI in Git, and its manifest has the digest in the URI."""
    from artifact.load import load

    release = release_in_git.read(trained.state, "iris", "staging")
    storage.download(release.uri, tmp_path / "model", trained.state.describe()["s3"], print)
    assert load(tmp_path / "model", expected_digest=release.digest, name="iris").digest == release.digest


def test_what_was_deployed_is_signed(trained: Trained, tmp_path: Path) -> None:
    """The platform's key, made at its start and in no commit, signed it; the storage initializer brings the signature,
    a predictor that trusts the key starts, and one that trusts another does not: 20."""
    release, env = release_in_git.read(trained.state, "iris", "staging"), trained.state.describe()["s3"]
    storage.download(release.uri, tmp_path / "model", env, print)
    trust = [sys.executable, "-m", "release", "trust", "--out", str(tmp_path)]
    subprocess.run(trust, cwd=trained.clone, check=True)
    (tmp_path / "others.json").write_text(keys.trusting(keys.new_key()).files[FILE])
    options = tmp_path / "model", tmp_path / "log"

    def start(trusted: str) -> Predictor:
        variables = {**os.environ, "PREDICTOR_SIGNERS": str(tmp_path / trusted)}
        return Predictor("iris", release.uri, release.name, options[0], code=REPOSITORY, env=variables, log=options[1])

    with start("signers.json") as predictor:
        assert predictor.v1(demo.FLOWERS).digest == release.digest
    with pytest.raises(StorageError):
        start("others.json")
    assert "is none of those that are trusted (key-0)" in options[1].read_text()
    assert "PRIVATE" not in git.run(trained.state.origin, "log", "--patch", git.BRANCH, "--", "gitops")
    assert (
        trained.state.signing_key.read_text().splitlines()[1]
        not in (trained.state.runs / trained.result["id"] / "log").read_text()
    )


def test_the_bots_own_push_starts_nothing(trained: Trained) -> None:
    """With the real filters the bot's own diff starts nothing; widened by gitops/ the same diff starts a training."""
    push = Push(f"refs/heads/{git.BRANCH}", trained.pushed, trained.bot)
    assert decide(trained.state, push) == []
    changed = git.changed(trained.state.origin, push.before, push.after)
    text = git.show(trained.state.origin, trained.bot, TRAIN) or ""
    widened = text.replace("      - params.yaml\n", "      - params.yaml\n      - gitops/**\n")
    assert widened != text
    assert Workflow.parse(TRAIN, text).decide(push.ref, changed, "")[0] is False
    assert Workflow.parse(TRAIN, widened).decide(push.ref, changed, "")[0] is True


def test_the_run_shows_its_steps_and_keeps_its_report(trained: Trained) -> None:
    """The push shows each step; plots and verdict are in the run's folder; nothing secret is in its log."""
    for step in ("Data", "Train", "Gate", "Publish", "Deploy to staging", "Reports"):
        assert any(line.rstrip().endswith(f" s  {step}") for line in trained.output.splitlines()), step
    folder = trained.state.runs / trained.result["id"]
    uploads = folder / "uploads" / "reports"
    assert json.loads((uploads / "build" / "verdict.json").read_text())["outcome"] == "first-deployment"
    assert list(uploads.rglob("*.png"))
    assert trained.state.describe()["s3"]["AWS_SECRET_ACCESS_KEY"] not in (folder / "log").read_text()


def test_a_docs_commit_starts_nothing(trained: Trained) -> None:
    """A push that touches nothing a model is made from starts no workflow."""
    git.run(trained.clone, "fetch", "--quiet", "origin")
    git.run(trained.clone, "checkout", "--quiet", "-B", "docs", f"origin/{git.BRANCH}")
    (trained.clone / "NOTES.md").write_text("x")
    git.run(trained.clone, "add", "NOTES.md")
    git.run(trained.clone, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "Docs")
    before = len(list(trained.state.runs.iterdir()))
    pushed = subprocess.run(
        ["git", "-C", trained.clone, "push", "origin", f"docs:{git.BRANCH}"], capture_output=True, text=True, check=True
    )
    assert f"{TRAIN} does not start: no changed file is in its paths" in pushed.stderr
    assert len(list(trained.state.runs.iterdir())) == before
