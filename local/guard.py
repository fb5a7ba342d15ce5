"""Runs one command so that nothing of it outlives whoever asked for it.

    python local/guard.py [--grace SECONDS] COMMAND [ARGUMENT …]      (standard input: a pipe the caller holds open)

The command ends when it ends by itself, when the guard gets SIGTERM or SIGINT, or when the pipe reaches its end: the
caller may have died by SIGKILL. The guard first asks the command (SIGTERM) and then kills everything that descends from
it, also what moved to another process group or session, as act's steps do.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(argv: list[str]) -> int:
    grace = 10.0
    if argv[:1] == ["--grace"]:
        grace, argv = float(argv[1]), argv[2:]
    woken = wake_on({*STOPPING, signal.SIGCHLD})
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None:
        ready, _, _ = select.select([0, woken], [], [])
        if 0 in ready and not os.read(0, 1024):
            break
        if woken in ready and STOPPING & set(os.read(woken, 64)):
            break
    end(child, grace)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def wake_on(signals: set[signal.Signals]) -> int:
    """A descriptor that gets each signal's number as a byte: without it one just before select() would be missed."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in signals:
        signal.signal(number, lambda *_: None)
    return reader


def prctl(option: int, value: int) -> None:
    if sys.platform == "linux":  # elsewhere the pipe and the walk over the children are what there is
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    """For the case that the guard itself is killed: the command goes with it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(child: subprocess.Popen[bytes], grace: float) -> None:
    """The command's end, then that of everything it left behind."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    import psutil  # type: ignore[import-untyped]  # only here: the guard stays small and starts in 20 ms

    deadline = time.monotonic() + grace
    while processes := [p for p in psutil.Process().children(recursive=True) if alive(p)]:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=1)
        if time.monotonic() > deadline:  # in the kernel: nothing more can be done from here
            print(f"still running after SIGKILL: {[p.pid for p in processes]}", file=sys.stderr)
            break
    child.wait()


def alive(process: "psutil.Process") -> bool:  # type: ignore[name-defined]  # noqa: F821
    import psutil

    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
