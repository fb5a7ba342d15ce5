"""Every family of classifiers: served as packaged, asked over the wire, and equal to scikit-learn on every row."""

from __future__ import annotations

import pytest

from tests.zoo.classifiers import CLASSIFIERS
from tests.zoo.configuration import Configuration
from tests.zoo.conftest import Ask


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param(classifier, id=classifier.name, marks=pytest.mark.zoo(sample=classifier.sample))
        for classifier in CLASSIFIERS
    ],
)
def test_answers_as_scikit_learn(ask: Ask, configuration: Configuration) -> None:
    """Labels are equal, numbers within the tolerance; a row without a finite answer is refused by its number."""
    ask(configuration)
