"""What pods reach of the embedded platform: Git, read-only, and S3, while the platform is up."""

import fcntl
import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from artifact.errors import StorageError
from local import git
from local.cluster import doorway
from local.ports import LOOPBACK
from local.state import State
from tests.deadlines import ANSWER_SECONDS


class S3(BaseHTTPRequestHandler):
    """Answers with the host that it is asked for, which a signature covers, and the body."""

    def do_PUT(self) -> None:
        body = self.headers["Host"].encode() + self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A platform as far as the doorway sees it: its lock, its description, its origin, and an S3."""
    state, server = State(tmp_path / "cluster"), ThreadingHTTPServer((LOOPBACK, 0), S3)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.root.mkdir()
    git.run(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(state.origin))
    folder = tmp_path / "person"
    git.run(tmp_path, "clone", "--quiet", str(state.origin), str(folder))
    git.run(folder, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--allow-empty", "-qm", "one")
    git.run(folder, "push", "--quiet", "origin", "HEAD:main")
    urls = {"s3": f"http://{LOOPBACK}:{server.server_port}"}
    state.description.write_text(json.dumps({"pid": os.getpid(), "urls": urls}))
    with state.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield state
    server.shutdown()
    server.server_close()


def test_pods_read_git_and_use_s3(state: State, tmp_path: Path) -> None:
    """The origin is cloned and not pushed to; S3 sees the host that was asked; it ends with the platform."""
    ports = doorway.start(state, LOOPBACK)
    assert doorway.start(state, LOOPBACK) == ports
    url = f"http://{LOOPBACK}:{ports.git}/{state.origin.name}"
    git.run(tmp_path, "clone", "--quiet", url, "pod")
    assert git.run(tmp_path / "pod", "log", "--format=%s").strip() == "one"
    refused = subprocess.run(["git", "push", url, "HEAD:other"], cwd=tmp_path / "pod", capture_output=True, text=True)
    assert "403" in refused.stderr

    body = b"x" * 3_000_000
    there = f"{LOOPBACK}:{ports.s3}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"http://{there}/bucket/key", body, method="PUT")) as answer:
        assert answer.read() == there.encode() + body

    state.description.write_text(json.dumps({**state.describe(), "pid": 0}))  # another platform, or none
    deadline = time.monotonic() + ANSWER_SECONDS
    while doorway._answers(LOOPBACK, ports):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_address_that_is_not_this_machines_is_said(state: State) -> None:
    """An error with the address, the ports and the log, where nothing can listen."""
    with pytest.raises(StorageError, match=r"no doorway answers on 192\.0\.2\.1, ports \d+ and \d+; its log: "):
        doorway.start(state, "192.0.2.1")
