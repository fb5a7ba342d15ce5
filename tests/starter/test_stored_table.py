"""The table that init looks at is never whole in memory, and what init sees is what reading it at once gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from artifact.errors import DataContractError
from pipeline.data import reader
from starter import stored_table
from starter.source import Source
from starter.stored_table import StoredTable

FRAME = pd.DataFrame(
    {"x": np.arange(50) / 4, "city": [["Bonn", "Łódź", None][row % 3] for row in range(50)], "n": np.arange(50)}
)


def write_table(folder: Path, ending: str) -> Path:
    """The table as a file of that kind; as a folder of two without an ending."""
    path = folder / f"table{ending}"
    match ending:
        case ".csv" | ".csv.gz":
            FRAME.to_csv(path, index=False)
        case ".jsonl":
            FRAME.to_json(path, orient="records", lines=True)
        case ".feather":
            pyarrow.feather.write_feather(pa.Table.from_pandas(FRAME, preserve_index=False), path, chunksize=20)
        case ".parquet":
            pyarrow.parquet.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), path, row_group_size=20)
        case _:
            path.mkdir()
            for name, part in (("1", FRAME[:30]), ("2", FRAME[30:].astype({"n": float}))):  # another type in the second
                part.to_json(path / f"{name}.jsonl", orient="records", lines=True)
    return path


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".jsonl", ".feather", ".parquet", ""])
def test_columns_and_lots_are_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Each column, and all lots together, of any kind of file are what reading it at once gives."""
    monkeypatch.setattr(stored_table, "_MOST_CELLS", 1)
    monkeypatch.setattr(stored_table, "_LOT", 3 * 7)
    path = write_table(tmp_path, ending)
    whole = reader.read(path).columns
    (scratch := tmp_path / "scratch").mkdir()
    table = StoredTable(path, scratch)
    assert (table.names, table.rows, table.text) == (whole.column_names, 50, ".csv" in ending)
    assert bool(list(scratch.iterdir())) == (ending not in (".feather", ".parquet"))
    for name in table.names:
        assert table.column(name).type == whole.column(name).type
        assert table.column(name).to_pylist() == whole.column(name).to_pylist()
    lots = list(table.lots())
    assert max(lot.num_rows for lot in lots) <= 7
    assert pa.concat_tables(lots, promote_options="permissive").to_pylist() == whole.to_pylist()


def test_rows_that_do_not_count_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns, lots and picked rows are without the rows of rare classes, and a lot knows its rows' numbers."""
    monkeypatch.setattr(stored_table, "_LOT", 3 * 20)
    path = write_table(tmp_path, ".parquet")
    source = Source.read(path, None, "toy", tmp_path)
    answered, missing = source.with_target("city")
    common, rare = answered.without_classes("city", 17)
    assert (missing, rare) == (16, 0)
    left, dropped = answered.without_classes("city", 18)
    assert (left.column("n").length(), dropped) == (0, 34)
    expected = FRAME[FRAME["city"].notna()]
    assert common.column("n").to_pylist() == expected["n"].tolist()
    assert [lot.label(row) for lot in common.lots() for row in (0, 1, 2)] == [1, 2, 4, 22, 23, 25, 41, 43, 44]
    picked = common.rows(np.array([0, 2, 33]))
    assert picked.columns["x"].to_pylist() == expected["x"].iloc[[0, 2, 33]].tolist()


def test_a_broken_file_is_refused_when_it_is_read(tmp_path: Path) -> None:
    """Bytes that Parquet cannot decode are 40 with the file's name, whichever column they belong to."""
    path = write_table(tmp_path, ".parquet")
    data = bytearray(path.read_bytes())
    data[8:200] = bytes(192)
    path.write_bytes(data)
    table = StoredTable(path, tmp_path)
    with pytest.raises(DataContractError, match=r"table\.parquet"):
        list(map(table.column, table.names))
