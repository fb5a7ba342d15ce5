"""The models bucket: objects that are written once, with bounded retries and errors that name the remedy."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from artifact.errors import CollisionError, ConfigurationError, StorageError
from release import backoff
from release.settings import Settings

_PASSING = {
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}


@dataclass(frozen=True)
class StoredObject:
    """What the bucket says of an object: size in bytes, digest (None when it keeps no SHA-256), user metadata.

    `modified`: when it was written, by the bucket's clock.
    """

    size: int
    digest: str | None
    metadata: Mapping[str, str]
    modified: datetime


@dataclass(frozen=True)
class Patience:
    """How many seconds one object may take: with these, an S3 that fails for ever ends a command within 60 s.

    An attempt waits `connect` for a connection, 1 for `100 Continue`, `read` for an answer; none begins later than
    `last_start` after the first.
    """

    connect: float = 5.0
    read: float = 15.0
    last_start: float = 30.0
    longest_pause: float = 5.0


PATIENCE = Patience()


class Store:
    """The bucket of `settings`, with the keys and the endpoint that boto3 finds in the environment."""

    def __init__(self, settings: Settings, patience: Patience | None = None) -> None:
        patience = patience or PATIENCE
        self.bucket = settings.bucket
        self._patience = patience
        config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        try:
            self._client = boto3.client("s3", region_name=settings.region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise StorageError(f"S3 cannot be used: {error}; check AWS_PROFILE and AWS_ENDPOINT_URL") from error

    def put_once(self, key: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Write the object unless it exists; True when it is new, False when it holds these bytes already.

        CollisionError when it holds others. A repeated attempt whose first answer was lost finds its own bytes: fine.
        """
        sha256 = hashlib.sha256(data).digest()
        answer = self._call(
            lambda: self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                IfNoneMatch="*",
                ChecksumSHA256=base64.b64encode(sha256).decode(),
                Metadata=dict(metadata or {}),
            ),
            key,
            "s3:PutObject",
            refusals={412},
        )
        if answer is not None:
            return True
        if not self.holds(key, len(data), f"sha256-{sha256.hex()}"):
            raise CollisionError(
                f"s3://{self.bucket}/{key} exists with other bytes than the {len(data)} of sha256-{sha256.hex()}: "
                "a published object is never overwritten; find out who wrote it, then delete it or use another prefix"
            )
        return False

    def holds(self, key: str, size: int, digest: str) -> bool:
        """Whether the object has this size and digest; it is read and hashed where the bucket keeps no SHA-256."""
        head = self.head(key)
        if head is None or head.size != size:
            return False
        if head.digest is None:
            data = self.get(key)
            return data is not None and f"sha256-{hashlib.sha256(data).hexdigest()}" == digest
        return head.digest == digest

    def head(self, key: str) -> StoredObject | None:
        """Size, digest and metadata of an object, None when there is none."""
        answer = self._call(
            lambda: self._client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED"),
            key,
            "s3:GetObject",
            refusals={404},
        )
        if answer is None:
            return None
        checksum = str(answer.get("ChecksumSHA256", ""))
        # `…-3` is the checksum of three parts' checksums, not of the object.
        digest = f"sha256-{base64.b64decode(checksum).hex()}" if checksum and "-" not in checksum else None
        return StoredObject(
            int(answer["ContentLength"]), digest, dict(answer.get("Metadata", {})), answer["LastModified"]
        )

    def get(self, key: str) -> bytes | None:
        """The bytes of an object, None when there is none."""
        answer = self._call(
            lambda: self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read(),
            key,
            "s3:GetObject",
            refusals={404},
        )
        return None if answer is None else bytes(answer)

    def _call(self, request: Callable[[], Any], key: str, permission: str, refusals: set[int]) -> Any:
        """The answer, None for a status in `refusals`; errors that may pass by themselves are retried within
        `Patience`.
        """
        start = time.monotonic()
        attempt = 0
        while True:
            try:
                return request()
            except ClientError as error:
                problem, status = self._read(error, key, permission)
                if status in refusals:
                    return None
            except (HTTPClientError, IncompleteReadError, FlexibleChecksumError) as error:
                problem = type(error).__name__
            except BotoCoreError as error:
                raise StorageError(
                    f"s3://{self.bucket}/{key} cannot be reached: {error}; set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                ) from error
            attempt += 1
            pause = backoff.seconds(attempt, self._patience.longest_pause)
            seconds = time.monotonic() - start
            if seconds + pause > self._patience.last_start:
                raise StorageError(
                    f"S3 at {self._client.meta.endpoint_url} failed {attempt} times in {seconds:.0f} s "
                    f"for s3://{self.bucket}/{key}: {problem}; see whether it can be reached, then run this again"
                )
            time.sleep(pause)

    def _read(self, error: ClientError, key: str, permission: str) -> tuple[str, int]:
        """The message and status of a failed request; raises where a retry cannot help."""
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", status))
        if code == "NoSuchBucket":
            raise ConfigurationError(
                f"there is no bucket {self.bucket!r}: create it, or name another with "
                "`python -m release configure --bucket`"
            ) from error
        if status in (401, 403):
            raise StorageError(
                f"S3 refused {permission} on s3://{self.bucket}/{key} ({code}): grant it to this identity"
                + (" with s3:ListBucket, without which a missing object is refused too" if "Get" in permission else "")
                + ", or give it valid credentials"
            ) from error
        if code not in _PASSING and status < 500 and status not in (404, 409, 412, 429):
            raise StorageError(f"S3 refused the request on s3://{self.bucket}/{key}: {code} ({status})") from error
        return f"{code} ({status})", status
