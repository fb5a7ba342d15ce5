"""Publish and deploy through faults: they end as if nothing was, or with code and remedy, and can be repeated."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifact.digest import ArtifactUri
from artifact.errors import GitError
from release.bucket import published
from release.bucket.store import Patience, Store
from release.change import Request
from release.commands.deploy import Target, deploy
from release.commands.proof import Prover
from release.commands.publish import publish
from release.git.branch import Branch
from release.git.client import Caller
from release.gitops.folder import Folder
from release.readiness import Cluster
from release.settings import Settings
from tests.conftest import Bucket
from tests.release.conftest import IMAGE, ROOT, Repository, git, write_verdict
from tests.release.line import FAULTS, Line
from tests.release.test_deploy import recorded

Make = Callable[[int], Path]
STAGING = Folder("iris", "staging")


def prover(store: Store) -> Prover:
    """Staging asks for no proof."""
    return Prover(store, Cluster(STAGING, "models.example.com"))


@pytest.mark.parametrize("seed", range(3))
def test_storm(
    repository: Repository, make_artifact: Make, s3: Bucket, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """With every third request failing in some way, publish and deploy do what they do without."""
    line, chance = Line(s3.endpoint), random.Random(seed)
    line.faults = [*(chance.choice((*FAULTS, *["none"] * 14)) for _ in range(60)), "none"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.endpoint)
    chosen = Settings(bucket=s3.name)
    store = Store(chosen, Patience(read=0.3))
    source = Caller(repository.folder).commit()
    artifact = make_artifact(1)
    uri = publish(
        store,
        chosen,
        artifact=artifact,
        verdict_path=write_verdict(artifact),
        model="iris",
        source_commit=source,
        root=Path("/nonexistent"),
    )
    target = Target(uri=str(uri), image=IMAGE, run_commit=source)
    deploy(store, chosen, repository.branch(), Request("deploy"), folder=STAGING, target=target, prover=prover(store))
    line.close()
    stable = recorded(repository).stable
    assert stable is not None
    assert stable.uri == str(uri)
    for key in s3.keys(uri.key):
        body = s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read()
        assert body == (artifact / key.removeprefix(uri.key)).read_bytes()
    assert any(fault != "none" for fault in line.faults[: line.requests])


@pytest.mark.story
def test_git_that_fails_leaves_the_model_published(
    repository: Repository, publish: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote that refuses or hangs: 50, the artifact stays complete in the bucket, and the next run deploys it."""
    uri = publish(1)
    before = repository.history()
    hook = repository.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    chosen = Settings(bucket=repository.bucket)
    store = Store(chosen)
    target = Target(uri=uri, image=IMAGE, run_commit=before[0])
    for script in ("exit 1", "sleep 600"):
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)
        patient = Branch(str(repository.origin), "main", Caller(repository.folder), seconds=3.0)
        with pytest.raises(GitError, match="what was published stays published"):
            deploy(store, chosen, patient, Request("deploy"), folder=STAGING, target=target, prover=prover(store))
        assert repository.history() == before
        assert published.find(Store(chosen), ArtifactUri.parse(uri)).gate == "better"
    hook.unlink()
    assert repository.release("deploy", "--env", "staging", "--uri", uri, "--image", IMAGE).code == 0
    assert recorded(repository).stable.uri == uri  # type: ignore[union-attr]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounts a small tmpfs, which takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_is_named(
    repository: Repository, publish: Callable[[int], str], small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone or an artifact that does not fit ends with 50 or 30 and leaves nothing; with room the next run works."""
    uri = publish(1)
    (repository.folder / "big").write_bytes(random.Random(0).randbytes(300_000))
    git(repository.folder, "add", "big")
    git(repository.folder, "commit", "--quiet", "--message", "big")
    git(repository.folder, "push", "--quiet", "origin", "main")
    before = repository.history()
    command = ("deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
    with monkeypatch.context() as little:
        little.setattr("tempfile.tempdir", str(small_disk))
        done = repository.release(*command)
    assert done.code == 50, done.err
    assert str(small_disk) in done.err
    assert "No space left on device" in done.err
    assert "TMPDIR" in done.err
    assert repository.history() == before
    assert list(small_disk.iterdir()) == []
    assert repository.release(*command).code == 0
    (small_disk / "full").write_bytes(bytes(120_000))
    done = repository.release("fetch", uri, "--out", str(small_disk / "model"))
    assert (done.code, [path.name for path in small_disk.iterdir()]) == (30, ["full"]), done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full, which only Linux has")
def test_full_disk_under_the_output_is_named() -> None:
    """An output that cannot be written is one line and 30, not a traceback."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "release", "settings"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 30
    assert done.stderr == "error: No space left on device: free some space, then run this again\n"
