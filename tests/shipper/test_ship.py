"""What becomes of lines of the inference log: types, lists, nulls, folders; and where they may go."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow.parquet as pq
import pytest

from artifact.errors import StorageError, UsageError
from shipper.destination import Destination
from shipper.ship import ship

TIME = 1_790_000_000.25


def row(**changes: Any) -> dict[str, Any]:
    return {
        "request_id": "a",
        "row": 0,
        "time": TIME,
        "release": "iris-1",
        "digest": "sha256-1",
        "inputs": {"whole": 1, "number": 1, "text": "é", "truth": True, "gone": None},
        "prediction": "setosa",
        "probabilities": {"setosa": 0.75, "virginica": 0.25},
        **changes,
    }


def shipped(folder: Path, *rows: dict[str, Any]) -> pd.DataFrame:
    """What is read back of `rows`, as one file in the folder of a namespace."""
    (folder / "log/iris-production").mkdir(parents=True)
    (folder / "log/iris-production/1-1.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    assert ship(folder / "log", Destination(str(folder / "to"))) == (len(rows), 0)
    (file,) = (folder / "to").rglob("*.parquet")
    day = datetime.fromtimestamp(TIME, UTC).strftime("%Y-%m-%d")
    assert file.relative_to(folder / "to").as_posix() == f"iris-production/digest=sha256-1/day={day}/1-1.parquet"
    frame: pd.DataFrame = pq.ParquetFile(file).read().to_pandas()
    return frame


def test_a_column_has_the_type_of_its_values(tmp_path: Path) -> None:
    """Whole numbers, numbers of both kinds, texts, truth, nothing at all; an input that a row lacks is null."""
    frame = shipped(tmp_path, row(), row(request_id="b", row=1, inputs={"whole": 2, "number": 1.5}))
    assert frame["in:whole"].tolist() == [1, 2]
    assert frame["in:number"].tolist() == [1.0, 1.5]
    assert frame["in:text"].tolist() == ["é", None]
    assert frame["in:truth"].tolist() == [True, None]
    assert frame["in:gone"].isna().all()
    assert frame["p:setosa"].tolist() == [0.75, 0.75]
    assert frame["time"].tolist() == [pd.Timestamp(TIME, unit="s", tz="UTC")] * 2
    assert frame["request_id"].tolist() == ["a", "b"]


def test_outputs_that_are_lists_stay_lists(tmp_path: Path) -> None:
    """Numbers of several targets, or an interval; none where a row has none."""
    frame = shipped(tmp_path, row(prediction=1.5, probabilities=None, more={"interval": [1, 2.5]}), row(prediction=2))
    assert [list(ends) for ends in frame["out:interval"]] == [[1.0, 2.5], []]
    assert frame["prediction"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize("uri", ["gs://bucket/x", "s3:///x", "s3://", "http://bucket"])
def test_another_kind_of_place_is_refused(uri: str) -> None:
    """Neither a folder nor S3."""
    with pytest.raises(UsageError, match="neither a folder nor s3://bucket/prefix"):
        Destination(uri)


def test_what_cannot_be_stored_stays(tmp_path: Path) -> None:
    """The file waits for the next time, and the error says which key."""
    (tmp_path / "1.jsonl").write_bytes(orjson.dumps(row()))
    (tmp_path / "to").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"digest=sha256-1/day=.*/1\.parquet could not be written"):
        ship(tmp_path, Destination(str(tmp_path / "to")))
    assert (tmp_path / "1.jsonl").exists()
