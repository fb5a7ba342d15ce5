"""A pandas frame in a notebook gets the answers that the same rows get from serving."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from artifact.errors import InvalidRequest
from artifact.load import load
from artifact.validation.validator import validated_columns
from tests.predictor.models import Packaged


def test_missing_values_are_one(packaged: dict[str, Packaged]) -> None:
    """None, NaN and pandas.NA, in objects, nullable types and categories, are answered as serving answers null."""
    model = packaged["people"]
    loaded = load(model.directory, expected_digest=model.digest)
    exact = loaded.runner.predict(validated_columns(loaded.signature, model.rows))
    plain = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in model.rows.items()})
    forms = {
        "objects with None": plain,
        "NaN": plain.where(plain.notna(), np.nan),
        "nullable": plain.convert_dtypes(),
        "categories": plain.assign(city=plain["city"].astype("category")),
    }
    for name, frame in forms.items():
        answers = loaded.predict(frame.assign(more=1).set_index(frame.index + 7))
        assert answers.index[0] == 7, name
        assert np.array_equal(answers["label"], exact.values), name
        assert np.array_equal(answers.filter(like="probability_"), exact.probabilities), name


def test_what_serving_refuses_is_refused(packaged: dict[str, Packaged]) -> None:
    """A value that serving would refuse is refused with its column and row, and so is a column that is not there."""
    model = packaged["people"]
    loaded = load(model.directory, expected_digest=model.digest)
    frame = pd.DataFrame(model.rows)
    with pytest.raises(InvalidRequest, match="feature 'rooms', row 1: 99"):
        loaded.predict(frame.assign(rooms=[3, 99, *[3] * (len(frame) - 2)]))
    with pytest.raises(InvalidRequest, match="no column 'rooms'"):
        loaded.predict(frame.drop(columns="rooms"))
