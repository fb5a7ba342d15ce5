"""Makes equal models equal bytes, whether threads here or processes elsewhere fitted their parts.

A pickle tells shared objects from equal ones, and holds memory that nobody wrote: which texts, types and parameters the
parts of an ensemble share depends on where they were fitted, which equal constants are one object depends on the
interpreter and on what a process imported before, and the nodes of a tree have padding between their fields.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import joblib
import numpy as np
from joblib.numpy_pickle import NumpyPickler
from sklearn.base import BaseEstimator

from artifact.unpickling import unpickle


def dump(model: Any, path: Path) -> None:
    """Write `model`, fitted, so that `joblib.load` reads it; equal models are equal bytes."""
    with path.open("wb") as stream:
        _write(model, stream)


def dumps(model: Any) -> bytes:
    """The bytes that `dump` writes."""
    stream = BytesIO()
    _write(model, stream)
    return stream.getvalue()


def _write(model: Any, stream: IO[bytes]) -> None:
    _separate(model, {})
    _Pickler(stream, protocol=pickle.DEFAULT_PROTOCOL).dump(model)


def refuse_unknown_types(model: Any) -> None:
    """ForbiddenTypeError (21) where `model`, not yet fitted, holds a type that no predictor would load."""
    stream = BytesIO()
    joblib.dump(model, stream)
    unpickle.loads(stream.getvalue())


class _Pickler(NumpyPickler):
    """joblib's own, for which equal constants are one object, and padding is zero."""

    def __init__(self, stream: Any, protocol: int) -> None:
        super().__init__(stream, protocol=protocol)
        self._ones: dict[Any, Any] = {}

    def save(self, obj: Any, *arguments: Any) -> Any:
        if type(obj) is str:
            obj = self._ones.setdefault(obj, obj)
        elif isinstance(obj, np.dtype) and obj.metadata is None:
            obj = self._ones.setdefault((np.dtype, repr(obj)), obj)
        elif isinstance(obj, np.generic) and not obj.dtype.hasobject:
            obj = self._ones.setdefault((type(obj), repr(obj.dtype), obj.tobytes()), obj)
        elif _is_constant(obj):
            # By its text, which tells 1 from True and 1.0, as == does not.
            obj = self._ones.setdefault((type(obj), repr(obj)), obj)
        elif type(obj) is np.ndarray and (obj.dtype.names or obj.dtype == object):
            # With the array itself, that no other takes its id.
            clean = self._with_equal_texts if obj.dtype == object else _without_padding
            _, obj = self._ones.setdefault((np.ndarray, id(obj)), (obj, clean(obj)))
        return super().save(obj, *arguments)

    def _with_equal_texts(self, array: np.ndarray) -> np.ndarray:
        # joblib writes an array of objects by a pickler of its own, which sees none of the above.
        same = array.copy()
        for place, item in enumerate(array.flat):
            if type(item) is str:
                same.flat[place] = self._ones.setdefault(item, item)
        return same


def _is_constant(value: Any) -> bool:
    """Whether `value` is bytes, or a tuple of plain values, of which Python may keep one or several equal objects."""
    if type(value) is tuple:
        return all(type(item) in (str, int, float, bool, type(None)) or _is_constant(item) for item in value)
    return type(value) is bytes


def _without_padding(array: np.ndarray) -> np.ndarray:
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names or ():
        clean[name] = array[name]
    return clean


def _separate(model: Any, copies: dict[int, Any]) -> None:
    """Make each fitted part of `model` an object that shares nothing with the others."""
    for name, value in sorted(vars(model).items()) if isinstance(model, BaseEstimator) else ():
        # Of a Pipeline, the steps themselves are fitted, one after the other: only their parts are looked at.
        if name == "steps":
            for _, step in value:
                _separate(step, copies)
        elif name.endswith("_") and isinstance(value, BaseEstimator):
            _separate(value, copies)
        elif name.endswith("_") and isinstance(value, list | dict):
            setattr(model, name, _alone(value, copies))


def _alone(value: Any, copies: dict[int, Any]) -> Any:
    if isinstance(value, list | tuple):
        items = [_alone(item, copies) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)  # a named tuple takes each
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _alone(item, copies)
        return value
    if not isinstance(value, BaseEstimator):
        return value
    if id(value) not in copies:
        _separate(value, copies)
        alone = pickle.loads(pickle.dumps(value))  # noqa: S301 - what was dumped on this line
        # A list and a mapping of the same parts stay so; the old part is kept, that no other takes its id.
        copies[id(value)] = copies[id(alone)] = alone
        copies[-id(value)] = value
    return copies[id(value)]
