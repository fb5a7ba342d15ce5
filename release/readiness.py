"""Whether the cluster answers with a digest: the only evidence that a revision is ready that Git can be moved on."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from artifact.errors import ConfigurationError, GateRefused
from release.gitops.folder import Place

T = TypeVar("T")
HEADER = "x-model-digest"
# Of one request: a model that is scaled to zero starts first.
_SECONDS = 60.0
_PAUSE = 2.0
_LONGEST = 80


@dataclass(frozen=True)
class Address:
    """Where to ask: the URL to connect to, and the name asked for (the URL's own when None)."""

    url: str
    host: str | None = None

    def __post_init__(self) -> None:
        self.split()

    def split(self) -> SplitResult:
        """Its parts; ConfigurationError for what is no HTTP URL."""
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            usable = False
        if not usable or not re.fullmatch(r"[!-~]+", self.url) or parts.query or parts.fragment:
            raise ConfigurationError(f"{self.url!r} is not the URL of a model: expected http://host or https://host")
        return parts


def address(place: Place, domain: str, *, latest: bool, url: str | None, gateway: str | None) -> Address:
    """Where KServe serves the model of `place` under `domain`: its newest revision alone (`latest`), or its traffic.

    `url` names another; `gateway` is connected to in its place, with the same host name, before DNS knows that.
    """
    if url is not None:
        return Address(url)
    tag = "latest-" if latest else ""
    host = f"{tag}{place.model}-predictor.{place.namespace}.{domain}"
    return Address(gateway or f"http://{host}", host)


def lacking(where: Address, model: str, digest: str) -> str | None:
    """None when the model's readiness there is answered with `digest`, else what was answered, in one sentence.

    A model that is not ready, another digest and no answer at all count alike.
    """
    found = _ask(where, model)
    if found == digest:
        return None
    return f"{(where.host or where.url)[:200]} answers {found[:_LONGEST]!r}, not {digest}"


class Unseen(GateRefused):
    """What should answer does not, yet."""


def patiently(seconds: float, attempt: Callable[[], T], done: Callable[[T], bool] = lambda _: True) -> T:
    """What `attempt` gives once it is `done` and raises no Unseen, or at last after `seconds`.

    Each attempt looks at Git anew: nothing is kept open, and nothing decided, while waiting.
    """
    end = time.monotonic() + seconds
    while True:
        last = time.monotonic() + _PAUSE > end
        try:
            found = attempt()
            if last or done(found):
                return found
        except Unseen:
            if last:
                raise
        time.sleep(_PAUSE)


def _ask(where: Address, model: str) -> str:
    """The digest that answers for a ready model, else a few words on what came instead."""
    parts = where.split()
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        headers = {} if where.host is None else {"Host": where.host}
        connection.request("GET", f"{parts.path.rstrip('/')}/v2/models/{model}/ready", headers=headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return f"status {answer.status}"
        return answer.getheader(HEADER) or f"no {HEADER}"
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return f"nothing ({type(error).__name__})"
    finally:
        connection.close()
