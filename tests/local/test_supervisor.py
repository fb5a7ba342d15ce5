"""`up` and `down`: everything on loopback, in one folder, and gone afterwards, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local import git
from local.state import REPOSITORY, State
from local.supervisor import Supervisor, take_down
from local.tracking import Tracking
from tests.deadlines import ANSWER_SECONDS


def local(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "local", *arguments], cwd=REPOSITORY, capture_output=True, text=True)


def processes(root: Path) -> list[psutil.Process]:
    """Everything that runs with this folder in its command line, its own children included."""
    results = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if str(root) in " ".join(process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            results.append(process)
    return [process for process in results if process.pid != os.getpid()]


def sleepers() -> int:
    """Processes of SLEEPS that are alive."""
    result = 0
    for process in psutil.process_iter(["cmdline"]):
        result += process.info["cmdline"] == ["sleep", "61.5"]
    return result


def wait_for_none(root: Path) -> list[psutil.Process]:
    """What still runs at the deadline. A process that is just replacing its program has no command line: look twice."""
    deadline = time.monotonic() + ANSWER_SECONDS
    looks_without_any = 0
    while looks_without_any < 2 and time.monotonic() < deadline:
        looks_without_any = 0 if processes(root) or State(root).is_up() else looks_without_any + 1
        time.sleep(0.1)
    return processes(root)


def test_up_status_down(tmp_path: Path) -> None:
    """`up` returns when all is ready, a second one says so, `down` leaves no process, and ports are kept."""
    state = ("--state", str(tmp_path))
    first = local("up", *state)
    assert first.returncode == 0, first.stderr
    urls = State(tmp_path).describe()["urls"]
    assert local("status", *state).stdout.startswith(f"s3        {urls['s3']}\n")
    assert local("up", *state).stdout.startswith("already up")
    assert State(tmp_path).env_file.stat().st_mode & 0o777 == 0o600
    servers = [c for p in processes(tmp_path) for c in p.connections() if c.status == psutil.CONN_LISTEN]
    assert servers
    assert {server.laddr.ip for server in servers} == {"127.0.0.1"}
    assert local("down", *state).returncode == 0
    assert processes(tmp_path) == []
    assert not State(tmp_path).env_file.exists()
    down = local("status", *state)
    assert (down.returncode, down.stderr.startswith("error: no platform is up")) == (10, True)
    tracking = Tracking(State(tmp_path).mlflow)
    tracking._port = tracking._choose_port()  # of a second start; tests/local/test_s3.py has S3's
    assert tracking.url == urls["mlflow"]


SLEEPS = """
on: push
jobs: {sleep: {runs-on: ubuntu-latest, steps: [{run: sleep 61.5 & sleep 61.5}]}}
"""


@pytest.mark.story
def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    """With the supervisor killed by SIGKILL its services end, and so does a workflow run that is in progress."""
    state = State(tmp_path / "state")
    folder = tmp_path / "clone"
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "sleep.yml").write_text(SLEEPS)
    git.run(tmp_path, "init", "--quiet", str(folder))
    git.run(folder, "add", "--all")
    git.run(folder, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "x")
    with Supervisor(state, lambda _: None):
        push = subprocess.Popen(["git", "-C", folder, "push", "-q", state.origin, "HEAD:x"], stderr=subprocess.PIPE)
        deadline = time.monotonic() + ANSWER_SECONDS
        while sleepers() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(int(state.lock.read_text()), signal.SIGKILL)
        assert b"sleep.yml failed" in push.communicate(timeout=ANSWER_SECONDS)[1]
        assert wait_for_none(tmp_path) == []
        assert sleepers() == 0


@pytest.mark.parametrize(
    ("how", "after"),
    [
        (signal.SIGINT, 0.7),
        pytest.param(signal.SIGTERM, 1.5, marks=pytest.mark.story),
        pytest.param(signal.SIGKILL, 1.0, marks=pytest.mark.story),
    ],
)
def test_up_cut_short_leaves_nothing(tmp_path: Path, how: signal.Signals, after: float) -> None:
    """An `up` that is interrupted or killed while it starts leaves no process and no claim to be up."""
    starting = subprocess.Popen(
        [sys.executable, "-m", "local", "up", "--state", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell that starts pytest in the background has it ignore SIGINT, and `up` would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(after)
    os.kill(starting.pid, how)
    starting.wait(ANSWER_SECONDS)
    assert wait_for_none(tmp_path) == []
    assert not State(tmp_path).is_up()
    assert take_down(State(tmp_path)) is False
