"""A small table that trains, and the folder that a stage runs in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

RANDOM = np.random.default_rng(5)
ROWS = 60
GOOD = pd.DataFrame(
    {
        "a": RANDOM.normal(size=ROWS).round(3),
        "b": RANDOM.choice(["x", "y", "z"], ROWS),
        "y": RANDOM.choice(["no", "yes"], ROWS),
        "order": np.arange(ROWS) + 1000,
        "day": [f"2024-{index % 12 + 1:02d}-{index % 28 + 1:02d}" for index in range(ROWS)],
    }
)


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), file)
    return file.getvalue()


def at(frame: pd.DataFrame, column: str, values: dict[int, Any]) -> bytes:
    """The CSV with other values in the rows (counted from 1)."""
    changed = frame.astype({column: object})
    for row, value in values.items():
        changed.loc[row - 1, column] = value
    return csv(changed)
