"""The bucket through a line that fails: what passes by itself is repeated within bounds, the rest is said at once."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from artifact import digest
from artifact.errors import CollisionError, ConfigurationError, StorageError
from release import store
from release.settings import Settings
from release.store import Store
from tests.conftest import Bucket

BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: 45\r\n\r\n"
    b"<Error><Code>SlowDown</Code></Error>         "
)


class Line:
    """A TCP relay to the real S3; connection n meets the n-th of `faults`: busy, cut, lost reply, hang or none."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self.faults: list[str] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        for one in (self._server, *self._open):
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._open.append(client)
            fault = self.faults[min(self.connections, len(self.faults) - 1)] if self.faults else "none"
            self.connections += 1
            threading.Thread(target=self._handle, args=(client, fault), daemon=True).start()

    def _handle(self, client: socket.socket, fault: str) -> None:
        if fault == "hang":
            return
        if fault in ("busy", "cut"):
            client.recv(65536)
            if fault == "busy":
                client.sendall(BUSY)
            client.close()
            return
        upstream = socket.create_connection(self._upstream)
        self._open.append(upstream)
        threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True).start()
        self._pump(upstream, client, fault == "lost")

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket, lost: bool) -> None:
        try:
            while data := source.recv(65536):
                if lost and not data.startswith(b"HTTP/1.1 100"):
                    break
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            one.close()


@pytest.fixture
def line(s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A line to the embedded S3, with seconds instead of a minute to lose."""
    relay = Line(s3.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", relay.endpoint)
    monkeypatch.setattr(store, "_LAST_START", 2.0)
    monkeypatch.setattr(store, "_READ_SECONDS", 0.3)
    yield relay
    relay.close()


def bucket(s3: Bucket) -> Store:
    return Store(Settings(bucket=s3.name))


@pytest.mark.parametrize("faults", [["busy", "busy", "none"], ["cut", "none"], ["hang", "none"]], ids="-".join)
def test_passing_failures_are_repeated(s3: Bucket, line: Line, faults: list[str]) -> None:
    """503 twice, a cut and a hang are outlived: the object is stored."""
    line.faults = faults
    assert bucket(s3).put_once("k", b"bytes") is True
    assert s3.keys() == ["k"]
    assert line.connections == len(faults)


def test_lost_reply_is_our_own_success(s3: Bucket, line: Line) -> None:
    """When the answer to a write is lost, the next attempt finds the object and takes it for its own."""
    line.faults = ["lost", "none"]
    assert bucket(s3).put_once("k", b"bytes") is False
    assert s3.keys() == ["k"]


@pytest.mark.parametrize("fault", ["busy", "cut", "hang"])
def test_lasting_failure_ends(s3: Bucket, line: Line, fault: str) -> None:
    """A failure that lasts ends within the bound with 30, naming the endpoint and the key."""
    line.faults = [fault]
    start = time.monotonic()
    with pytest.raises(StorageError, match=rf"{line.endpoint}.*/k: ") as failed:
        bucket(s3).put_once("k", b"bytes")
    assert failed.value.exit_code == 30
    assert time.monotonic() - start < 2.0 + 0.3 + 1.0 + 0.5
    assert line.connections > 1


def test_bound_is_a_minute() -> None:
    """The last attempt begins early enough to end within 60 s."""
    assert store._LAST_START + store._CONNECT_SECONDS + 1 + store._READ_SECONDS <= 60


def refused_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")


def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize(
    ("change", "said"), [(refused_keys, "s3:PutObject"), (no_keys, "AWS_ACCESS_KEY_ID")], ids=["403", "no keys"]
)
def test_refusal_is_said_at_once(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    """403 and missing credentials end at once with 30, naming permission or variable and the key, and no secret."""
    change(monkeypatch)
    start = time.monotonic()
    with pytest.raises(StorageError, match=said) as failed:
        bucket(s3).put_once("some/key", b"bytes")
    assert time.monotonic() - start < 2
    message = str(failed.value)
    assert "some/key" in message
    assert s3.env["AWS_ACCESS_KEY_ID"] not in message
    assert "not-the-secret" not in message


def test_missing_bucket_names_the_setting(s3: Bucket) -> None:
    """A bucket that does not exist is a wrong setting: 10."""
    with pytest.raises(ConfigurationError, match="configure --bucket"):
        Store(Settings(bucket="never-made")).put_once("k", b"bytes")


def test_object_without_checksum_is_hashed(s3: Bucket) -> None:
    """An object that somebody stored without a SHA-256 is read and hashed: the same bytes are fine, others are not."""
    s3.client.put_object(Bucket=s3.name, Key="same", Body=b"bytes")
    s3.client.put_object(Bucket=s3.name, Key="other", Body=b"seven")
    assert bucket(s3).put_once("same", b"bytes") is False
    with pytest.raises(CollisionError):
        bucket(s3).put_once("other", b"bytes")
    assert bucket(s3).holds("same", 5, digest.of_bytes(b"bytes"))
