"""CSV and Parquet as pyarrow opens them here: no cell is guessed at, and memory stays that of a batch of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pipeline.data import faults

_BUFFER = 1 << 20  # bytes read at a time from one column of Parquet


def csv(source: Any, names: Sequence[str], columns: Sequence[str] | None = None, *, threads: bool = True) -> Any:
    """An iterator of RecordBatches of the CSV `source` (a path or an Arrow file), whose header is `names`.

    Every cell is text and an empty one without quotes is null. `columns`: only these. Raises what pyarrow raises.
    """
    return pyarrow.csv.open_csv(
        source,
        pyarrow.csv.ReadOptions(use_threads=threads, block_size=faults.BLOCK),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=None if columns is None else list(columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def parquet(source: Any) -> Any:
    """The ParquetFile `source`, without read-ahead, however large a row group is. Raises what pyarrow raises."""
    return pyarrow.parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
