"""The page of a pull request: the comment, by the real gh, and how the manifests differ, by the real kustomize."""

from pathlib import Path

import pytest

from release.commands import comment
from tests.gitops.render import tool
from tests.release.conftest import ROOT, Repository, git
from tests.release.github import REPOSITORY, GitHub


def put(repository: Repository, tmp_path: Path, text: str, number: int = 5) -> str:
    """Put `text` under a pull request; the URL that the command prints."""
    file = tmp_path / "page.md"
    file.write_text(text)
    words = ("--repository", REPOSITORY, "--pull-request", str(number), "--file", str(file))
    done = repository.release("comment", *words)
    assert done.code == 0, done.err
    return done.out


def test_the_comment_is_brought_up_to_date(plain: Repository, github: GitHub, tmp_path: Path) -> None:
    """One comment a pull request, found again among those of people, who may quote it, and of other bots."""
    github.comment(5, "nice")
    github.comment(5, f"{comment.MARK}\nI quote you")
    github.comment(5, "coverage: 98 %", "Bot")
    first = put(plain, tmp_path, "# refused")
    assert put(plain, tmp_path, "# passed") == first
    assert [text for text in github.comments(5) if text.startswith(f"{comment.MARK}\n#")] == [
        f"{comment.MARK}\n# passed"
    ]
    assert len(github.comments(5)) == 4
    assert put(plain, tmp_path, "# passed", 6) != first


def test_it_is_found_behind_a_hundred_others(plain: Repository, github: GitHub, tmp_path: Path) -> None:
    """GitHub answers a hundred comments at a time."""
    requests = ("GET", f"repos/{REPOSITORY}/issues/5/comments")
    for number in range(100):
        github.comment(5, f"{number}")
    put(plain, tmp_path, "# passed")
    assert github.calls.count(requests) == 2


def test_a_page_that_is_too_long_is_cut(plain: Repository, github: GitHub, tmp_path: Path) -> None:
    """GitHub takes 65,536 characters; what is cut is said, between two lines."""
    put(plain, tmp_path, "a line\n" * 20_000)
    (text,) = github.comments(5)
    assert len(text) < 65_536
    assert text.endswith("a line\n\n… the rest is in the summary of the run.\n")


@pytest.fixture
def tree(tmp_path: Path) -> Repository:
    """A repository with this tree's gitops/, committed."""
    tool()
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for path in (ROOT / "gitops").rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "begin")
    return Repository(folder, folder, "modelpin")


def page(tree: Repository, code: int = 0) -> str:
    done = tree.release("manifests", "--base", "main")
    assert done.code == code, done.err
    return done.out if code == 0 else done.err


@pytest.mark.example
def test_the_manifests_that_change_are_shown(tree: Repository) -> None:
    """An edit of one environment shows that one, of the base both; a comment changes nothing that is applied."""
    folder = tree.folder / "gitops"
    assert "applies the same as before" in page(tree)
    runtime = folder / "base/serving-runtime.yaml"
    runtime.write_text(runtime.read_text() + "# a comment\n")
    assert "applies the same as before" in page(tree)
    runtime.write_text(runtime.read_text().replace("failureThreshold: 3", "failureThreshold: 4"))
    output = page(tree)
    assert "<summary>iris/production</summary>" in output
    assert "<summary>iris/staging</summary>" in output
    assert "-      failureThreshold: 3\n+      failureThreshold: 4" in output
    git(tree.folder, "checkout", "--quiet", ".")
    file = folder / "models/iris/staging/kustomization.yaml"
    file.write_text(file.read_text().replace("namespace: iris-staging", "namespace: iris-elsewhere"))
    output = page(tree)
    assert "<summary>iris/production</summary>" not in output
    assert "+  namespace: iris-elsewhere" in output


def test_a_new_and_a_broken_environment(tree: Repository) -> None:
    """A new folder is all new; manifests that do not render are 10, with what kustomize says."""
    tree.release("adopt", "--model", "wine")
    git(tree.folder, "add", "--all")
    output = page(tree)
    assert "<summary>wine/staging</summary>" in output
    assert "+kind: ServiceAccount" in output
    (tree.folder / "gitops/models/wine/staging/kustomization.yaml").write_text("resources: [none.yaml]\n")
    assert "wine/staging does not render" in page(tree, code=10)
    assert tree.release("manifests", "--base", "nowhere").code == 10
