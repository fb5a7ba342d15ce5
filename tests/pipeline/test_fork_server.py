"""The process that forks for each stage of a `dvc repro`: the same results, and nothing left behind whatever is killed.

Real processes: the command as DVC starts it, and a program in the place of DVC where a test has to kill one of them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from artifact import digest
from pipeline import fork_server
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.pipeline.repository import Repository, stages

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there is such a process on Linux only"),
]
# In the place of DVC: runs the stages whose names it reads, and says how each ended.
OWNER = """
import subprocess, sys
for line in sys.stdin:
    stage = subprocess.Popen([sys.executable, "-m", "pipeline", *line.split()], process_group=0)
    print(stage.pid, flush=True)
    print(stage.wait(), flush=True)
"""
# In the place of a stage: says where it runs, then does what the test is about.
STAGE = """
import json, os, sys, time
from pathlib import Path

def main(argv=None):
    said = {"pid": os.getpid(), "keeper": os.getppid(), "numpy": "numpy" in sys.modules}
    said |= {"argv": argv, "folder": os.getcwd(), "mark": os.environ["MARK"]}
    Path("said.partial").write_text(json.dumps(said))
    Path("said.partial").rename("said.json")
    time.sleep(float(os.environ["SLEEP"]))
    return 7
"""


@pytest.fixture
def env(fresh: Repository) -> dict[str, str]:
    """The environment of a person's shell, with the real Python and the fork server."""
    rest = {name: value for name, value in fresh.env.items() if name != fork_server.SWITCH}
    return rest | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{rest['PATH']}"}


class Owner:
    """A program in the place of DVC, in the repository at `folder`."""

    def __init__(self, folder: Path, env: dict[str, str], **more: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            cwd=folder,
            env=env | {"DVC_STAGE": "a", "MARK": "here", "SLEEP": "0"} | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begin(self, stage: str) -> int:
        """Start `stage`; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{stage}\n")
        self.process.stdin.flush()
        return self._number()

    def ended(self) -> int:
        """Wait for the stage; its exit code."""
        return self._number()

    def _number(self) -> int:
        assert self.process.stdout is not None
        while not (line := self.process.stdout.readline().strip()).lstrip("-").isdigit():
            assert line, "the owner has ended"
        return int(line)

    def report(self) -> dict[str, object]:
        """What the stage says of itself, once it runs."""
        path = self.folder / "said.json"
        until(path.exists)
        value: dict[str, object] = json.loads(path.read_text())
        path.unlink()
        return value

    @property
    def server(self) -> int | None:
        """The process that listens for this owner."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[2:4] == [str(self.folder / "pipeline/fork_server.py").encode(), str(self.process.pid).encode()]:
                return int(path.parent.name)
        return None


@pytest.fixture
def owner(fresh: Repository, env: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Owner]:
    """An owner whose stage gate is STAGE, after stage inputs."""
    (fresh.path / "pipeline/gate/gate.py").write_text(STAGE)
    owner = Owner(fresh.path, env, **getattr(request, "param", {}))
    owner.begin("inputs")
    assert owner.ended() == 0
    until(lambda: listening(owner))
    yield owner
    owner.process.kill()
    owner.process.communicate()


def listening(owner: Owner) -> bool:
    return fork_server._address(owner.process.pid)[1:] in Path("/proc/net/unix").read_text()


def until(holds: Callable[[], object]) -> None:
    """Wait until `holds`."""
    end = time.monotonic() + ANSWER_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(process: object) -> bool:
    """Whether there is no process with this id, or only its exit code."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_repro_makes_the_same_artifact_and_leaves_no_process(
    trained: tuple[Repository, str], fresh: Repository, env: dict[str, str]
) -> None:
    """`dvc repro` with the real Python: the digest of the session's training, and the server ends with it."""
    repro, pipe = [sys.executable, "-m", "dvc", "repro"], subprocess.PIPE
    ran = subprocess.Popen(repro, cwd=fresh.path, env=env, stdout=pipe, stderr=subprocess.STDOUT)
    until(lambda: fork_server._address(ran.pid)[1:] in Path("/proc/net/unix").read_text() or ran.poll() is not None)
    output = ran.communicate(timeout=START_SECONDS)[0].decode()
    assert ran.returncode == 0, output
    assert stages(output) == stages(trained[1])
    result, session = (
        digest.of_file(repository.path / "build/artifact/manifest.json") for repository in (fresh, trained[0])
    )
    assert result == session
    until(lambda: fork_server._address(ran.pid)[1:] not in Path("/proc/net/unix").read_text())


def test_a_stage_runs_in_a_fork_and_ends_as_it_does(owner: Owner) -> None:
    """With its arguments, environment, folder and exit code; code that changed in between is the code that runs."""
    pid = owner.begin("gate --one two")
    output = owner.report()
    assert owner.ended() == 7
    assert output["numpy"]
    assert output["pid"] != pid
    assert (output["argv"], output["folder"], output["mark"]) == (["--one", "two"], str(owner.folder), "here")
    path = owner.folder / "pipeline/gate/gate.py"
    path.write_text(path.read_text().replace("return 7", "return 8"))
    owner.begin("gate")
    assert owner.ended() == 8


@pytest.mark.parametrize("owner", [{"SLEEP": "600"}], indirect=True)
def test_what_is_killed_takes_the_stage_with_it(owner: Owner) -> None:
    """The command, what keeps the fork, or the fork itself: no stage goes on alone, and the command fails."""
    for victim, code in (("command", -signal.SIGKILL), ("keeper", 1), ("pid", -signal.SIGKILL)):
        command = owner.begin("gate")
        output = owner.report()
        os.kill(command if victim == "command" else int(str(output[victim])), signal.SIGKILL)
        assert owner.ended() == code, victim
        until(partial(ended, output["pid"]))
    command = owner.begin("gate")
    fork = owner.report()["pid"]
    os.killpg(command, signal.SIGINT)  # Ctrl-C
    assert owner.ended() == 130
    assert ended(fork)


def test_without_its_server_a_stage_runs_as_it_always_did(owner: Owner) -> None:
    """The server is killed: the next stages import what they need themselves."""
    server = owner.server
    assert server is not None
    os.kill(server, signal.SIGKILL)
    until(lambda: not listening(owner))
    pid = owner.begin("gate")
    assert owner.report()["pid"] == pid
    assert owner.ended() == 7


def test_the_server_ends_with_its_owner(owner: Owner) -> None:
    """Also where the owner is killed."""
    server = owner.server
    owner.process.kill()
    owner.process.wait()
    until(partial(ended, server))


def test_there_is_no_server_outside_of_dvc_or_where_it_is_off(fresh: Repository, env: dict[str, str]) -> None:
    """A stage that a person runs starts nothing; nor does DVC with the switch off."""
    for more in ({"DVC_STAGE": ""}, {fork_server.SWITCH: "off"}):
        owner = Owner(fresh.path, env, **more)
        owner.begin("inputs")
        assert owner.ended() == 0
        assert owner.server is None
        owner.process.kill()
        owner.process.communicate()
