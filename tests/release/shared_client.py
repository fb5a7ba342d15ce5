"""S3 clients that the commands of one process share: to make one takes longer than its requests do."""

from __future__ import annotations

import functools
import os
from typing import Any

import boto3
from botocore.config import Config

_DECIDES = ("AWS_", "HTTP", "http", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_", "HOME")


class _Options:
    """A botocore Config, equal to another of the same options."""

    def __init__(self, config: Config) -> None:
        self.config, self._text = config, repr(sorted(vars(config).items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Options) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def client(service: str, *, region_name: str, config: Config) -> Any:
    """`boto3.client`, which makes one for each environment that decides about it, and for each fork."""
    environment = frozenset(item for item in os.environ.items() if item[0].startswith(_DECIDES))
    return _client(os.getpid(), environment, service, region_name, _Options(config))


@functools.cache
def _client(process: int, environment: frozenset[tuple[str, str]], service: str, region: str, options: _Options) -> Any:
    return boto3.client(service, region_name=region, config=options.config)
