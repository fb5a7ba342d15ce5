"""The zoo leaves no estimator of scikit-learn out without a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.base import OutlierMixin
from sklearn.utils import all_estimators

from tests.zoo.classifiers import CLASSIFIERS
from tests.zoo.regressors import REGRESSORS
from tests.zoo.several import SEVERAL

DEPRECATED = ["PassiveAggressiveClassifier", "PassiveAggressiveRegressor"]


def named(value: Any) -> Iterator[str]:
    """Every import name inside an entry."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from named(item)


@pytest.mark.parametrize("kind", ["classifier", "regressor", None])
def test_every_family_is_there(kind: str | None) -> None:
    """Each classifier, regressor and detector of outliers stands in the zoo, or in one of the lists of this file."""
    entries = [*CLASSIFIERS, *REGRESSORS, *SEVERAL]
    names = {entry.estimator for entry in entries} | {name for entry in entries for name in named(entry.parameters)}
    present = {name.rpartition(".")[2] for name in names}
    results = {
        name for name, estimator in all_estimators(kind) if kind is not None or issubclass(estimator, OutlierMixin)
    }
    assert results - present <= set(DEPRECATED)
    assert not set(DEPRECATED) & present


def test_no_two_have_one_name() -> None:
    """A failure names one configuration."""
    names = [entry.name for entry in (*CLASSIFIERS, *REGRESSORS, *SEVERAL)]
    assert len(set(names)) == len(names) >= 80
