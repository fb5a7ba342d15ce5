"""Killed at any S3 request and any Git step: what is left serves, and the same command again ends as if nothing was.

`-m sweep` kills at every point of every command; without it those of Git are killed around their push and at some more.
"""

import importlib
import pkgutil
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import release
from tests.conftest import Bucket
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, ROOT, Repository, git, write_verdict
from tests.release.sweep import Sweep, counts_of
from tests.release.trace import Point

Publish = Callable[[int], str]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands: equal decisions are equal commits."""
    for walk_package in pkgutil.walk_packages(release.__path__, "release."):
        module = importlib.import_module(walk_package.name)
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


@pytest.fixture
def choose(request: pytest.FixtureRequest) -> Callable[[list[Point]], list[Point]]:
    """Which points of a command are tried: all of them with `-m sweep`."""
    whole = "sweep" in (request.config.option.markexpr or "")

    def some(points: list[Point]) -> list[Point]:
        turning = ("git push", "remote reference-transaction committed")
        return [point for number, point in enumerate(points) if whole or number % 60 == 0 or point.step in turning]

    return some


@pytest.mark.sweep
def test_publish_and_deploy(
    sweep: Sweep,
    make_artifact: Callable[[int], Path],
    choose: Callable[[list[Point]], list[Point]],
    capsys: pytest.CaptureFixture[str],
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
            sweep.through(*deploy, choose=choose)
    with capsys.disabled():
        print(f" killed at {counts_of(sweep.killed)} points, {len(sweep.looked)} states ", end="")


def change_the_base(repository: Repository) -> None:
    """Make every proof void."""
    git(repository.folder, "pull", "--quiet", "origin", "main")
    runtime = repository.folder / "gitops/base/serving-runtime.yaml"
    runtime.write_text(runtime.read_text().replace("periodSeconds: 10", "periodSeconds: 11"))
    git(repository.folder, "commit", "--quiet", "--all", "--message", "ask less often")
    git(repository.folder, "push", "--quiet", "origin", "HEAD:main")


@pytest.mark.story
@pytest.mark.sweep
@pytest.mark.timeout(3000)
def test_each_step_of_a_canary(
    sweep: Sweep,
    publish: Publish,
    cluster: Answering,
    choose: Callable[[list[Point]], list[Point]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed at a step of a canary, rollback, retirement or quarantine: no commit is half done, the rerun converges."""
    first, second, third = (publish(number) for number in (1, 2, 3))
    run = sweep.repository.release
    options = ("--env", "production")
    ask = ("--gateway", cluster.url)

    def canary(uri: str) -> tuple[str, ...]:
        return ("deploy", *options, "--uri", uri, "--image", IMAGE, "--canary", "10", "--wait", "60", *ask)

    def through(*command: str, commits: int = 1) -> None:
        sweep.through(*command, choose=choose, commits=commits)

    assert run("deploy", *options, "--uri", first, "--image", IMAGE, "--wait", "60", *ask).code == 0
    through(*canary(second), commits=2)
    through("advance", *options, "--to", "50")
    through("promote", *options)
    assert run(*canary(third)).code == 0
    through("rollback", *options, "--reason", "worse", *ask)
    through("unquarantine", third.rstrip("/").rpartition("/")[2])
    through("retire", *options, "--min-age", "0", *ask)
    assert run(*canary(third)).code == 0
    through("quarantine", third.rstrip("/").rpartition("/")[2], "--reason", "worse")
    through("rollback", *options, *ask)
    change_the_base(sweep.repository)
    through("prove", *options, *ask)
    through("rollback", *options, "--to", first.rstrip("/").rpartition("/")[2], *ask)
    with capsys.disabled():
        print(f" killed at {counts_of(sweep.killed)} points, {len(sweep.looked)} states ", end="")
