"""The objects of one artifact in S3, by obstore.

The environment says where and as whom: AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and AWS_CA_BUNDLE, as KServe's webhook sets
them from the service account; AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (IRSA), the variables of EKS Pod Identity,
or keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError
from obstore.store import S3Store

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig

_RETRIES = 6
_SECONDS = 60  # for one request with all its retries


class Bucket:
    """Reads the objects under one URI; no list of them is ever asked for."""

    def __init__(self, uri: ArtifactUri, environment: Mapping[str, str] = os.environ) -> None:
        self.uri = uri
        self._store = S3Store(
            uri.bucket,
            client_options=_client(environment),
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_SECONDS)},
        )

    def read(self, path: str, start: int, end: int) -> tuple[memoryview, int]:
        """Bytes `start` to `end` of the object, fewer where it is shorter, and the size of the whole object.

        Raises FileNotFoundError where it does not exist, StorageError (30) when S3 refuses or does not answer.
        """
        try:
            answer = obstore.get(self._store, self.uri.key + path, options={"range": (start, end)})
            return memoryview(answer.bytes()), answer.meta["size"]
        except BaseError as error:
            raise _storage_error(self.uri, path, error) from error

    def read_if_there(self, path: str, most: int) -> bytes | None:
        """The whole object of at most `most` bytes, or None: not there, or not to be told so.

        Who may not list a bucket is told 403 for a key that does not exist.
        """
        try:
            answer = obstore.get(self._store, self.uri.key + path, options={"range": (0, most)})
            return bytes(answer.bytes())
        except (FileNotFoundError, PermissionDeniedError):
            return None
        except BaseError as error:
            raise _storage_error(self.uri, path, error) from error


def _storage_error(uri: ArtifactUri, path: str, error: BaseError) -> StorageError:
    words = str(error).strip().splitlines()
    return StorageError(
        f"{uri}{path} cannot be read ({words[0][:300] if words else type(error).__name__}); look at the role of the "
        "service account, at its region, and at the way to S3"
    )


def _client(environment: Mapping[str, str]) -> ClientConfig:
    client: ClientConfig = {}
    if environment.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        client["allow_http"] = True
    if certificates := environment.get("AWS_CA_BUNDLE"):
        try:
            client["root_certificate"] = Path(certificates).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"AWS_CA_BUNDLE={certificates} cannot be read ({error.strerror}); name a file of certificates, or none"
            ) from error
    return client
