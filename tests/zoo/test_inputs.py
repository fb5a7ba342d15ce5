"""Models on texts and moments: served as packaged, asked over the wire, equal to scikit-learn."""

from __future__ import annotations

import pytest

from tests.zoo.configuration import Configuration
from tests.zoo.conftest import Ask
from tests.zoo.inputs import INPUTS


@pytest.mark.parametrize(
    "configuration",
    [pytest.param(feature, id=feature.name, marks=pytest.mark.zoo(sample=feature.sample)) for feature in INPUTS],
)
def test_answers_as_scikit_learn(ask: Ask, configuration: Configuration) -> None:
    """Labels are equal, numbers within the tolerance; a row without a finite answer is refused by its number."""
    ask(configuration)
