"""The bucket, by what it does: an object under the prefix is created once, and neither replaced nor deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from artifact.errors import StorageError
from release.doctor.finding import FAULT, OK, Finding
from release.settings import Settings

PROBE = ".doctor"  # the key below the prefix; no model can be called so
_POLICY = "make aws, which sets the policy in gitops/aws/bucket.json"
_DENIED = ("AccessDenied", "403")


def look(chosen: Settings) -> Iterator[Finding]:
    """Findings from requests with the credentials at hand. The probe, eight bytes, stays: it cannot be deleted."""
    client = boto3.client(
        "s3",
        region_name=chosen.region,
        config=Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2}),
    )
    probe: dict[str, Any] = {"Bucket": chosen.bucket, "Key": f"{chosen.prefix}/{PROBE}"}
    try:
        client.head_bucket(Bucket=chosen.bucket)
    except (ClientError, BotoCoreError) as error:
        remedy = f"create it (docs/to-your-cluster/aws.md), or make configure BUCKET=…, or log in: {chosen.region}"
        yield Finding("bucket", FAULT, f"{chosen.bucket} is not there: {error!s:.200}", remedy, StorageError.exit_code)
        return
    versioning = _code(lambda: client.get_bucket_versioning(Bucket=chosen.bucket).get("Status", "off"))
    if versioning == "Enabled":
        yield Finding("bucket", OK, f"{chosen.bucket} keeps versions")
    else:
        enable = f"aws s3api put-bucket-versioning --bucket {chosen.bucket} --versioning-configuration Status=Enabled"
        yield Finding("bucket", FAULT, f"{chosen.bucket} keeps no versions ({versioning})", enable)
    first = _code(lambda: client.put_object(**probe, Body=b"modelpin", IfNoneMatch="*") and "")
    if first not in ("", "PreconditionFailed"):
        remedy = "use the role that publishes, or one that may create objects under the prefix"
        yield Finding("bucket", FAULT, f"the probe {probe['Key']} cannot be created: {first}", remedy)
        return
    again = _code(lambda: client.put_object(**probe, Body=b"modelpin", IfNoneMatch="*") and "replaced")
    yield _expected(again, ("PreconditionFailed",), "a second put with If-None-Match", "use a store that knows it")
    plain = _code(lambda: client.put_object(**probe, Body=b"modelpin") and "replaced")
    yield _expected(plain, _DENIED, "a put without If-None-Match", _POLICY)
    gone = _code(lambda: client.delete_object(**probe) and "deleted")
    yield _expected(gone, _DENIED, "a delete", _POLICY)


def _expected(code: str, expected: tuple[str, ...], request: str, remedy: str) -> Finding:
    if code in expected:
        return Finding("bucket", OK, f"{request} is refused")
    return Finding("bucket", FAULT, f"{request} is not refused as it has to be: {code}", remedy)


def _code(request: Callable[[], Any]) -> str:
    """What the request gives, or S3's code for why not."""
    try:
        return str(request())
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code", error))
    except BotoCoreError as error:
        return f"{error!s:.200}"
