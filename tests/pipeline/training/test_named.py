"""What parameters may name besides classes: functions, and columns behind the preprocessing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR

from artifact.errors import ConfigurationError, ModelpinError, RetrainRefused
from features.texts import OneColumn
from pipeline.params.train import Block
from pipeline.training import canonical_pickle, components, seeds
from pipeline.training.train import _preprocessing, fit

RANDOM = np.random.default_rng(7)
TABLE = pd.DataFrame({"city": ["Bonn", "Ulm"] * 60, "area": RANDOM.uniform(0, 9, 120)})
PRICE = 3 * TABLE["area"].to_numpy() + RANDOM.normal(0, 4, 120)


def boosted(**parameters: object) -> Pipeline:
    steps = [{"sklearn.preprocessing.OneHotEncoder": {"sparse_output": False}}]
    blocks = {"texts": {"columns": ["city"], "steps": steps}, "rest": {"columns": ["area"], "steps": []}}
    before = _preprocessing({name: Block.model_validate(block) for name, block in blocks.items()})
    estimator = HistGradientBoostingRegressor(max_iter=5, random_state=1, **parameters)
    return Pipeline([("preprocessing", before), ("estimator", estimator)])


def test_constraints_by_name() -> None:
    """A monotonic constraint names the column as the preprocessing hands it on, and holds there."""
    fitted = fit(boosted(monotonic_cst={"area": -1}), TABLE, PRICE)
    assert fitted.steps[-1][1].monotonic_cst == [0, 0, -1]
    rising = pd.DataFrame({"city": ["Bonn"] * 50, "area": np.linspace(0, 9, 50)})
    assert (np.diff(fitted.predict(rising)) <= 0).all()
    assert fit(boosted(categorical_features=["city_Bonn"]), TABLE, PRICE).steps[-1][1].categorical_features == [0]


def test_a_column_that_is_not_there() -> None:
    """A name that the preprocessing does not hand on is refused, with the nearest that it does."""
    with pytest.raises(ConfigurationError, match=r"names 'city_Bon', which is no column .* did you mean 'city_Bonn'"):
        fit(boosted(monotonic_cst={"city_Bon": 1}), TABLE, PRICE)


@pytest.mark.parametrize("name", ["numpy.load", "os.system", "numpy.nope", "features.calendar.CalendarFeatures", "exp"])
def test_no_function(name: str) -> None:
    """A function is a ufunc of numpy, or one of features/ or of scikit-learn's selection; another name is refused."""
    with pytest.raises(ModelpinError, match=r"which is no function of|not on the list") as caught:
        canonical_pickle.refuse_unknown_types(
            components.build("sklearn.preprocessing.FunctionTransformer", {"func": name}, "train.steps")
        )
    assert caught.value.exit_code in (10, 21)


def test_a_seed_that_nothing_draws() -> None:
    """SVR takes a seed from the global generator and draws nothing from it: no chance is seen. SVC has a parameter."""
    with seeds.refuse_chance():
        SVR().fit(TABLE[["area"]], PRICE)
    with pytest.raises(RetrainRefused, match="random_state"):
        seeds.refuse_unseeded(SVC(), "train.parameters")


def test_one_column_of_text() -> None:
    """A column of text becomes documents, a missing one the empty document; two columns are refused."""
    texts = pd.DataFrame({"city": ["Bonn", None, np.nan]}, dtype=object)
    assert OneColumn().fit(texts).transform(texts).tolist() == ["Bonn", "", ""]
    with pytest.raises(ValueError, match="give each a block of its own"):
        OneColumn().fit(texts.assign(other="x"))
