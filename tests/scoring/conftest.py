"""The model that the tables of these tests are for, and a table with rows that do not fit it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.predictor import models
from tests.predictor.models import Packaged
from tests.scoring.table import BAD, rows, write


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """A model with a column of every dtype."""
    return models.people(tmp_path_factory.mktemp("people") / "artifact")


@pytest.fixture
def bad(people: Packaged, tmp_path: Path) -> Path:
    """A CSV with the rows of BAD."""
    table = rows(people).astype(object)
    for row, (column, cell, _) in BAD.items():
        table.loc[row - 1, column] = cell
    return write(table, tmp_path / "bad.csv")
