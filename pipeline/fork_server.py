"""One process that has imported the libraries, and forks for each stage of a `dvc repro`: docs/adr/0026.

DVC starts a process a stage. Nearly all that one does for a small table is to import numpy, pandas and scikit-learn. So
stage inputs, the first one, starts this file as a program, which imports them while other stages run; each stage after
it finds that program, hands its command over and ends as the fork does. The fork imports our own code itself. It runs
in the environment of the command, and stops when the command or the program is stopped. The program ends with DVC.

Where there is no such program, each stage imports the libraries itself, as outside DVC and on other systems than Linux.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SWITCH = "MODELPIN_FORK_SERVER"  # off: each stage imports the libraries itself
FIRST = "inputs"  # runs whenever anything of a training has changed
_LATER = "prepare tune train convert evaluate package measure gate report track".split()
# In the order in which stages need them. Not ONNX Runtime: a fork of a process that has loaded it hangs.
_LIBRARIES = (
    "numpy pandas pyarrow.parquet pyarrow.csv pydantic yaml pandera.pandas scipy.stats sklearn.compose "
    "sklearn.calibration sklearn.feature_extraction.text sklearn.neighbors sklearn.linear_model sklearn.ensemble "
    "sklearn.preprocessing sklearn.impute onnx sklearn.inspection matplotlib.figure matplotlib.backends.backend_agg "
    "mlflow.tracking"
).split()
_LOCAL_TRACKING = ("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store")
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh")
_PEER = struct.Struct("3i")  # of SO_PEERCRED: process, user, group
_NUMBER = struct.Struct("=i")
_GONE = 1  # the exit code of a stage whose fork was lost
_PR_SET_PDEATHSIG = 1


def hand_over(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run the stage `argv` in a fork of this repro's server and end with its exit code; return where there is none.

    Stage inputs starts the server, and returns. `environment`: what is set, whatever the caller's environment says.
    """
    stage = argv[0] if argv else None
    if stage not in (FIRST, *_LATER) or not os.environ.get("DVC_STAGE") or os.environ.get(SWITCH) == "off":
        return
    if not hasattr(os, "pidfd_open") or sys.platform != "linux":
        return
    owner = _starter(os.getppid())
    if stage == FIRST:
        _start(owner, environment)
        return
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(_address(owner))
        except OSError:
            return
        if _user(connection) != os.getuid():
            return
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fork gets it, too, and says how it ended
        env = {**os.environ, **environment, SWITCH: "off"}
        request = json.dumps([list(argv), os.getcwd(), env, os.getpgrp(), os.umask(os.umask(0o22))]).encode()
        socket.send_fds(connection, [_NUMBER.pack(len(request))], [0, 1, 2])
        connection.sendall(request)
        answer = connection.recv(_NUMBER.size, socket.MSG_WAITALL)
    if len(answer) < _NUMBER.size:
        print("error: the process that ran this stage was killed; run `dvc repro` again", file=sys.stderr)
        raise SystemExit(_GONE)
    (code,) = _NUMBER.unpack(answer)
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise SystemExit(code)


def _starter(process: int) -> int:
    """`process`, or where that is a shell the one that started it: DVC, for a stage's parent."""
    while True:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            name, _, rest = file.read().partition("(")[2].rpartition(")")
        if name not in _SHELLS:
            return process
        process = int(rest.split()[1])


def _address(owner: int) -> str:
    # An abstract address: no file, so that nothing is left behind whatever is killed. Containers may share it, where
    # they share a network: the numbers of the namespaces keep them apart.
    spaces = "-".join(str(os.stat(f"/proc/self/ns/{name}").st_ino) for name in ("pid", "mnt"))
    return f"\0modelpin-{os.getuid()}-{owner}-{spaces}"


def _start(owner: int, environment: Mapping[str, str]) -> None:
    """Start the server of the process `owner`, with nothing of ours open in it, and out of the reach of Ctrl-C."""
    subprocess.Popen(
        [sys.executable, "-P", __file__, str(owner)],
        env={**os.environ, **environment, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


def _user(connection: socket.socket) -> int:
    return int(_PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[1])


class _Server:
    """Accepts commands of this user until the process `owner` ends, which ends this one."""

    def __init__(self, owner: int) -> None:
        self._ended = os.pidfd_open(owner)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(_address(owner))
        self._listening.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers

    def requested(self, wait: bool) -> list[Any] | None:
        """In a fork: the command that it has to run. In the server: None, at once unless it has to `wait`."""
        while True:
            ready = select.select([self._listening.fileno(), self._ended], [], [], None if wait else 0)[0]
            if self._ended in ready:
                raise SystemExit
            if not ready:
                return None
            connection, _ = self._listening.accept()
            with connection:
                if _user(connection) == os.getuid() and os.fork() == 0:
                    self._listening.close()
                    return _run_kept(connection)


def _run_kept(connection: socket.socket) -> list[Any]:
    """Return the command in a fork; this process keeps the fork: it answers its exit code, and kills it when the
    command at the other end of `connection` is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(connection, _NUMBER.size, 3)
    data = connection.recv(_NUMBER.unpack(size)[0], socket.MSG_WAITALL) if size else b""
    if not data:  # the command was killed before it said what it is
        os._exit(0)
    request: list[Any] = json.loads(data)
    keeper, fork = os.getpid(), os.fork()
    if fork == 0:
        connection.close()
        _take_place(keeper, files, request)
        return request
    for file in files:
        os.close(file)
    ended = os.pidfd_open(fork)
    if ended not in select.select([ended, connection.fileno()], [], [])[0]:
        os.kill(fork, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(_NUMBER.pack(code))
    os._exit(0)


def _take_place(keeper: int, files: Sequence[int], request: Sequence[Any]) -> None:
    """Become what the command would be: its files, directory, environment, and process group, for Ctrl-C."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it was killed before that
        os._exit(_GONE)
    _, folder, env, group, mask = request
    os.setpgid(0, group)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr] # as Python does when it starts
    os.umask(mask)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all forks would draw the same numbers


def _served(server: _Server) -> Sequence[Any]:
    """Import the libraries one after the other; in a fork, return the command that was asked for in between or then."""
    local = () if os.environ.get("MLFLOW_TRACKING_URI") else _LOCAL_TRACKING
    for name in (*_LIBRARIES, *local):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
        gc.freeze()
        if (request := server.requested(wait=False)) is not None:
            return request
    request = server.requested(wait=True)
    assert request is not None
    return request


def _run(argv: Sequence[str], folder: str) -> None:
    """`python -m pipeline`, which imports our own code from `folder`."""
    sys.path.insert(0, folder)
    sys.argv, sys.orig_argv = ["-m", *argv], [sys.executable, "-m", "pipeline", *argv]
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    try:
        listening = _Server(int(sys.argv[1]))
    except OSError:  # DVC has ended meanwhile, or there is such a server
        raise SystemExit from None
    _run(*_served(listening)[:2])
