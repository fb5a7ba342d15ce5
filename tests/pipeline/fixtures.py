"""A repository of its own for the stages: trained once a session, copied by each test that changes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline import fork_server
from tests.pipeline.commands import Commands
from tests.pipeline.repository import Repository
from tests.pipeline.toy import GOOD, csv

ROOT = Path(__file__).parents[2]
SHIPPED = (
    "artifact features pipeline scoring starter audit monitoring release gitops requirements "
    ".dvc/config .dvc/.gitignore .dvc/plots .dvcignore .gitignore dvc.yaml "
    "params.yaml data/iris.csv.dvc data/.gitignore"
).split()


@pytest.fixture(scope="session")
def stage_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a person's shell has, and nothing that would make stages differ: DVC's own caches are this session's.

    `python` is tests/pipeline/commands.py: each stage that DVC starts would import the same libraries again.
    """
    home = tmp_path_factory.mktemp("home")
    rest = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")}
    env = rest | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{rest.get('PATH', '')}",
        "HOME": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "DVC_NO_ANALYTICS": "true",
        fork_server.SWITCH: "off",  # `python` does the same for all repros of the session
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(home / "matplotlib")),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", "t"), ("EMAIL", "t@t"))
        },
    }
    return env | {"PATH": f"{Commands(env).python.parent}{os.pathsep}{env['PATH']}"}


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the processes share which share the tests of one run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory, stage_env: dict[str, str]) -> Repository:
    """What a clone holds, with its data pulled, committed; nothing trained. Read only: copy it to change it.

    The processes that share the tests of one run share it, too.
    """
    folder = shared_folder(tmp_path_factory) / "shipped"
    repository = Repository(folder / "repository", stage_env)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            _ship(repository)
            (folder / "complete").touch()
    return repository


def _ship(repository: Repository) -> None:
    path = repository.path
    for name in SHIPPED:
        source, target = ROOT / name, path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored) if source.is_dir() else shutil.copyfile(source, target)
    subprocess.run(
        [sys.executable, "-m", "local.example", str(path / "data/iris.csv")], cwd=ROOT, check=True, capture_output=True
    )
    repository.git("init", "-q", "-b", "main")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "shipped")
    repository.git("repack", "-a", "-d", "-q")  # a file to copy in place of one for each object


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, shipped: Repository) -> tuple[Repository, str]:
    """After one `dvc repro`, with its output. Read only: copy it to change it.

    The processes that share the tests of one run share it, too.
    """
    folder = shared_folder(tmp_path_factory) / "trained"
    repository, output = Repository(folder / "repository", shipped.env), folder / "said"
    with FileLock(f"{folder}.lock"):
        if not output.exists():
            shipped.copy(repository.path)
            output.write_text(repository.done("dvc", "repro"), encoding="utf-8")
    return repository, output.read_text(encoding="utf-8")


@pytest.fixture
def fresh(shipped: Repository, tmp_path: Path) -> Repository:
    """A copy of `shipped`."""
    return shipped.copy(tmp_path / "repository")


@pytest.fixture
def again(trained: tuple[Repository, str], tmp_path: Path) -> Repository:
    """A copy of `trained`."""
    return trained[0].copy(tmp_path / "repository")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for params.yaml with data/toy.csv (`tests.pipeline.toy`), as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/toy.csv").write_bytes(csv(GOOD))
    return tmp_path
