"""The platform, up once a session, and the real train.yml run once on it: what several tests look at."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import example, git
from local.state import REPOSITORY, State
from local.supervisor import Supervisor


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """S3, MLflow and the Git origin, up. Tests that push take a branch of their own; main is `trained`'s."""
    state = State(tmp_path_factory.mktemp("platform"))
    with Supervisor(state, lambda _: None):
        yield state


@dataclass(frozen=True)
class Trained:
    """What one push of this tree to main did."""

    state: State
    clone: Path
    output: str  # what the push showed
    result: dict[str, Any]
    pushed: str  # the person's commit
    bot: str  # the workflow's


def trust_platform(clone: Path, platform: State) -> None:
    """Let staging take only what the platform's publish job signed."""
    command = ["-m", "release", "trust", "platform", "--key", str(platform.signing_key), "--until", "2099-12-31"]
    subprocess.run([sys.executable, *command], cwd=clone, check=True, stdout=subprocess.DEVNULL)
    environment = clone / "gitops/models/iris/staging/environment.yaml"
    text = environment.read_text()
    assert text.count("signatures: none") == 1
    environment.write_text(text.replace("signatures: none", "signatures: required"))


@pytest.fixture(scope="session")
def trained(platform: State, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """This tree as it is now, uncommitted files included, pushed to main: the unmodified train.yml runs once."""
    clone = tmp_path_factory.mktemp("clone")
    listed = git.run(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in listed:
        if name and (REPOSITORY / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes((REPOSITORY / name).read_bytes())
            (clone / name).chmod((REPOSITORY / name).stat().st_mode)
    trust_platform(clone, platform)
    git.run(clone, "init", "--quiet", f"--initial-branch={git.BRANCH}")
    git.run(clone, "add", "--all")
    git.run(clone, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "This tree")
    git.run(clone, "remote", "add", "origin", str(platform.origin))
    pushed = git.run(clone, "rev-parse", "HEAD").strip()

    (clone / "data" / "iris.csv").write_bytes(example.iris())
    site = str(platform.root / "dvc")
    env = {**platform.describe()["s3"], "PATH": "/usr/bin:/bin", "HOME": site, "DVC_SITE_CACHE_DIR": site}
    for arguments in (["add", "--quiet", "data/iris.csv"], ["push", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=clone, env=env, check=True)
    assert git.run(clone, "status", "--porcelain") == "", "the example's bytes are those that the .dvc file names"

    reference = set(platform.runs.glob("*/result.json"))
    done = subprocess.run(
        ["git", "-C", clone, "push", "--quiet", "origin", git.BRANCH], capture_output=True, text=True, check=True
    )
    (result,) = set(platform.runs.glob("*/result.json")) - reference
    bot = git.run(platform.origin, "rev-parse", git.BRANCH).strip()
    return Trained(platform, clone, done.stderr, json.loads(result.read_text()), pushed, bot)
