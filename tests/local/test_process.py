"""Nothing that the guard starts outlives whoever asked for it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from artifact.errors import StorageError
from local.process import Process
from local.state import REPOSITORY, environment
from tests.deadlines import ANSWER_SECONDS

# A command that ignores SIGTERM, with a child in a session of its own (as act's steps are) that does so too.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(60)
"""


def stubborn(file: Path) -> list[str]:
    return [sys.executable, "-c", STUBBORN, str(file)]


def pids(file: Path) -> list[int]:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not (file.exists() and file.read_text().count(" ")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(part) for part in file.read_text().split()]


def gone(numbers: list[int]) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while any(psutil.pid_exists(number) for number in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_stop_ends_the_whole_tree(tmp_path: Path) -> None:
    """After `stop` returns, a command that ignores SIGTERM and its child in another session are gone."""
    process = Process("stubborn", stubborn(tmp_path / "pids"), env=environment(), grace=0.2)
    numbers = pids(tmp_path / "pids")
    process.stop()
    assert not [number for number in numbers if psutil.pid_exists(number)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_caller_leaves_nothing(tmp_path: Path, how: signal.Signals) -> None:
    """However the caller dies, its processes go with it."""
    caller = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from local.process import Process; from local.state import environment\n"
            "held = Process('stubborn', sys.argv[1:], env=environment(), grace=0.2); time.sleep(60)",
            *stubborn(tmp_path / "pids"),
        ],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    )
    numbers = pids(tmp_path / "pids")
    os.kill(caller.pid, how)
    caller.wait()
    assert gone(numbers)


def test_exit_code_and_output_come_through(tmp_path: Path) -> None:
    """The guard ends with the command's own exit code, and its log holds both streams."""
    log = tmp_path / "log"
    with Process("false", ["sh", "-c", "echo out; echo err >&2; exit 7"], env=environment(), log=log) as process:
        assert process.wait() == 7
    assert log.read_text() == "out\nerr\n"


def test_early_end_is_an_error_with_the_log(tmp_path: Path) -> None:
    """A service that ends before it is ready is an error that says where its log is."""
    log = tmp_path / "log"
    with (
        Process("thing", ["sh", "-c", "exit 3"], env=environment(), log=log) as process,
        pytest.raises(StorageError, match=f"thing ended with exit code 3 .*{log}"),
    ):
        process.wait_until(lambda: False, seconds=5)
