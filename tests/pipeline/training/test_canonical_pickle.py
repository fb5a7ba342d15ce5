"""Equal models are equal bytes, whichever of their equal constants are one object."""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from pipeline.training.canonical_pickle import dumps

FLOAT = np.dtype("float64")
# Pairs of equal constants: one object twice, and two objects, as another interpreter or a loaded model may have them.
CONSTANTS: dict[str, tuple[Any, Any]] = {
    "text": ("größe (cm)", "größe {}".format("(cm)")),
    "bytes": (b"size", bytes(bytearray(b"size"))),
    "tuple": (("month", "hour"), tuple(["month", "hour"])),  # noqa: C409 - a constant would be the same object
    "nested tuple": ((1, ("a", None)), tuple([1, tuple(["a", None])])),  # noqa: C409
    "dtype": (FLOAT, pickle.loads(pickle.dumps(np.zeros(1))).dtype),
    "number of numpy": (np.float64(1.5), np.float64(1.5)),
    "time of numpy": (np.datetime64("2024-01-01"), np.datetime64("2024-01-01")),
}


def fitted() -> Pipeline:
    """A model with names of columns, texts as labels and parameters of several types."""
    data = load_iris(as_frame=True)
    labels = np.asarray(data.target_names, dtype=object)[data.target.to_numpy()]
    return make_pipeline(FunctionTransformer(kw_args={}), StandardScaler(), LogisticRegression()).fit(data.data, labels)


def plain(model: Pipeline) -> bytes:
    """What joblib makes of it."""
    stream = BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", CONSTANTS)
def test_whatever_is_shared(kind: str) -> None:
    """One constant in two places, and two equal ones, are the same bytes; to joblib they are not."""
    first, second = CONSTANTS[kind]
    assert first is not second
    shared, apart = fitted(), fitted()
    shared.set_params(functiontransformer__kw_args={"first": {"a": first}, "second": {"a": first}})
    apart.set_params(functiontransformer__kw_args={"first": {"a": first}, "second": {"a": second}})
    assert plain(shared) != plain(apart)
    assert dumps(shared) == dumps(apart)


def test_texts_of_an_array() -> None:
    """Texts in an array of objects are one object where they are equal, too."""
    first, other = CONSTANTS["text"]
    models = [fitted(), fitted()]
    for model, second in zip(models, (first, other), strict=True):
        model.set_params(functiontransformer__kw_args={"most frequent": np.array([first, second], dtype=object)})
    assert plain(models[0]) != plain(models[1])
    assert dumps(models[0]) == dumps(models[1])


def test_loaded_and_saved_again() -> None:
    """A model that another process loaded, whose texts and types are objects of its own, is the same bytes."""
    model = fitted()
    assert plain(pickle.loads(pickle.dumps(model))) != plain(model)
    assert dumps(pickle.loads(pickle.dumps(model))) == dumps(model)


def test_values_that_only_compare_equal() -> None:
    """1, True, 1.0 and -0.0 stay what they are."""
    values = [(1, "x"), (True, "x"), (1.0, "x"), (0.0,), (-0.0,), np.int64(1), np.float64(1), np.bool_(True)]
    model = fitted().set_params(functiontransformer__kw_args={"values": values})
    read = joblib.load(BytesIO(dumps(model))).steps[0][1].kw_args["values"]
    assert list(map(repr, read)) == list(map(repr, values))
    assert list(map(type, read)) == list(map(type, values))
