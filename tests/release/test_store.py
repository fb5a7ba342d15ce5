"""The bucket through a line that fails: what passes by itself is repeated within bounds, the rest is said at once."""

import time
from collections.abc import Callable, Iterator

import pytest

from artifact import digest
from artifact.errors import CollisionError, ConfigurationError, StorageError
from release.bucket.store import Patience, Store
from release.settings import Settings
from tests.conftest import Bucket
from tests.deadlines import ANSWER_SECONDS
from tests.release.line import Line

QUICK = Patience(connect=1.0, read=0.3, last_start=2.0)


@pytest.fixture
def line(s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A line to the embedded S3, which boto3 takes."""
    relay = Line(s3.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", relay.endpoint)
    yield relay
    relay.close()


def bucket(s3: Bucket) -> Store:
    """The bucket, with seconds instead of a minute to lose."""
    return Store(Settings(bucket=s3.name), QUICK)


WRITING = [["busy", "busy"], ["cut"], ["hang"], ["spoilt upwards"]]


@pytest.mark.parametrize("faults", WRITING, ids="-".join)
def test_writing_outlives_what_passes(s3: Bucket, line: Line, faults: list[str]) -> None:
    """503 twice, a cut, a hang and bytes spoilt on their way are outlived: the object is stored, whole."""
    line.faults = [*faults, "none"]
    assert bucket(s3).put_once("k", b"bytes") is True
    assert line.requests == len(faults) + 1
    assert s3.client.get_object(Bucket=s3.name, Key="k")["Body"].read() == b"bytes"


def test_lost_reply_is_our_own_success(s3: Bucket, line: Line) -> None:
    """When the answer to a write is lost, the next attempt finds the object and takes it for its own."""
    line.faults = ["lost", "none"]
    assert bucket(s3).put_once("k", b"bytes") is False
    assert s3.keys() == ["k"]


@pytest.mark.parametrize("fault", ["busy", "cut", "half", "spoilt downwards"])
def test_reading_outlives_what_passes(s3: Bucket, line: Line, fault: str) -> None:
    """An answer that is refused, cut short or spoilt on its way is asked for again: what comes is whole."""
    Store(Settings(bucket=s3.name)).put_once("k", b"bytes" * 1000)
    line.faults = ["none"] * line.requests + [fault, "none"]
    assert bucket(s3).get("k") == b"bytes" * 1000


@pytest.mark.parametrize("fault", ["busy", "cut", "hang", "spoilt upwards"])
def test_lasting_failure_ends(s3: Bucket, line: Line, fault: str) -> None:
    """A failure that lasts ends within the bound with 30, naming the endpoint and the key."""
    line.faults = [fault]
    start = time.monotonic()
    with pytest.raises(StorageError, match=rf"{line.endpoint}.*/k: ") as failed:
        bucket(s3).put_once("k", b"bytes")
    assert failed.value.exit_code == 30
    assert time.monotonic() - start < QUICK.last_start + QUICK.connect + 1.0 + QUICK.read + ANSWER_SECONDS
    assert line.requests > 1
    assert s3.keys() == []


def test_bound_is_a_minute() -> None:
    """The last attempt begins early enough to end within 60 s."""
    usual = Patience()
    assert usual.last_start + usual.connect + 1 + usual.read <= 60


def refused_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")


def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize(
    ("change", "words"), [(refused_keys, "s3:PutObject"), (no_keys, "AWS_ACCESS_KEY_ID")], ids=["403", "no keys"]
)
def test_refusal_is_said_at_once(
    s3: Bucket, line: Line, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], words: str
) -> None:
    """403 and missing credentials end at once with 30, naming permission or variable and the key, and no secret."""
    change(monkeypatch)
    with pytest.raises(StorageError, match=words) as failed:
        bucket(s3).put_once("some/key", b"bytes")
    assert line.requests <= 1
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
