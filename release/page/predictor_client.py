"""A running predictor, asked what its model takes and what it answers to one row that a person typed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifact.errors import StorageError, UsageError

_SECONDS = 10.0
_WHOLE = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")
_REAL = ("FP16", "FP32", "FP64")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class Field:
    """One input of the model, with its datatype in KServe's words.

    `example`: a value that the model takes, as a person types it; `nullable`: whether it may be missing, None where the
    predictor does not say.
    """

    name: str
    datatype: str
    example: str = ""
    nullable: bool | None = None


@dataclass(frozen=True)
class ServedModel:
    """What the predictor at `url` serves: `digest` of its model, fields of a row, names of the outputs."""

    url: str
    model: str
    digest: str
    fields: tuple[Field, ...]
    outputs: tuple[str, ...]

    def body(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """The v1 request of one row; an empty text is a missing value. UsageError (2) for a text that is no number."""
        row = {field.name: _value(field, typed.get(field.name, "")) for field in self.fields}
        return {"instances": [row]} | ({"probabilities": True} if "probabilities" in self.outputs else {})

    def curl(self, body: Mapping[str, Any]) -> str:
        """The same request for a terminal."""
        text = json.dumps(body).replace("'", "'\\''")
        return f"curl -H 'content-type: application/json' {self.url}/v1/models/{self.model}:predict -d '{text}'"

    def predict(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document of the answer; StorageError (30) when there is none."""
        return _ask(f"{self.url}/v1/models/{self.model}:predict", json.dumps(body).encode())


def served(url: str) -> ServedModel:
    """Of the first model that the predictor at `url` lists; StorageError (30) when it does not answer as one."""
    url = url.rstrip("/")
    try:
        model = _ask(f"{url}/v1/models")[1]["models"][0]
        metadata = _ask(f"{url}/v2/models/{model}")[1]
        described = _described(url, model)
        fields = tuple(
            Field(entry["name"], entry["datatype"], *described.get(entry["name"], ())) for entry in metadata["inputs"]
        )
        outputs = tuple(entry["name"] for entry in metadata["outputs"])
        return ServedModel(url, model, metadata["versions"][0], fields, outputs)
    except (KeyError, IndexError, TypeError) as error:
        raise StorageError(f"{url} does not answer as a predictor ({error!r}): give the URL of one") from error


def _described(url: str, model: str) -> dict[str, tuple[str, bool]]:
    """Input → an example of it and whether it may be missing, by the predictor's /openapi.json; {} without that."""
    _, document = _ask(f"{url}/openapi.json")
    try:
        content = document["paths"][f"/v1/models/{model}:predict"]["post"]["requestBody"]["content"]
        (example,) = content["application/json"]["example"]["instances"]
        ordered = document["components"]["schemas"]["Row"]["anyOf"][0]["prefixItems"]
        return {
            schema["title"]: (_text(value), "null" in schema["type"])
            for schema, value in zip(ordered, example, strict=True)
        }
    except (KeyError, IndexError, TypeError, ValueError):
        return {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(field: Field, text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    try:
        if field.datatype in _WHOLE:
            return int(text)
        if field.datatype in _REAL:
            return float(text)
        return _FLAGS[text.lower()] if field.datatype == "BOOL" else text
    except (ValueError, KeyError) as error:
        expected = "true or false" if field.datatype == "BOOL" else "a number"
        raise UsageError(f"{field.name}: {text[:80]!r} is not {expected}") from error


def _ask(url: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - http of the caller
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        try:
            return error.code, json.loads(error.read())
        except ValueError:
            raise StorageError(f"{url} answers {error.code} without JSON: give the URL of a predictor") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{url} does not answer ({error}): start the predictor, or give its URL") from error
