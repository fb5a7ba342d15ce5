"""Deploying: Git names exactly what the bucket holds, nobody's work is touched, late runs stay late."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from release.git.branch import Change, update
from release.gitops import record, release_file
from release.gitops.record import Record
from tests.conftest import Bucket
from tests.release.conftest import DATA, IMAGE, OTHER_IMAGE, Repository, commit, everything, git, inputs_of

Publish = Callable[[int], str]
STAGING = "gitops/models/iris/staging"


def recorded(repository: Repository, environment: str = "staging") -> Record:
    """The record on the remote's main; its release.yaml must be the projection of it."""
    folder = f"gitops/models/iris/{environment}"
    current = record.parse(repository.text_of(f"{folder}/record.yaml"), folder)
    assert repository.text_of(f"{folder}/release.yaml") == release_file.render(current)
    return current


def deploy(repository: Repository, uri: str, *more: str, image: str = IMAGE, code: int = 0) -> str:
    """Deploy to staging; the last line of what it said."""
    done = repository.release("deploy", "--env", "staging", "--uri", uri, "--image", image, *more)
    assert done.code == code, done.err
    return (done.out or done.err).splitlines()[-1]


def test_commit_says_what_serves(repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy is one commit of the bot on main, of two files under gitops/, with trailers that git itself reads."""
    source = git(repository.folder, "rev-parse", "HEAD")
    monkeypatch.setenv("GITHUB_ACTOR", "A Person")
    before = len(repository.history())
    first, second = publish(1), publish(2)
    deploy(repository, first)
    assert re.fullmatch(r"iris: deploy iris-\w{8} in staging, commit \w{12}", deploy(repository, second))
    assert len(repository.history()) == before + 2
    trailers = git(repository.origin, "log", "-1", "--format=%(trailers:only,unfold)", "main").splitlines()
    now = recorded(repository)
    new, old = now.releases
    assert trailers == [
        f"Release: {new.name}",
        f"Model-Digest: {second.rstrip('/').rpartition('/')[2]}",
        f"Inputs-Digest: {inputs_of(2)}",
        f"Data-Digest: {DATA}",
        f"Source-Commit: {source}",
        f"Previous-Release: {old.name}",
        f"Previous-Uri: {first}",
        "Gate-Result: better",
        "Release-Command: deploy",
        "Release-By: A Person",
        "Release-Reason: the gate's verdict is better",
        f"Release-From: stable: {old.name}",
        f"Release-To: stable: {new.name}",
    ]
    assert git(repository.origin, "show", "--name-only", "--format=%an|%cn", "main").split() == [
        "modelpin[bot]|modelpin[bot]",
        f"{STAGING}/record.yaml",
        f"{STAGING}/release.yaml",
    ]
    assert [release.uri for release in (new, old)] == [second, first]
    assert recorded(repository, "production").stable is None


def test_identity_comes_from_the_environment(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL name another committer."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Release Bot")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "bot@example.invalid")
    deploy(repository, publish(1))
    text = git(repository.origin, "log", "-1", "--format=%an <%ae> %cn <%ce>", "main")
    assert text == "Release Bot <bot@example.invalid> Release Bot <bot@example.invalid>"


def test_same_again_is_no_commit(repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same model and image again: nothing to do, no commit, `since` unchanged; another image is a new release."""
    uri = publish(1)
    deploy(repository, uri)
    before, since = repository.history(), recorded(repository).stable
    monkeypatch.setattr("release.commands.deploy.now", lambda: "2099-01-01T00:00:00Z")
    assert deploy(repository, uri).startswith("nothing to do")
    assert (repository.history(), recorded(repository).stable) == (before, since)
    deploy(repository, uri, image=OTHER_IMAGE)
    assert [release.image for release in recorded(repository).releases] == [OTHER_IMAGE, IMAGE]


def test_damaged_projection_is_repaired(repository: Repository, publish: Publish) -> None:
    """A release.yaml that is not what the record says is written again by the next deploy, also of the same model."""
    uri = publish(1)
    deploy(repository, uri)
    git(repository.folder, "pull", "--quiet", "origin", "main")
    commit(repository.folder, f"{STAGING}/release.yaml", "kind: Nonsense\n")
    assert "repair" in deploy(repository, uri)
    assert recorded(repository).stable is not None


def test_caller_is_not_touched(
    repository: Repository, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed, staged and untracked files, index and branch of the caller's clone stay as they are; no hook runs."""
    uri = publish(1)
    folder = repository.folder
    (folder / "params.yaml").write_text("model: {name: iris}\n# dirty\n")
    (folder / "staged").write_text("staged")
    git(folder, "add", "staged")
    (folder / "untracked").write_text("untracked")
    (tmp_path / "hooks").mkdir()
    for hook in ("pre-commit", "commit-msg", "pre-push"):
        (tmp_path / "hooks" / hook).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "hooks" / hook).chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\n\thooksPath = {tmp_path}/hooks\n[i18n]\n\tcommitEncoding = latin1\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    before = everything(folder)
    deploy(repository, uri)
    assert everything(folder) == before
    assert "encoding" not in git(repository.origin, "cat-file", "commit", "main")


def test_older_run_is_superseded(repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on an ancestor of the stable release's commit says superseded and commits nothing; a newer one deploys."""
    old = git(repository.folder, "rev-parse", "HEAD")
    new = commit(repository.folder, "code.py", "new")
    first, second = publish(1), publish(2)
    monkeypatch.setenv("GITHUB_SHA", new)
    deploy(repository, second)
    before = repository.history()
    monkeypatch.setenv("GITHUB_SHA", old)
    assert deploy(repository, first).startswith("superseded: iris in staging")
    assert repository.history() == before
    # A revert makes the old model again on a newer commit: it is no late run.
    monkeypatch.setenv("GITHUB_SHA", before[0])
    deploy(repository, first)
    assert recorded(repository).stable.uri == first  # type: ignore[union-attr]


def test_superseded_in_a_shallow_clone(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow's clone of depth 1 knows no history; the remote does."""
    old = git(repository.folder, "rev-parse", "HEAD")
    new = commit(repository.folder, "code.py", "new")
    first, second = publish(1), publish(2)
    monkeypatch.setenv("GITHUB_SHA", new)
    deploy(repository, second)
    shallow = repository.folder.parent / "shallow"
    git(repository.folder.parent, "clone", "--quiet", "--depth=1", f"file://{repository.origin}", str(shallow))
    monkeypatch.setenv("GITHUB_SHA", old)
    assert deploy(Repository(shallow, repository.origin, repository.bucket), first).startswith("superseded")


def test_sources_in_another_repository(
    repository: Repository, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With gitops/ in a repository of its own, the order of source commits is asked from the sources' origin."""
    other = repository.folder.parent / "gitops.git"
    git(repository.folder.parent, "clone", "--quiet", "--bare", str(repository.origin), str(other))
    old = commit(repository.folder, "code.py", "old")
    new = commit(repository.folder, "code.py", "new")
    first, second = publish(1), publish(2)
    assert repository.release("configure", "--gitops-remote", str(other)).code == 0
    monkeypatch.setenv("GITHUB_SHA", new)
    deploy(repository, second)
    monkeypatch.setenv("GITHUB_SHA", old)
    assert deploy(repository, first).startswith("superseded")
    assert git(other, "log", "-1", "--format=%an", "main") == "modelpin[bot]"
    assert repository.history()[0] == new


@pytest.mark.parametrize(
    "change",
    [
        lambda uri: uri.replace("/models/", "/other/"),
        lambda uri: uri.replace("/iris/", "/wine/"),
        lambda uri: uri.replace("s3://", "s3://x"),
        lambda uri: uri.removesuffix("/"),
        lambda uri: uri.replace("sha256-", ""),
        lambda uri: uri + "\n",
        lambda uri: uri.replace("/models/", "/models/../models/"),
    ],
)
def test_foreign_uri_is_refused(plain: Repository, change: Callable[[str], str]) -> None:
    """Only a URI of the settings' bucket and prefix and of this model, in exactly publish's form: 10."""
    uri = f"s3://{plain.bucket}/models/iris/sha256-{'0' * 64}/"
    assert repr(change(uri)).strip("'") in deploy(plain, change(uri), code=10)


@pytest.mark.parametrize(
    "image", ["predictor:latest", f"p@sha256:{'1' * 63}", f"p@sha256:{'1' * 64}\n", "", f"$(id)@sha256:{'1' * 64}"]
)
def test_image_without_digest_is_refused(plain: Repository, image: str) -> None:
    """An image is named by digest: 10."""
    deploy(plain, f"s3://{plain.bucket}/models/iris/sha256-{'0' * 64}/", image=image, code=10)


@pytest.mark.parametrize(
    ("file", "body"), [("manifest.json", None), ("manifest.json", b"{}"), ("golden.json", None), ("golden.json", b"{}")]
)
def test_incomplete_artifact_is_refused(
    repository: Repository, publish: Publish, s3: Bucket, file: str, body: bytes | None
) -> None:
    """An artifact whose manifest or file is missing or has other bytes is not named in Git: 20."""
    uri = publish(1)
    key = uri.removeprefix(f"s3://{s3.name}/") + file
    if body is None:
        s3.client.delete_object(Bucket=s3.name, Key=key)
    else:
        s3.client.put_object(Bucket=s3.name, Key=key, Body=body)
    before = repository.history()
    assert file in deploy(repository, uri, code=20)
    assert repository.history() == before


def test_unpassed_artifact_is_refused(repository: Repository, publish: Publish, s3: Bucket) -> None:
    """An artifact whose metadata does not say that the gate passed it: 41."""
    uri = publish(1)
    key = uri.removeprefix(f"s3://{s3.name}/") + "manifest.json"
    stored = s3.client.get_object(Bucket=s3.name, Key=key)
    metadata = {**stored["Metadata"], "gate-result": "failed"}
    s3.client.put_object(Bucket=s3.name, Key=key, Body=stored["Body"].read(), Metadata=metadata)
    deploy(repository, uri, code=41)


@pytest.mark.parametrize(
    ("environment", "text"),
    [("canary", None), ("staging", "shape: Standard\n"), ("staging", "shape: Knative\nkeep: 1\n")],
)
def test_environment_must_be_built(
    repository: Repository, publish: Publish, environment: str, text: str | None
) -> None:
    """An environment without a folder, of another shape, or with an impossible `keep`: 10, naming the file."""
    uri = publish(1)
    if text:
        commit(repository.folder, f"{STAGING}/environment.yaml", text)
    done = repository.release("deploy", "--env", environment, "--uri", uri, "--image", IMAGE)
    assert done.code == 10
    assert f"gitops/models/iris/{environment}/environment.yaml" in done.err


def test_record_keeps_its_length(repository: Repository, publish: Publish) -> None:
    """The record remembers as many releases as environment.yaml says, the newest first."""
    commit(repository.folder, f"{STAGING}/environment.yaml", "shape: Knative\nkeep: 2\n")
    uris = [publish(number) for number in (1, 2, 3)]
    for uri in uris:
        deploy(repository, uri)
    assert [release.uri for release in recorded(repository).releases] == uris[:0:-1]


def test_decided_again_from_what_is_there(repository: Repository) -> None:
    """Whoever is overtaken between fetch and push decides again from the new tip, and both changes stay."""
    events = []

    def decide(tip: object) -> Change:
        events.append(tip.commit)  # type: ignore[attr-defined]
        if len(events) < 3:
            commit(repository.folder, f"by-a-person-{len(events)}", "x")
        return Change({"gitops/x": f"{len(events)}\n"}, "x\n")

    ours = update(repository.branch(), decide)
    assert repository.history()[:1] == [ours]
    assert len(set(events)) == 3
    assert repository.text_of("gitops/x") == "3\n"
    assert git(repository.origin, "ls-tree", "--name-only", "main").split() == sorted(
        ["by-a-person-1", "by-a-person-2", "gitops", "params.yaml"]
    )
