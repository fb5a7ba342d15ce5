"""Requests for one row in their plain forms, read in a few steps, to the same columns as `predictor.v1` and `v2` do.

None means: not one row, not plain, or not right. Those two read it then, and say what is wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.row import Row
from artifact.signature import Signature
from predictor import v1, v2
from predictor.tensors import WIDE

_PLAIN = ("id", "model_name", "inputs", "parameters")
# Of a tensor's parameters, those that say how it is read.
_READING = ("missing", "binary_data_size")


class Single:
    """Reads bodies of one row for one signature."""

    def __init__(self, signature: Signature) -> None:
        self._row = Row(signature)
        self._names = signature.names
        self._width = len(signature.names)
        self._datatypes = {feature.name: v2.DATATYPES[feature.dtype] for feature in signature.inputs}
        common = signature.common_dtype
        self._wide = None if common is None or WIDE in signature.names else v2.DATATYPES[common]
        self._outputs = dict.fromkeys((output.name for output in signature.outputs), False)

    def v1(self, payload: Any) -> v1.Request | None:
        """A decoded v1 body: `instances` with one row, as a list or by feature name."""
        if type(payload) is not dict or len(payload) != 1:
            return None
        rows = payload.get("instances")
        if type(rows) is not list or len(rows) != 1:
            return None
        row = rows[0]
        if type(row) is dict and len(row) == self._width:
            try:
                row = [row[name] for name in self._names]
            except KeyError:
                return None
        elif type(row) is not list or len(row) != self._width:
            return None
        columns = self._row.columns(row)
        return None if columns is None else v1.Request(columns, probabilities=False)

    def v2(self, payload: Any) -> v2.Request | None:
        """A decoded v2 body of JSON tensors for one row, that asks for every output as JSON."""
        if type(payload) is not dict or not all(key in _PLAIN for key in payload):
            return None
        parameters, request_id = payload.get("parameters"), payload.get("id")
        if parameters is not None and (type(parameters) is not dict or "binary_data_output" in parameters):
            return None
        if request_id is not None and (type(request_id) is not str or not request_id.isascii()):
            return None
        inputs = payload.get("inputs")
        if type(inputs) is not list or not inputs:
            return None
        columns = self._of_wide(inputs[0]) if len(inputs) == 1 and self._wide else None
        if columns is None:
            columns = self._of_tensors(inputs)
        return None if columns is None else v2.Request(request_id, columns, self._outputs)

    def _of_wide(self, tensor: Any) -> dict[str, np.ndarray] | None:
        if type(tensor) is not dict or len(tensor) != 4 or tensor.get("name") != WIDE:
            return None
        shape, data = tensor.get("shape"), tensor.get("data")
        if not _has_shape(shape, (1, self._width)) or tensor.get("datatype") != self._wide:
            return None
        return self._row.columns(data) if type(data) is list and len(data) == self._width else None

    def _of_tensors(self, inputs: list[Any]) -> dict[str, np.ndarray] | None:
        if len(inputs) != self._width:
            return None
        found = {}
        for tensor in inputs:
            if type(tensor) is not dict:
                return None
            if len(tensor) != 4:
                parameters = tensor.get("parameters")
                if len(tensor) != 5 or type(parameters) is not dict or any(name in parameters for name in _READING):
                    return None
            name, data, shape = tensor.get("name"), tensor.get("data"), tensor.get("shape")
            if type(name) is not str or type(data) is not list or len(data) != 1:
                return None
            if not (_has_shape(shape, (1,)) or _has_shape(shape, (1, 1))):
                return None
            datatype = self._datatypes.get(name)
            if datatype is None or tensor.get("datatype") != datatype:
                return None
            found[name] = data[0]
        if len(found) != self._width:
            return None
        return self._row.columns([found[name] for name in self._names])


def _has_shape(given: Any, wanted: tuple[int, ...]) -> bool:
    """Whether `given` is this list of whole numbers; Python takes true and 1.0 for 1."""
    return type(given) is list and tuple(given) == wanted and all(type(size) is int for size in given)
