"""Rows and columns against the signature: one set of rules for training, batch and every protocol of serving."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from artifact.column import convert
from artifact.errors import InvalidRequest
from artifact.signature import Signature


def frame(signature: Signature, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> pd.DataFrame:
    """The frame the model predicts on: one column a feature, in the signature's order whatever the order given.

    `columns` maps each feature to its values, all of one length. Raises InvalidRequest naming the feature and the row
    (counted from 0) of the first value that does not fit.
    """
    _check_names(signature, columns)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        counted = ", ".join(f"{name!r} {len(values)}" for name, values in list(columns.items())[:5])
        raise InvalidRequest(f"the features have different numbers of rows: {counted}")
    if lengths == {0}:
        raise InvalidRequest("no rows; at least one is needed")
    arrays = {feature.name: convert(feature, columns[feature.name]) for feature in signature.inputs}
    return pd.DataFrame(arrays, columns=list(signature.names), copy=False)


def frame_from_rows(signature: Signature, rows: Sequence[Any]) -> pd.DataFrame:
    """As `frame`, from rows: each a list of values in the signature's order, or an object by feature name."""
    if not rows:
        raise InvalidRequest("no rows; at least one is needed")
    if isinstance(rows[0], Mapping):
        return frame(signature, _columns_of_objects(signature, rows))
    width = len(signature.names)
    for row, values in enumerate(rows):
        if type(values) is not list:
            raise InvalidRequest(
                f"row {row} is not a list of {width} values, as row 0 is" if row else _not_a_row(width)
            )
        if len(values) != width:
            raise InvalidRequest(f"row {row} has {len(values)} values, expected {width}: {_listed(signature.names)}")
    return frame(signature, dict(zip(signature.names, map(list, zip(*rows, strict=True)), strict=True)))


def _columns_of_objects(signature: Signature, rows: Sequence[Any]) -> dict[str, list[Any]]:
    expected = set(signature.names)
    for row, values in enumerate(rows):
        if not isinstance(values, Mapping):
            raise InvalidRequest(f"row {row} is not an object by feature name, as row 0 is")
        if values.keys() != expected:
            try:
                _check_names(signature, values)
            except InvalidRequest as error:
                raise InvalidRequest(f"row {row}: {error}") from None
    return {name: [values[name] for values in rows] for name in signature.names}


def _check_names(signature: Signature, given: Mapping[str, Any]) -> None:
    expected = signature.names
    unknown = [name for name in given if name not in set(expected)]
    if unknown:
        near = difflib.get_close_matches(unknown[0], expected, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected {_listed(expected)}"
        raise InvalidRequest(f"unknown feature {unknown[0][:80]!r}; {hint}")
    missing = [name for name in expected if name not in given]
    if missing:
        raise InvalidRequest(f"missing {_listed(missing)}; a missing value of a nullable feature is sent as null")


def _not_a_row(width: int) -> str:
    return f"row 0 is neither a list of {width} values nor an object by feature name"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
