"""A thousand models in one repository: what a command, a commit and a rendering cost."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from artifact import digest
from release.commands import adopt
from release.gitops import record, release_file
from release.gitops.record import Record
from release.gitops.release import Release
from tests.gitops.render import ROOT, Tree, tool
from tests.release.conftest import IMAGE, Repository, git

MODELS = [f"model-{number:04d}" for number in range(1000)]


def release(model: str, number: int) -> Release:
    """The n-th release of `model`."""
    named = digest.of_bytes(f"{model} {number}".encode())
    return Release(
        digest=named,
        uri=f"s3://modelpin/models/{model}/{named}/",
        image=IMAGE,
        since="2026-01-01T00:00:00Z",
        inputs_digest=named,
        data_digest=named,
        source_commit="a" * 40,
        run_commit="b" * 40,
        gate="passed",
        rendered=True,
        served=True,
    )


def files(model: str) -> dict[str, str]:
    """Its folders, staging in the middle of a canary."""
    stable, candidate = release(model, 1), release(model, 2)
    state = Record(model, "staging", stable.name, candidate.name, 10, releases=(candidate, stable))
    folder = f"gitops/models/{model}/staging"
    return adopt.files(model) | {
        f"{folder}/{record.FILE}": record.render(state),
        f"{folder}/{release_file.FILE}": release_file.render(state),
    }


@pytest.fixture
def thousand(plain: Repository) -> Repository:
    """The repository with a thousand models, on a remote that filters, as GitHub does."""
    git(plain.origin, "config", "uploadpack.allowFilter", "true")
    shutil.copytree(ROOT / "gitops/base", plain.folder / "gitops/base")
    shutil.copy(ROOT / "gitops/settings/kustomization.yaml", plain.folder / "gitops/settings")
    for path, text in (item for model in MODELS for item in files(model).items()):
        target = plain.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    git(plain.folder, "add", "--all")
    git(plain.folder, "commit", "--quiet", "--message", "a thousand models")
    git(plain.folder, "push", "--quiet", "origin", "main")
    return plain


@pytest.mark.story
def test_a_thousand_models(thousand: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Status and check read all, a batch moves all in one commit, each folder renders by itself; the times are said."""

    @contextmanager
    def timed(kind: str) -> Iterator[None]:
        begin, cpu = time.monotonic(), time.process_time()
        yield
        with capsys.disabled():
            print(f"\n{kind}: {time.monotonic() - begin:.1f} s, {time.process_time() - cpu:.1f} s of CPU in Python")

    with timed("status of 1,001 models"):
        done = thousand.release("status")
    assert done.code == 0
    assert done.out.count("canary") >= len(MODELS)
    with timed("one command of one model"):
        assert thousand.release("advance", "--env", "staging", "--model", MODELS[0], "--to", "40").code == 0
    batch = thousand.folder.parent / "batch.txt"
    batch.write_text("".join(f"advance --env staging --model {model} --to 50\n" for model in MODELS))
    before = thousand.history()
    with timed("batch of 1,000 changes, pushed"):
        done = thousand.release("batch", str(batch), "--reason", "all at once")
    assert (done.code, done.err) == (0, "")
    assert thousand.history()[1:] == before
    names = git(thousand.origin, "diff", "--name-only", "main^", "main").splitlines()
    assert len(names) == 2 * len(MODELS)
    git(thousand.folder, "pull", "--quiet")
    with timed("check of 1,001 models in the checkout"):
        assert thousand.release("check").code == 0
    tree = Tree(thousand.folder / "gitops")
    tool()
    with timed("20 folders rendered"):
        for model in MODELS[::50]:
            (route,) = [document for document in tree.render(f"models/{model}/staging") if document["kind"] == "Route"]
            assert [target["percent"] for target in route["spec"]["traffic"]] == [50, 50]
