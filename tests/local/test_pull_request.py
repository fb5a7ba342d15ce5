"""The real pull-request.yml on the platform: a branch that changes a parameter, retrained and shown beside main.

act runs the job that trains. The one that comments asks GitHub, which cannot run here: its command is tested by
tests/release/test_comment.py.
"""

import subprocess

import pytest

from local import git, runner
from local.runner import Event, Push
from tests.local.conftest import Trained

PATH = ".github/workflows/pull-request.yml"


@pytest.mark.story
def test_a_pull_request_is_retrained_and_shown(trained: Trained) -> None:
    """The page has the gate's report on the branch's own training, and what changes in the manifests.

    Nothing is released.
    """
    before = git.run(trained.state.origin, "rev-parse", git.BRANCH).strip()
    clone = trained.clone
    git.run(clone, "fetch", "--quiet", "origin")
    git.run(clone, "checkout", "--quiet", "-B", "milder", f"origin/{git.BRANCH}")
    for name, old, new in (
        ("params.yaml", "C: 1.0,", "C: 2.0,"),
        ("gitops/models/iris/staging/kustomization.yaml", "namespace: iris-staging", "namespace: iris-elsewhere"),
    ):
        text = (clone / name).read_text()
        assert text.count(old) == 1
        (clone / name).write_text(text.replace(old, new))
    git.run(clone, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--all", "-m", "Milder")
    subprocess.run(["git", "-C", clone, "push", "--quiet", "origin", "milder"], capture_output=True, check=True)
    head = git.run(clone, "rev-parse", "HEAD").strip()

    repository = {"full_name": runner.REPOSITORY_NAME}
    pull_request = {
        "number": 5,
        "head": {"repo": repository, "ref": "milder"},
        "base": {"sha": before, "ref": git.BRANCH},
    }
    lines: list[str] = []
    event = Event("pull_request", {"pull_request": pull_request}, ("train",))
    push = Push("refs/heads/milder", before, head)
    assert runner.run(trained.state, PATH, push, lines.append, event), "\n".join(lines)

    (page,) = trained.state.runs.glob("*/uploads/page/page.md")
    text = page.read_text()
    assert text.startswith("# ")
    assert "first-deployment" not in text, "it was compared with what staging serves"
    assert "<summary>iris/staging</summary>" in text
    assert "+  namespace: iris-elsewhere" in text
    assert "![" not in text
    assert git.run(trained.state.origin, "rev-parse", git.BRANCH).strip() == before
