"""Every family of regressors: served as packaged, asked over the wire, and equal to scikit-learn on every row."""

from __future__ import annotations

import pytest

from tests.zoo.configuration import Configuration
from tests.zoo.conftest import Ask
from tests.zoo.regressors import REGRESSORS


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param(regressor, id=regressor.name, marks=pytest.mark.zoo(sample=regressor.sample))
        for regressor in REGRESSORS
    ],
)
def test_answers_as_scikit_learn(ask: Ask, configuration: Configuration) -> None:
    """Labels are equal, numbers within the tolerance; a row without a finite answer is refused by its number."""
    ask(configuration)
