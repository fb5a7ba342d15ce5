"""CloudEvents: a v1 request as the data of an event, answered by an event of the same mode, as KServe answers it.

Binary: the attributes are headers (`ce-id`, …), the body is the request. Structured: the body is an object of the
attributes and `data`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from artifact.errors import InvalidRequest
from artifact.prediction import Prediction
from artifact.validation.validator import Validator
from predictor.protocols import json_body, v1
from predictor.protocols.request import Answer, Served

MEDIA = "application/cloudevents+json"
BINARY = "ce-specversion"  # the header that each event has whose attributes are headers
_JSON = "application/json"
_REQUIRED = ("id", "source", "specversion", "type")
_VERSIONS = ("0.3", "1.0")


@dataclass(eq=False)
class Request(v1.Request):
    """A v1 request that came as an event, and is answered by one of the same mode."""

    binary: bool

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """The answering event."""
        return answer(served.name, v1.reply(self, prediction), self.binary)


@dataclass(eq=False)
class Decoded(v1.Decoded):
    """The v1 request within an event."""

    binary: bool

    def validated(self, validator: Validator, closely: bool) -> Request:
        """As that of v1."""
        request = super().validated(validator, closely)
        return Request(request.columns, request.probabilities, self.binary)


def decode(body: bytes, *, binary: bool) -> Decoded:
    """Read the body of an event; InvalidRequest where it is none."""
    payload = json_body.read(body)
    return Decoded(payload if binary else data(payload), binary)


def check(headers: Mapping[str, str]) -> None:
    """InvalidRequest unless the headers of a binary event are one."""
    _check({name[3:]: value for name, value in headers.items() if name.startswith("ce-")}, "header 'ce-{}'")


def data(event: Any) -> Any:
    """The request in a decoded structured event; InvalidRequest unless it is one."""
    if not isinstance(event, dict):
        raise InvalidRequest("the body is not an object with an event's attributes and its 'data'")
    _check(event, "attribute {!r}")
    if "data_base64" in event:
        raise InvalidRequest("'data_base64' is not read here; send the request itself as 'data'")
    if "data" not in event:
        raise InvalidRequest("the event has no 'data'")
    return event["data"]


def answer(model: str, reply: dict[str, Any], binary: bool) -> Answer:
    """The body and headers of the answering event; its type and source are those of KServe's own servers."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"io.kserve.inference.{model}",
        "type": "io.kserve.inference.response",
        "time": datetime.now(UTC).isoformat(),
    }
    if binary:
        return Answer(orjson.dumps(reply), headers={f"ce-{name}": value for name, value in attributes.items()})
    body = orjson.dumps({**attributes, "datacontenttype": _JSON, "data": reply})
    return Answer(body, headers={"content-type": MEDIA})


def _check(attributes: Mapping[str, Any], label: str) -> None:
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidRequest(f"the event's {label.format(name)} is missing, or is no text")
    if attributes["specversion"] not in _VERSIONS:
        raise InvalidRequest(
            f"CloudEvents {attributes['specversion'][:40]!r} is not read here; send {' or '.join(_VERSIONS)}"
        )
