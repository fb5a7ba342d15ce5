"""A table for the model, written and read as a person would, and the command on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from artifact.command import run
from scoring.__main__ import main
from tests.predictor.models import Packaged

BAD = {  # row, from 1 → column, text of the cell, what the reason says
    2: ("rooms", "4.5", "'rooms': '4.5' does not fit dtype: int64"),
    3: ("rooms", "", "'rooms': missing, and the feature is not nullable"),
    5: ("rooms", "51", "'rooms': 51 is above 50"),
    6: ("smoker", "perhaps", "'smoker': 'perhaps' does not fit dtype: bool, written true, false, 1 or 0"),
    9: ("grade", "d", "'grade': 'd' is not one of the 3 declared categories"),
    10: ("größe (cm)", "1e40", "'größe (cm)': 1e+40 is more than float32 holds"),
}


def rows(people: Packaged, repeated: int = 1) -> pd.DataFrame:
    """The model's rows as a table, with a column that it does not take."""
    table = pd.DataFrame({name: pd.Series(values * repeated, dtype=object) for name, values in people.rows.items()})
    table.insert(0, "id", [f"r{number}" for number in range(len(table))])
    return table


def write(table: pd.DataFrame, path: Path) -> Path:
    """`table` as a person would save it."""
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.infer_objects().to_parquet(path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of an output."""
    table = pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
    return table.to_pylist()


def arguments(people: Packaged, source: Path | str, target: Path | str, *more: str) -> list[str]:
    named = ["--artifact", str(people.directory), "--digest", people.digest]
    return [*named, "--input", str(source), "--output", str(target), *more]


def scored(*words: str) -> int:
    """Run the command in this process; its exit code."""
    with pytest.raises(SystemExit) as ended:
        run(main, words)
    return int(ended.value.code or 0)
