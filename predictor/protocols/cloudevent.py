"""CloudEvents: a v1 request as the data of an event, answered by an event of the same mode, as KServe answers it.

Binary: the attributes are headers (`ce-id`, …), the body is the request. Structured: the body is an object of the
attributes and `data`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from artifact.errors import InvalidRequest

MEDIA = "application/cloudevents+json"
_JSON = "application/json"
_REQUIRED = ("id", "source", "specversion", "type")
_VERSIONS = ("0.3", "1.0")


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether these headers carry an event's attributes."""
    return "ce-specversion" in headers


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


def answer(model: str, reply: dict[str, Any], binary: bool) -> tuple[bytes, dict[str, str]]:
    """The body and headers of the answering event; its type and source are those of KServe's own servers."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"io.kserve.inference.{model}",
        "type": "io.kserve.inference.response",
        "time": datetime.now(UTC).isoformat(),
    }
    if binary:
        return orjson.dumps(reply), {f"ce-{name}": value for name, value in attributes.items()}
    return orjson.dumps({**attributes, "datacontenttype": _JSON, "data": reply}), {"content-type": MEDIA}


def _check(attributes: Mapping[str, Any], what: str) -> None:
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidRequest(f"the event's {what.format(name)} is missing, or is no text")
    if attributes["specversion"] not in _VERSIONS:
        raise InvalidRequest(
            f"CloudEvents {attributes['specversion'][:40]!r} is not read here; send {' or '.join(_VERSIONS)}"
        )
