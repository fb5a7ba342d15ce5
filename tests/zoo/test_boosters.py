"""LightGBM and XGBoost, as extras: served as packaged, asked over the wire, equal to what was trained."""

from __future__ import annotations

import pytest

from tests.zoo.boosters import BOOSTERS
from tests.zoo.configuration import Configuration
from tests.zoo.conftest import Ask


@pytest.mark.parametrize(
    "configuration",
    [pytest.param(booster, id=booster.name, marks=pytest.mark.zoo(sample=booster.sample)) for booster in BOOSTERS],
)
def test_answers_as_it_was_trained(ask: Ask, configuration: Configuration) -> None:
    """Labels are equal, numbers within the tolerance; a row without a finite answer is refused by its number."""
    ask(configuration)
