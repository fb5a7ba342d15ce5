"""A small real artifact, a bare Git remote with a clone of it, and the command itself as a process."""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import boto3
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from artifact import digest, save
from artifact.command import run
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from artifact.validation.frame import of as frame_of
from release import settings
from release.__main__ import main
from release.bucket import store
from release.commands import adopt
from release.git.branch import Branch
from release.git.client import Caller
from release.settings import Settings
from tests.conftest import Bucket
from tests.release import shared_client
from tests.release.answering import GOLDEN, Answering
from tests.release.github import GitHub

ROOT = Path(__file__).parents[2]
INPUTS = digest.of_bytes(b"inputs")
DATA = digest.of_bytes(b"data")
IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'1' * 64}"
OTHER_IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'2' * 64}"
_IDENTITY = ["-c", "user.name=A Person", "-c", "user.email=person@example.invalid", "-c", "commit.gpgSign=false"]


def git(folder: Path, *arguments: str) -> str:
    """Standard output of git in `folder`."""
    done = subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, file: str, text: str, subject: str | None = None) -> str:
    """Commit `text` as `file` in the clone `folder`, push it, return the commit."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject or f"change {file}")
    for last in [False] * 50 + [True]:  # a person tries again, too
        git(folder, "pull", "--quiet", "--rebase", "origin", "main")
        try:
            git(folder, "push", "--quiet", "origin", "HEAD:main")
            break
        except subprocess.CalledProcessError:
            if last:
                raise
    return git(folder, "rev-parse", "HEAD")


def everything(folder: Path) -> dict[str, str]:
    """Each file in `folder`, Git's own included, with the digest of its bytes."""
    return {str(path): digest.of_file(path) for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Repository:
    """A clone (`folder`) of a bare remote (`origin`) that holds the model iris, never released, and its settings."""

    folder: Path
    origin: Path
    bucket: str

    def branch(self) -> Branch:
        """The remote as the commands see it."""
        return Branch(str(self.origin), "main", Caller(self.folder))

    def release(self, *arguments: str) -> Run:
        """Run `python -m release` in the clone, in this process: a second less than in one of its own."""
        out, err = StringIO(), StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run(main, arguments)
            except SystemExit as ended:
                return Run(int(ended.code or 0), out.getvalue().strip(), err.getvalue().strip())

    def fork(
        self, *arguments: str, before: Callable[[], None] = lambda: None, env: dict[str, str] | None = None
    ) -> multiprocessing.Process:
        """Start the same in a fork of this process, after `before()`: as a process, without a second of imports."""

        def child() -> None:
            os.environ.update(env or {})
            before()
            sys.exit(self.release(*arguments).code)

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        return process

    def text_of(self, path: str) -> str:
        """The file at `path` on the remote's main."""
        return git(self.origin, "show", f"main:{path}") + "\n"

    def history(self) -> list[str]:
        """Commits of the remote's main, newest first."""
        return git(self.origin, "rev-list", "main").split()


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub with the repository and nothing else, which the commands of the test ask."""
    with GitHub() as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(autouse=True)
def no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the workflow that runs the tests nor the person's own identity decides what a test sees."""
    for name in ("GITHUB_SHA", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first keys it sees


@pytest.fixture(autouse=True)
def one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of one process share the S3 clients of equal settings."""
    monkeypatch.setattr(store, "boto3", types.SimpleNamespace(client=shared_client.client))


@pytest.fixture(scope="session")
def make_artifact(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """`make_artifact(n)`: the n-th artifact of the model iris; each has bytes and a digest of its own."""
    result: dict[int, Path] = {}

    def make(number: int) -> Path:
        if number not in result:
            feature = Feature("x", "float64")
            model = LinearRegression().fit(np.arange(4.0).reshape(-1, 1), np.arange(4.0) * number)
            model.feature_names_in_ = np.array(["x"], dtype=object)
            signature = for_model("regression", (feature,), Feature("y", "float64"), model)
            frame = frame_of(signature, {"x": np.arange(4.0)})
            stream = BytesIO()
            joblib.dump(model, stream)
            result[number] = tmp_path_factory.mktemp("artifact") / "artifact"
            save.save(
                result[number],
                name="iris",
                model=stream.getvalue(),
                signature=signature,
                train=columns(frame),
                holdout=columns(frame),
                golden_rows=2,
                data_digest=DATA,
                parameters={"number": number},
                metrics={"r2": 1.0},
            )
            named = digest.of_file(result[number] / "manifest.json")
            GOLDEN[named] = json.loads((result[number] / "golden.json").read_text())
        return result[number]

    return make


def inputs_of(number: int) -> str:
    """Digest of the inputs of the n-th artifact."""
    return INPUTS if number == 1 else digest.of_bytes(f"inputs {number}".encode())


def write_verdict(artifact: Path, **changes: object) -> Path:
    """A passed verdict on `artifact`, beside it, with `changes`; None takes a key away."""
    value: dict[str, object] = {
        "schema_version": 2,
        "passed": True,
        "outcome": "better",
        "reason": "r2 1.0 is at least 0.9",
        "rules": [],
        "model": "iris",
        "model_digest": digest.of_file(artifact / "manifest.json"),
        "inputs_digest": INPUTS,
        "data_digest": DATA,
    }
    value |= changes
    path = artifact.parent / "verdict.json"
    path.write_text(json.dumps({key: item for key, item in value.items() if item is not None}))
    return path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare remote and its clone, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    origin, clone = folder / "origin.git", folder / "clone"
    git(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(origin))
    git(folder, "clone", "--quiet", "--template=", str(origin), str(clone))
    git(clone, "symbolic-ref", "HEAD", "refs/heads/main")
    adopt.adopt(clone, "iris")
    production = clone / "gitops/models/iris/production/environment.yaml"
    production.write_text(production.read_text().replace("takes: staging", "# takes: staging"))
    (clone / settings.PATH).parent.mkdir(parents=True)
    (clone / settings.PATH).write_text(settings.render(Settings()))
    (clone / "params.yaml").write_text("model: {name: iris, task: regression}\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "begin")
    git(clone, "push", "--quiet", "origin", "main")
    for repository in (origin, clone):
        git(repository, "repack", "-a", "-d", "-q")  # a file to copy in place of one for each object
    return folder


def copied(template: Path, folder: Path) -> Path:
    """A remote and its clone in `folder`, as they are in `template`."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    config = folder / "clone/.git/config"
    config.write_text(config.read_text().replace(str(template), str(folder)))
    return folder


@pytest.fixture
def plain(template: Path, tmp_path: Path) -> Repository:
    """A repository whose bucket does not exist: for what ends before S3."""
    copied(template, tmp_path)
    return Repository(tmp_path / "clone", tmp_path / "origin.git", Settings().bucket)


@pytest.fixture
def repository(plain: Repository, s3: Bucket) -> Repository:
    """A repository whose settings name this test's own bucket."""
    (plain.folder / settings.PATH).write_text(settings.render(Settings(bucket=s3.name)))
    git(plain.folder, "commit", "--quiet", "--all", "--message", "configure")
    git(plain.folder, "push", "--quiet", "origin", "main")
    return dataclasses.replace(plain, bucket=s3.name)


@pytest.fixture(autouse=True)
def no_foreign_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that no test serves is not asked of the network's DNS."""
    real = socket.getaddrinfo

    def resolved(host: str, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith(".example.com"):
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture
def cluster(repository: Repository) -> Iterator[Answering]:
    """A cluster that follows the remote."""
    with Answering(repository.origin) as server:
        yield server


@pytest.fixture
def publish(repository: Repository, make_artifact: Callable[[int], Path]) -> Callable[[int], str]:
    """`publish(n)`: publish the n-th artifact and return its URI."""

    def run(number: int) -> str:
        artifact = make_artifact(number)
        verdict = write_verdict(artifact, inputs_digest=inputs_of(number))
        done = repository.release("publish", "--artifact", str(artifact), "--verdict", str(verdict))
        assert done.code == 0, done.err
        return done.out

    return run
