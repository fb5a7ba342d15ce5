"""The v1 protocol: `{"instances": [...]}` in, `{"predictions": [...]}` out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from artifact.errors import InvalidRequest
from artifact.prediction import PROBABILITIES, Columns, Prediction
from artifact.signature import Signature
from artifact.validation.validator import Validator
from predictor.errors import Unplain
from predictor.protocols import json_arrays, json_body, json_pieces
from predictor.protocols.explained import ExplainedPrediction
from predictor.protocols.request import Answer, Served

_KEYS = frozenset(("instances", "inputs", "probabilities"))


@dataclass(slots=True, eq=False)  # not frozen: a frozen one takes twice as long to make
class Request:
    """A validated v1 request: the rows as columns, and whether probabilities, or explanations, were asked for."""

    columns: Columns
    probabilities: bool
    explain: bool = field(default=False, kw_only=True)

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """The body in JSON."""
        return Answer(encode(self, prediction, served.signature))


@dataclass(slots=True, eq=False)
class Decoded:
    """The JSON of a v1 body, and whether its route explains. `body`: its bytes, where its long lists of numbers are
    arrays.
    """

    payload: Any
    body: bytes | None = field(default=None, kw_only=True)
    explain: bool = field(default=False, kw_only=True)

    @property
    def rows(self) -> int:
        """How many rows it says it has; 0 where it is no request, which `parse` says better."""
        if not isinstance(self.payload, dict):
            return 0
        rows = self.payload["instances"] if "instances" in self.payload else self.payload.get("inputs")
        return len(rows) if isinstance(rows, list | np.ndarray) else 0

    def validated(self, validator: Validator, closely: bool) -> Request:
        """As `parse`."""
        try:
            request = parse(validator, self.payload, closely=closely and self.body is None)
        except (Unplain, InvalidRequest):
            if self.body is None:
                raise
            if not closely:
                raise Unplain from None
            request = parse(validator, json_body.read(self.body))  # its lists say it better
        request.explain = self.explain
        return request

    def free(self) -> None:
        """Empty the rows."""
        json_pieces.free(self.payload)


def decode(body: bytes, *, closely: bool = True, explain: bool = False) -> Decoded:
    """Read a body; InvalidRequest, or Unplain where its JSON has to be read again and `closely` does not allow that."""
    payload = json_arrays.read(body) if len(body) > json_arrays.SHORT else None
    if payload is not None and any(isinstance(payload.get(key), np.ndarray) for key in ("instances", "inputs")):
        return Decoded(payload, body=body, explain=explain)
    return Decoded(json_body.read(body) if closely else json_body.read_plain(body), explain=explain)


def parse(validator: Validator, payload: Any, *, closely: bool = True) -> Request:
    """Read a decoded v1 body; InvalidRequest says what does not fit. Where values would have to be looked at one by one
    this raises Unplain unless `closely`, and where they are arrays in any case.

    `instances` (or `inputs`, as KServe's own servers take it) is a list of rows: each a list in the signature's order,
    or an object by feature name. `"probabilities": true` asks for the probabilities beside the labels.
    """
    if not isinstance(payload, dict):
        raise InvalidRequest('the body is not an object such as {"instances": [[…], …]}')
    if not payload.keys() <= _KEYS:
        unknown = next(key for key in payload if key not in _KEYS)
        raise InvalidRequest(f"unknown key {unknown[:80]!r}; a v1 request has 'instances' and may have 'probabilities'")
    if ("instances" in payload) == ("inputs" in payload):
        raise InvalidRequest("give the rows once, as 'instances'")
    rows = payload["instances"] if "instances" in payload else payload["inputs"]
    if not isinstance(rows, list | np.ndarray):
        raise InvalidRequest("'instances' is not a list of rows")
    probabilities = payload.get("probabilities", False)
    if not isinstance(probabilities, bool):
        raise InvalidRequest("'probabilities' is neither true nor false")
    if probabilities and not any(output.name == PROBABILITIES for output in validator.signature.outputs):
        raise InvalidRequest("this model has no probabilities")
    if isinstance(rows, np.ndarray):
        columns = validator.accept_table(rows) if rows.ndim == 2 else None
    else:
        columns = validator.columns_of_rows(rows) if closely else validator.accept_rows(rows)
    if columns is None:
        raise Unplain
    return Request(columns, probabilities)


def encode(request: Request, prediction: Prediction, signature: Signature) -> bytes:
    """The body of `reply`, without a list of Python's in between; with `explanations` where it has them."""
    answered: dict[str, Any] = {"predictions": json_body.array_json(prediction.values)}
    if request.probabilities and prediction.probabilities is not None:
        answered[PROBABILITIES] = json_body.array_json(prediction.probabilities)
    for name, array in prediction.more.items():
        answered[name] = json_body.array_json(array)
    if isinstance(prediction, ExplainedPrediction) and prediction.explained is not None:
        explanations = prediction.explained.to_dict(signature)
        answered["explanations"] = {
            name: json_body.array_json(value) if isinstance(value, np.ndarray) else value
            for name, value in explanations.items()
        }
    return orjson.dumps(answered, option=orjson.OPT_SERIALIZE_NUMPY)


def reply(request: Request, prediction: Prediction) -> dict[str, Any]:
    """The v1 body: `predictions` is the first output, [rows] or [rows][columns]; `probabilities` ([rows][classes], the
    signature's order) is there if asked for, and any other output by its name.
    """
    arrays = {"predictions": prediction.values}
    if request.probabilities and prediction.probabilities is not None:
        arrays[PROBABILITIES] = prediction.probabilities
    return {name: array.tolist() for name, array in (arrays | dict(prediction.more)).items()}
