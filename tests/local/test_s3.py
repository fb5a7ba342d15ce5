"""The embedded S3 behaves as AWS does where release and DVC rely on it, and leaves nothing behind."""

import os
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.s3 import S3
from tests.conftest import Bucket


def test_environment_is_enough(s3: Bucket) -> None:
    """With only the environment's endpoint, keys and region boto3 writes and reads an object."""
    client = boto3.client("s3")
    client.put_object(Bucket=s3.name, Key="a/b", Body=b"bytes")
    assert client.get_object(Bucket=s3.name, Key="a/b")["Body"].read() == b"bytes"
    assert s3.keys() == ["a/b"]


def test_object_is_written_once(s3: Bucket) -> None:
    """A second write with If-None-Match is refused with 412 and the first bytes stay."""
    s3.client.put_object(Bucket=s3.name, Key="k", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.client.put_object(Bucket=s3.name, Key="k", Body=b"second", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert s3.client.get_object(Bucket=s3.name, Key="k")["Body"].read() == b"first"


def test_wrong_checksum_is_refused(s3: Bucket) -> None:
    """An object whose SHA-256 is not the one the caller computed is not stored."""
    client = boto3.client(
        "s3", config=Config(retries={"total_max_attempts": 1})
    )  # boto3 repeats what BadDigest refuses
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=s3.name, Key="k", Body=b"bytes", ChecksumSHA256="A" * 43 + "=")
    assert s3.keys() == []


def test_unknown_keys_are_refused(s3: Bucket) -> None:
    """Somebody without the platform's keys can neither read nor write."""
    stranger = boto3.client("s3", aws_access_key_id="LOCALX", aws_secret_access_key="no")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.put_object(Bucket=s3.name, Key="k", Body=b"")


def test_missing_bucket_is_an_error(s3: Bucket) -> None:
    """Writing to a bucket that does not exist fails, as on AWS, instead of making it."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.client.put_object(Bucket="never-made", Key="k", Body=b"")


def test_second_start_finds_everything_again(tmp_path: Path) -> None:
    """A stop leaves no process and no socket; the next start on the folder has the same endpoint, keys and objects."""
    with S3(tmp_path / "s3", buckets=("kept",)) as first:
        first.client().put_object(Bucket="kept", Key="k", Body=b"bytes")
        endpoint, env = first.endpoint, first.env
        everything = psutil.process_iter(["cmdline"])  # what ends while it is listed has no command line
        processes = [p for p in everything if str(tmp_path) in " ".join(p.info["cmdline"] or ())]
        assert {Path(p.info["cmdline"][0]).name for p in processes} >= {"weed"}
        port = endpoint.rpartition(":")[2]
        listening = [c for p in processes for c in p.connections() if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert not [p for p in processes if p.is_running()]
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))
    assert os.stat(tmp_path / "s3" / "identities.json").st_mode & 0o777 == 0o600
    with S3(tmp_path / "s3", buckets=("kept",)) as second:
        assert (second.endpoint, second.env) == (endpoint, env)
        assert second.client().get_object(Bucket="kept", Key="k")["Body"].read() == b"bytes"
