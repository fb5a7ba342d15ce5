"""Send the requests of the inference log to the stable release and to a candidate, and compare their answers in pairs.

Both get one request at a time at their own URLs, and no user gets these answers. The requests carry the header
`x-modelpin-purpose: shadow`, so that they count as evidence for no canary.
"""

from __future__ import annotations

import argparse
import http.client
import json
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from artifact.errors import StorageError, UsageError
from monitoring import arguments, labels
from monitoring.shadow_evidence import ShadowEvidence

if TYPE_CHECKING:
    import pandas as pd

_HEADERS = {"content-type": "application/json", "x-modelpin-purpose": "shadow"}
_SECONDS = 60.0
_INPUT = "in:"


@dataclass(frozen=True)
class Answered:
    """What a release answered to one request: `digest` made it; `status` other than 200 has no values."""

    status: int
    digest: str
    seconds: float
    predictions: list[Any] = field(default_factory=list)
    probabilities: list[Any] = field(default_factory=list)


@dataclass
class Release:
    """A release at its own URL. `host` is the name that a gateway at `url` knows it by."""

    url: str
    model: str
    host: str | None = None

    def ask(self, rows: Sequence[Mapping[str, Any]]) -> Answered:
        """Its answer to one request; StorageError (30) where nothing answers."""
        body: dict[str, Any] = {"instances": list(rows)}
        if self.classifies:
            body["probabilities"] = True
        begun = time.perf_counter()
        status, headers, content = self._send("POST", f"/v1/models/{self.model}:predict", json.dumps(body).encode())
        seconds = time.perf_counter() - begun
        digest = headers.get("x-model-digest", "")
        if status != 200:
            return Answered(status, digest, seconds)
        try:
            predictions, probabilities = content["predictions"], content.get("probabilities", [])
            complete = len(predictions) == len(rows) and len(probabilities) in (0, len(rows))
        except (LookupError, TypeError, AttributeError):
            complete = False
        if not complete:
            raise StorageError(
                f"{self.url} answered {len(rows)} rows with something else than as many predictions: "
                "give the release's own URL"
            )
        return Answered(status, digest, seconds, predictions, probabilities)

    def prepare(self) -> set[str]:
        """The names of its inputs; and from now on it is known whether it answers with probabilities."""
        status, _, content = self._send("GET", f"/v2/models/{self.model}")
        if status != 200:
            raise StorageError(
                f"{self.url} answers {status} for the model {self.model}: is this the release's own URL?"
            )
        try:
            self.classifies = any(output["name"] == "probabilities" for output in content["outputs"])
            return {entry["name"] for entry in content["inputs"]}
        except (LookupError, TypeError) as error:
            raise StorageError(
                f"{self.url} does not describe the model {self.model}: give the release's own URL"
            ) from error

    def _send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Mapping[str, str], Any]:
        parts = urllib.parse.urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            connection = self._connection or kind(parts.hostname or "", parts.port, timeout=_SECONDS)
            self._connection = connection
            headers = _HEADERS | ({"host": self.host} if self.host else {})
            connection.request(method, parts.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                json.loads(content or b"{}"),
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection = None
            raise StorageError(f"{self.url} did not answer: {error!s:.200}; give the release's own URL") from error

    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    classifies: bool = False


@dataclass
class Pairs:
    """What the answers to the same requests come to, row by row."""

    rows: int = 0
    agreed: int = 0
    flips: Counter[str] = field(default_factory=Counter)
    differences: list[float] = field(default_factory=list)
    seconds: list[tuple[float, float]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    digests: set[tuple[str, str]] = field(default_factory=set)

    def add(self, stable: Answered, candidate: Answered) -> None:
        """One request: its rows are compared where both answered; otherwise who failed is counted."""
        self.digests.add((stable.digest, candidate.digest))
        for name, answer in (("stable", stable), ("candidate", candidate)):
            if answer.status != 200:
                self.errors[f"{name} {answer.status}"] += 1
        if stable.status != 200 or candidate.status != 200:
            return
        self.seconds.append((stable.seconds, candidate.seconds))
        for place, (mine, theirs) in enumerate(zip(stable.predictions, candidate.predictions, strict=True)):
            self.rows += 1
            self.agreed += mine == theirs
            if mine != theirs and not isinstance(mine, float):
                self.flips[f"{mine} -> {theirs}"] += 1
            first, second = (
                answer.probabilities[place] if answer.probabilities else answer.predictions[place]
                for answer in (stable, candidate)
            )
            if _numbers(first) and _numbers(second) and np.shape(first) == np.shape(second):
                self.differences.append(float(np.max(np.abs(np.subtract(first, second)))))

    def as_json(self) -> dict[str, Any]:
        """For programs: shares, quantiles 50 / 90 / 100 %, and milliseconds at the caller."""
        spans = np.array(self.seconds or [(np.nan, np.nan)]) * 1000
        return {
            "kind": "shadow",
            "digests": sorted(map(list, self.digests)),
            "requests": len(self.seconds) + sum(self.errors.values()),
            "rows": self.rows,
            "agreement": round(self.agreed / self.rows, 4) if self.rows else None,
            "flips": dict(self.flips.most_common(20)),
            "difference": [float(f"{value:.4g}") for value in np.quantile(self.differences, (0.5, 0.9, 1))]
            if self.differences
            else [],
            "stable_ms": [round(float(value), 2) for value in np.nanquantile(spans[:, 0], (0.5, 0.9))]
            if self.seconds
            else [],
            "candidate_ms": [round(float(value), 2) for value in np.nanquantile(spans[:, 1], (0.5, 0.9))]
            if self.seconds
            else [],
            "errors": dict(self.errors),
        }

    def line(self) -> str:
        """In one line, as `--evidence` of a command of `release` takes it."""
        return f"shadow: {ShadowEvidence.of(self.as_json())}"


def requests(log: pd.DataFrame, inputs: set[str], most: int) -> Iterator[list[dict[str, Any]]]:
    """The newest `most` requests, oldest first, as rows by input; UsageError (2) where the log lacks an input."""
    import pandas as pd  # here, so that --help loads no pandas

    missing = sorted(inputs - {name.removeprefix(_INPUT) for name in log.columns if name.startswith(_INPUT)})
    if missing:
        raise UsageError(f"the log has no {', '.join(missing)}: such a request cannot be asked again")
    newest = log.drop_duplicates("request_id", keep="last").sort_values("time")["request_id"].tail(most)
    chosen = log[log["request_id"].isin(newest)].drop_duplicates(["request_id", "row"]).sort_values(["time", "row"])
    for _, rows in chosen.groupby("request_id", sort=False):
        yield [
            {name: None if pd.isna(row[_INPUT + name]) else _plain(row[_INPUT + name]) for name in inputs}
            for row in rows.to_dict("records")
        ]


def compare(log: pd.DataFrame, stable: Release, candidate: Release, most: int, rate: float) -> Pairs:
    """Ask both the same, at most `rate` requests a second; who is asked first changes from request to request."""
    inputs, pairs = stable.prepare(), Pairs()
    candidate.prepare()
    for number, rows in enumerate(requests(log, inputs, most)):
        begun = time.monotonic()
        if number % 2:
            second = candidate.ask(rows)
            pairs.add(stable.ask(rows), second)
        else:
            pairs.add(stable.ask(rows), candidate.ask(rows))
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - begun)))
    return pairs


