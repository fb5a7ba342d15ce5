"""The labels in an answer, whatever the protocol and whatever the server calls its output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.requests import HEAD_LENGTH, protobuf

NAMES = ("label", "output-0", "predict")  # ours, KServe's, MLServer's
_TYPES = {"INT64": "<i8", "INT32": "<i4", "FP64": "<f8"}


def labels(protocol: str, headers: Mapping[str, str], body: bytes) -> list[int]:
    """The predicted labels; ValueError for a body that is no answer. `headers` have names in lower case."""
    try:
        if protocol == "v1":
            return _whole(json.loads(body)["predictions"])
        if protocol == "grpc":
            return _grpc(body)
        head = int(headers.get(HEAD_LENGTH, len(body)))
        return _v2(json.loads(body[:head]), body[head:])
    except (KeyError, TypeError, StopIteration) as error:
        raise ValueError(f"not an answer: {body[:200]!r}") from error


def _v2(answer: Any, tail: bytes) -> list[int]:
    at = 0
    for output in answer["outputs"]:
        size = (output.get("parameters") or {}).get("binary_data_size")
        if output["name"] in NAMES:
            if size is None:
                return _whole(output["data"])
            return _whole(np.frombuffer(tail[at : at + size], _TYPES[output["datatype"]]))
        at += size or 0
    raise KeyError("no output with the labels")


def _grpc(body: bytes) -> list[int]:
    answer = protobuf().ModelInferResponse.FromString(body)
    position, output = next((at, candidate) for at, candidate in enumerate(answer.outputs) if candidate.name in NAMES)
    if answer.raw_output_contents:
        return _whole(np.frombuffer(answer.raw_output_contents[position], _TYPES[output.datatype]))
    return _whole(list(output.contents.int64_contents))


def _whole(values: Any) -> list[int]:
    return [int(value) for value in np.asarray(values).ravel()]
