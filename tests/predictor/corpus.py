"""Requests that a predictor meets in the wild, each with the answer that is right, whatever the code does today.

The tables are corpus_v1.py, corpus_v2.py, corpus_binary.py, corpus_http.py, corpus_raw.py and corpus_grpc.py; this
module is what a line of them is made of. Models: `iris` (four float64 columns in [0, 100]) unless the line names
another of models.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

JSON = {"content-type": "application/json"}
ROW = [5.1, 3.5, 1.4, 0.2]
NAMES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
SETOSA = '"predictions":["setosa"]'
PERSON: dict[str, Any] = {"größe (cm)": 170.5, "rooms": 3, "smoker": True, "city": "Bonn", "grade": "a"}
V1 = "/v1/models/{model}:predict"
V2 = "/v2/models/{model}/infer"


@dataclass(frozen=True)
class Case:
    """One HTTP request: the status that is right, and a fragment of the body that must come with it."""

    name: str
    status: int
    says: str
    body: bytes | list[bytes] = b""  # a list is sent as chunks
    model: str = "iris"
    path: str = V1
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: JSON)

    def chunks(self) -> bytes | Iterator[bytes]:
        """The body as http.client takes it."""
        return self.body if isinstance(self.body, bytes) else iter(self.body)


@dataclass(frozen=True)
class Raw:
    """One HTTP request that no client library would write, as its bytes."""

    name: str
    status: int
    says: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """One gRPC request: `code` is the name of the status that is right."""

    name: str
    code: str
    says: str
    request: Any
    method: str = "ModelInfer"
    model: str = "iris"


def dumps(value: Any) -> bytes:
    """`value` as JSON, in UTF-8; NaN is written as Python writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def person(**changes: str) -> bytes:
    """A v1 body with one row of the model `people`; `changes` are JSON texts, put in place of a value."""
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in PERSON.items()}
    texts |= {"größe (cm)" if name == "size" else name: text for name, text in changes.items()}
    return ('{"instances":[{' + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}]}").encode()


def wide(data: str = "[5.1,3.5,1.4,0.2]", shape: str = "[1,4]", datatype: str = '"FP64"', more: str = "") -> bytes:
    """A v2 body with the one tensor input-0, from JSON texts; `more` are further members of the request."""
    tensor = f'{{"name":"input-0","shape":{shape},"datatype":{datatype},"data":{data}}}'
    return f'{{"inputs":[{tensor}]{more}}}'.encode()


def inputs(*tensors: Any, **more: Any) -> bytes:
    """A v2 body with these tensors."""
    return dumps({"inputs": list(tensors), **more})


def tensor(name: str, data: list[Any], datatype: str = "FP64", shape: Any = None, **more: Any) -> dict[str, Any]:
    """A v2 tensor, of shape [rows] if none is given."""
    return {
        "name": name,
        "shape": [len(data)] if shape is None else shape,
        "datatype": datatype,
        "data": data,
        **more,
    }


def by_feature(names: list[str] = NAMES, **changes: Any) -> list[dict[str, Any]]:
    """One row of iris as a tensor a feature; `changes` replace members of the last one."""
    tensors = [tensor(name, [ROW[NAMES.index(name)]]) for name in names]
    tensors[-1] |= changes
    return tensors


def person_tensors(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """One row of people as a tensor a feature; `changes` replace members of one tensor, by feature."""
    datatypes = dict(zip(PERSON, ("FP64", "INT64", "BOOL", "BYTES", "BYTES"), strict=True))
    tensors = {name: tensor(name, [value], datatypes[name]) for name, value in PERSON.items()}
    for name, change in changes.items():
        tensors["größe (cm)" if name == "size" else name] |= change
    return list(tensors.values())
