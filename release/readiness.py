"""Asks the hosts of a cluster: which release answers there, and whether it repeats its golden answers."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import numpy as np

from artifact.errors import ConfigurationError, GateRefused
from artifact.signature import Signature
from artifact.tolerance import differing
from release.evidence.connection import PLAIN, Access, RedirectRefused, Reply, request
from release.gitops.folder import Folder
from release.gitops.release import Release
from release.gitops.release_file import configuration

T = TypeVar("T")
DIGEST_HEADER = "x-model-digest"
RELEASE_HEADER = "x-model-release"
PURPOSE = "x-modelpin-purpose"  # the predictor counts such requests apart: they are no evidence on a canary
NO_ANSWER = "nothing"
# Of one request: a model that is scaled to zero starts first.
SECONDS = 60.0
_PAUSE = 2.0
_LONGEST = 80


@dataclass(frozen=True)
class Address:
    """Where to ask: the URL to connect to, the name asked for (the URL's own when None), and what it wants to see."""

    url: str
    host: str | None = None
    access: Access = PLAIN

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

    def __str__(self) -> str:
        return (self.host or self.url)[:200]


@dataclass(frozen=True)
class Cluster:
    """Where the models of one environment answer: under `domain`; `gateway` is connected to in place of their hosts,
    with the same names, before DNS knows those; `access`: what the hosts want to see."""

    folder: Folder
    domain: str
    gateway: str | None = None
    access: Access = PLAIN
    joint: str = "."  # between name and namespace

    def by(self, access: Access) -> Cluster:
        """This cluster, asked with `access`."""
        return replace(self, access=access)

    def route(self, tag: str = "") -> Address:
        """What callers see, or the part of it that the Route gives `tag`."""
        return self.label(f"{tag}-{self.folder.model}" if tag else self.folder.model)

    def release(self, name: str) -> Address:
        """A release's own host, whatever share of the traffic it has."""
        return self.label(configuration(name))

    def label(self, label: str) -> Address:
        """The host that begins with `label`."""
        host = f"{label}{self.joint}{self.folder.namespace}.{self.domain}"
        return Address(self.gateway or f"{self.access.scheme}://{host}", host, self.access)


@dataclass(frozen=True)
class Answer:
    """What a host says when it is asked whether its model is ready."""

    digest: str | None  # None when no model is ready there
    release: str | None  # None from an image that is older than this header, too
    problem: str = ""  # what came instead of a digest

    def of(self, release: Release) -> bool:
        """Whether it comes from `release`: its image counts too where the answer names a release."""
        return self.digest == release.digest and self.release in (None, release.name)

    def __str__(self) -> str:
        names = [text[:_LONGEST] for text in (self.digest, self.release) if text]
        return " of ".join(names) if self.digest else self.problem[:_LONGEST]


def lacking(address: Address, model: str, release: Release, seconds: float = SECONDS) -> str | None:
    """None when the model's readiness there is answered by `release`, else what was answered, in one sentence.

    A model that is not ready, another release and no answer at all count alike.
    """
    answer = ask(address, model, seconds)
    return None if answer.of(release) else f"{address} answers {str(answer)!r}, not {release.digest} of {release.name}"


def replay(address: Address, model: str, signature: Signature, golden: Mapping[str, Any]) -> str:
    """Send the golden requests there; a sentence on what was compared. Unseen for the first answer that differs.

    `golden`: the content of golden.json, `inputs` and `outputs` by column, as artifact.golden makes it.
    """
    columns, expectations = golden["inputs"], golden["outputs"]
    rows = [list(row) for row in zip(*(columns[name] for name in signature.names), strict=True)]
    body: dict[str, Any] = {"instances": rows} | ({"probabilities": True} if "probabilities" in expectations else {})
    answer = _post(address, f"/v1/models/{model}:predict", body)
    first = signature.outputs[0].name  # which v1 calls predictions
    answers = {name: answer.get("predictions" if name == first else name) for name in expectations}
    for name, before in expectations.items():
        now = answers[name]
        if not isinstance(now, list) or np.shape(now) != np.shape(before):
            raise Unseen(f"{address} gives {str(now)[:_LONGEST]!r} for the {len(rows)} golden requests' {name}")
        wrong = differing(name, before, now, float(golden["tolerance"]))
        if len(wrong):
            row = int(wrong[0])
            raise Unseen(f"{address} gives {now[row]!r} for golden request {row}, {before[row]!r} was recorded")
    return f"{address} answers with its digest, and {len(rows)} golden requests as recorded"


class Unseen(GateRefused):
    """A release, or a host, that should answer as Git says does not do so yet."""


def patiently(seconds: float, attempt: Callable[[], T]) -> T:
    """What `attempt` gives once it raises no Unseen; its last Unseen after `seconds`.

    Each attempt looks at Git anew: nothing is kept open, and nothing decided, while waiting.
    """
    end = time.monotonic() + seconds
    while True:
        last = time.monotonic() + _PAUSE > end
        try:
            return attempt()
        except Unseen:
            if last:
                raise
        time.sleep(_PAUSE)


def ask(address: Address, model: str, seconds: float = SECONDS) -> Answer:
    """The digest and the release that answer for a ready model, else a few words on what came instead."""
    try:
        reply = _request(address, "GET", f"/v2/models/{model}/ready", None, seconds)
    except RedirectRefused as error:
        return Answer(None, None, str(error))
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Answer(None, None, f"{NO_ANSWER} ({type(error).__name__})")
    if reply.status != http.client.OK:
        return Answer(None, None, f"status {reply.status}")
    return Answer(reply.headers.get(DIGEST_HEADER), reply.headers.get(RELEASE_HEADER), f"no {DIGEST_HEADER}")


def _post(address: Address, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        reply = _request(address, "POST", path, json.dumps(body).encode(), SECONDS)
        answer = json.loads(reply.body) if reply.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unseen(f"{address} does not answer the golden requests ({type(error).__name__})") from error
    if not isinstance(answer, dict):
        raise Unseen(f"{address} answers the golden requests with status {reply.status}: {reply.body[:_LONGEST]!r}")
    return answer


def _request(address: Address, method: str, path: str, body: bytes | None, seconds: float) -> Reply:
    headers = {"Content-Type": "application/json", PURPOSE: "proof"} if body else {}
    return request(address.split(), address.host, address.access, method, path, body, headers, seconds)
