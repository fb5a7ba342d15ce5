"""Labels that come back, joined to the log by request id: coverage, delay, losses, and the alarm that they raise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError, UsageError
from monitoring import labels
from monitoring.labels import Promise, join

DAY = pd.Timestamp("2026-11-01T00:00:00Z")


def write_tables(folder: Path, wrong: float, rows: int = 2000) -> list[str]:
    """A log of two digests, partitioned, and labels of four in five rows, an hour late; `wrong`: how many differ."""
    random = np.random.default_rng(6)
    times = DAY + pd.to_timedelta(np.arange(rows), unit="min")
    log = pd.DataFrame({"request_id": [f"r{number}" for number in range(rows)], "prediction": "setosa", "time": times})
    for digest, part in (("sha256-a", log[: rows // 4]), ("sha256-b", log[rows // 4 :])):
        there = folder / f"log/digest={digest}/day=2026-11-01"
        there.mkdir(parents=True)
        part.to_parquet(there / "part.parquet", index=False)
    reference = log[random.random(rows) < 0.8].drop(columns="prediction")
    reference["label"] = np.where(random.random(len(reference)) < wrong, "virginica", "setosa")
    reference["time"] += pd.Timedelta("1h")
    reference.to_csv(folder / "labels.csv", index=False)
    return ["--in", str(folder / "labels.csv"), "--log", str(folder / "log")]


def test_losses_by_digest_with_coverage_and_delay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each digest has its own losses; as many as were promised raise nothing."""
    common = write_tables(tmp_path, wrong=0.05)
    labels.main([*common, "--loss", "0.05", "--rows", "500", "--json"])
    first, second = json.loads(capsys.readouterr().out)
    assert (first["digest"], second["digest"]) == ("sha256-a", "sha256-b")
    assert first["labels"] + second["labels"] == len(pd.read_csv(tmp_path / "labels.csv"))
    assert second["coverage"] == pytest.approx(0.8, abs=0.05)
    assert second["delay_seconds"] == [3600, 3600]
    assert second["loss"] == pytest.approx(0.05, abs=0.02)
    assert not first["alarm"]
    assert not second["alarm"]


def test_a_model_that_became_wrong_alarms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three times the promised loss: an alarm, in the form that `release retrain` takes."""
    common = write_tables(tmp_path, wrong=0.25)
    labels.main([*common, "--loss", "0.05", "--rows", "500", "--digest", "sha256-b", "--json"])
    alarm = json.loads(capsys.readouterr().out)
    assert (alarm["kind"], alarm["alarm"], alarm["digest"]) == ("performance", True, "sha256-b")
    labels.main([*common, "--loss", "0.05", "--rows", "500"])
    assert "worse" in capsys.readouterr().out


def test_the_last_label_of_a_row_counts_and_strangers_are_counted() -> None:
    """A corrected label replaces the first; one of an unknown request, or of another row of it, is unmatched."""
    log = pd.DataFrame(
        {"request_id": ["a", "a"], "row": [0, 1], "prediction": [1.0, 2.0], "time": [DAY, DAY], "digest": "d"}
    )
    came = [DAY + pd.Timedelta(hours=hour) for hour in (1, 2, 3, 4)]
    reference = pd.DataFrame(
        {"request_id": ["a", "a", "b", "a"], "row": [0, 0, 0, 2], "label": [9.0, 1.5, 1, 1], "time": came}
    )
    (result,) = join(reference, log, scale=2.0)
    assert result.losses.tolist() == [0.25]
    assert (result.unmatched, result.logged, result.delays.tolist()) == (2, 2, [7200.0])


def test_a_promise_of_few_rows_is_a_weak_one() -> None:
    """The bound is the upper end of the held-out loss, and the gate's margin."""
    assert Promise(0.05, 30).bound > Promise(0.05, 3000).bound > 0.05
    assert Promise(0.05, 3000, 0.02).bound == pytest.approx(Promise(0.05, 3000).bound + 0.02)


def test_what_cannot_be_joined_is_said(tmp_path: Path) -> None:
    """Missing columns, empty ids, times that are none: 40, with the column; options that contradict: 2."""
    log = pd.DataFrame({"request_id": ["a"], "prediction": ["x"], "time": [DAY], "digest": ["d"]})
    reference = pd.DataFrame({"request_id": ["a"], "label": ["x"], "time": ["2026-11-01"]})
    with pytest.raises(DataContractError, match="need the columns label too"):
        join(reference.drop(columns="label"), log, None)
    with pytest.raises(DataContractError, match="without a request_id"):
        join(reference.assign(request_id=None), log, None)
    with pytest.raises(DataContractError, match="that is none"):
        join(reference.assign(time="yesterday"), log, None)
    with pytest.raises(DataContractError, match="for numbers"):
        join(reference, log, 1.0)
    common = write_tables(tmp_path, wrong=0.0, rows=40)
    (tmp_path / "empty").mkdir()
    for wrong, output in (
        (["--loss", "0.1"], "once"),
        (["--digest", "sha256-c"], "no row of sha256-c"),
        (["--in", str(tmp_path / "absent.csv")], "cannot be read"),
        (["--log", str(tmp_path / "empty")], "no Parquet file in it"),
        (["--artifact", str(tmp_path / "empty")], "no artifact"),
    ):
        with pytest.raises(UsageError, match=output):
            labels.main([*common, *wrong])
