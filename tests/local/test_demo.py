"""`make demo`, as a newcomer runs it."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from local import demo_clone, git
from local.narrator import Narrator
from local.state import REPOSITORY, venvs
from tests.deadlines import START_SECONDS


@pytest.mark.story
def test_the_demo_in_a_folder_with_a_space(tmp_path: Path) -> None:
    """A shallow clone, in a folder with a space: it answers, its curl and its pages work until Ctrl-C, then
    nothing of it runs.
    """
    folder = tmp_path / "a clone" / "modelpin"
    git.run(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{REPOSITORY}", str(folder))
    environ = {**os.environ, "MODELPIN_VENVS": str(venvs())}
    command = ["make", "demo", "DEMO_ARGS=--stay"]
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                if "runs until Ctrl-C" in line:
                    break
            curl = next(line.strip().removeprefix("$ ") for line in lines if "curl -H" in line)
            answer = subprocess.run(shlex.split(curl), capture_output=True, text=True, timeout=START_SECONDS)
            assert json.loads(answer.stdout)["predictions"] == ["setosa"]
            pages = next(line.split()[1] for line in lines if line.strip().startswith("pages "))
            for page, text in (("", "iris"), ("report.html", "onfusion"), ("predict.html", "<form")):
                with urllib.request.urlopen(pages + page, timeout=START_SECONDS) as display:
                    assert text in display.read().decode()
            again = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
            assert re.search(r"a demo runs in this clone already, as process \d+", again.stderr)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            lines += [line.rstrip() for line in process.stdout]
    assert process.returncode == -signal.SIGINT, "make ends as whoever pressed Ctrl-C expects"
    assert "Nothing runs any more" in lines[-1]
    assert len(lines) < 60
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True)
    assert left.stdout == ""


def test_a_folder_without_git_has_a_first_commit(tmp_path: Path) -> None:
    """A ZIP's files become one commit, without what .gitignore names."""
    zip_folder, copied = tmp_path / "zip", tmp_path / "copy"
    zip_folder.mkdir()
    (zip_folder / ".gitignore").write_text("ignored\n")
    for name in ("kept", "ignored"):
        (zip_folder / name).write_text("x")
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(Narrator(tmp_path / "log")) as tell:
        patch.setattr(demo_clone, "REPOSITORY", zip_folder)
        demo_clone.copy(copied, tell)
    assert git.run(copied, "ls-tree", "--name-only", "HEAD").split() == [".gitignore", "kept"]
    assert git.run(copied, "status", "--porcelain") == ""
