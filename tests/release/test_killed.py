"""Killed at any S3 request and any Git step: what is left serves, and the same command again ends as if nothing was."""

import importlib
import pkgutil
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import release
from tests.conftest import Bucket
from tests.release.conftest import IMAGE, ROOT, Repository, git, write_verdict
from tests.release.sweep import Sweep, told

Publish = Callable[[int], str]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands: equal decisions are equal commits."""
    for found in pkgutil.iter_modules(release.__path__):
        module = importlib.import_module(f"release.{found.name}")
        if hasattr(module, "now"):
            monkeypatch.setattr(module, "now", lambda: "2026-01-01T00:00:00Z")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "2026-01-01T00:00:00Z")


@pytest.fixture
def sweep(repository: Repository, s3: Bucket, still: None, tmp_path: Path) -> Sweep:
    """A sweep on a remote that renders: it holds base/ too."""
    for name in ("base", "settings/kustomization.yaml"):
        copy = shutil.copytree if (ROOT / "gitops" / name).is_dir() else shutil.copy
        copy(ROOT / "gitops" / name, repository.folder / "gitops" / name)
    git(repository.folder, "add", "--all")
    git(repository.folder, "commit", "--quiet", "--message", "base")
    git(repository.folder, "push", "--quiet", "origin", "main")
    return Sweep(repository, s3, tmp_path / "sweep")


def test_publish_and_deploy(
    sweep: Sweep, make_artifact: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed around each step of publish and deploy: no manifest over missing files, no digest without its bytes."""
    (sweep.repository.folder / "dvc.lock").write_text("lock")
    for number in (1, 2):
        artifact = make_artifact(number)
        verdict = write_verdict(artifact)
        publish = ("publish", "--artifact", str(artifact), "--verdict", str(verdict))
        deploy = ("deploy", "--env", "staging", "--artifact", str(artifact), "--image", IMAGE)
        if number == 1:
            assert sweep.repository.release(*publish).code == 0
            assert sweep.repository.release(*deploy).code == 0
        else:
            sweep.through(*publish)
            sweep.through(*deploy)
    with capsys.disabled():
        print(f" killed at {told(sweep.killed)} points, {len(sweep.looked)} states ", end="")
