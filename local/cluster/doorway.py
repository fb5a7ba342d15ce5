"""How pods reach the embedded platform: its Git origin over HTTP, read-only, and its S3, at an address that they see.

    python -m local.cluster.doorway --state DIR --host ADDRESS

The platform itself listens on loopback only. This process ends when the platform does.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from artifact import text_file
from artifact.command import run
from artifact.errors import StorageError
from local import ports
from local.git_server import GitServer
from local.state import REPOSITORY, State, environment

_START_SECONDS = 60.0
_CONNECT_SECONDS = 5.0
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Ports:
    """Where Git and S3 answer; the same from one start to the next, since settings and a Secret name them."""

    git: int
    s3: int


def start(state: State, host: str) -> Ports:
    """A doorway on `host`, started unless one answers there; StorageError when it does not start.

    It outlives the caller, as the platform of `state` does.
    """
    numbers = _chosen(state)
    if _answers(host, numbers):
        return numbers
    log = state.root / "doorway.log"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.cluster.doorway", "--state", str(state.root), "--host", host],
            cwd=REPOSITORY,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(host, numbers):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StorageError(f"no doorway answers on {host}, ports {numbers.git} and {numbers.s3}; its log: {log}")
        time.sleep(0.1)
    threading.Thread(target=process.wait, daemon=True).start()  # a caller that lives on after its end has no zombie
    return numbers


def _chosen(state: State) -> Ports:
    file = state.root / "doorway.json"
    if not file.exists():
        text_file.write(file, text_file.readable_json(asdict(Ports(*ports.free(2)))))
    return Ports(**json.loads(file.read_text()))


def _answers(host: str, numbers: Ports) -> bool:
    for port in (numbers.git, numbers.s3):
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        except OSError:
            return False
    return True


async def serve(state: State, host: str) -> None:
    """Until the platform that is up now is gone."""
    numbers, platform = _chosen(state), state.describe()
    there = urlsplit(platform["urls"]["s3"])

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            near, far = await asyncio.open_connection(there.hostname, there.port)
            await asyncio.gather(_copy(reader, far), _copy(near, writer))
        writer.close()

    with contextlib.closing(GitServer(state.root, host=host, port=numbers.git)):
        async with await asyncio.start_server(connected, host, numbers.s3):
            while state.is_up() and state.describe()["pid"] == platform["pid"]:
                await asyncio.sleep(1)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All of one direction, its end included."""
    with contextlib.suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
        writer.write_eof()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.cluster.doorway", description=__doc__.partition("\n")[0])
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--host", required=True)
    options = parser.parse_args(argv)
    asyncio.run(serve(State(options.state.resolve()), options.host))
    return 0


if __name__ == "__main__":
    run(main)