def _numbers(value: Any) -> bool:
    return np.issubdtype(np.asarray(value).dtype, np.floating)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def main(argv: Sequence[str] | None = None) -> None:
    """As `compare`."""
    line = argparse.ArgumentParser(prog="python -m monitoring shadow", description=__doc__)
    line.add_argument(
        "--log", required=True, metavar="PATH", help="the inference log of the stable release: a folder, or s3://…"
    )
    line.add_argument("--model", required=True, help="as iris")
    line.add_argument("--stable", required=True, metavar="URL", help="of the stable release")
    line.add_argument("--candidate", required=True, metavar="URL", help="of the candidate")
    line.add_argument("--stable-host", metavar="NAME", help="where --stable is a gateway")
    line.add_argument("--candidate-host", metavar="NAME", help="where --candidate is a gateway")
    line.add_argument("--most", type=arguments.whole, default=1000, help="requests, the newest (%(default)s)")
    line.add_argument("--rate", type=arguments.positive, default=10.0, help="requests a second (%(default)s)")
    line.add_argument("--line", action="store_true", help="one line, for --evidence of `release step` and its like")
    options = line.parse_args(argv)
    stable = Release(options.stable, options.model, options.stable_host)
    candidate = Release(options.candidate, options.model, options.candidate_host)
    pairs = compare(labels.read(options.log, "--log"), stable, candidate, options.most, options.rate)
    print(pairs.line() if options.line else json.dumps(pairs.as_json(), indent=2))
