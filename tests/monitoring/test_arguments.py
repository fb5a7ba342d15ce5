"""Arguments of `python -m monitoring`, `release analyse` and `release step` that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring import board, drift, labels, log_drift, shadow
from release.commands import analyse, step

WHOSE = ["--prometheus", "http://127.0.0.1:9", "--namespace", "iris-production"]
DRIFT = [*WHOSE, "--release", "iris-1", "--since", "2026-11-01"]
TABLES = ["--in", "labels.csv", "--log", "log"]
LOGGED = ["--log", "log", "--artifact", "artifact", "--reference", "train.parquet"]
PAIR = ["--log", "log", "--model", "iris", "--stable", "http://a", "--candidate", "http://b"]


@pytest.mark.parametrize(
    ("main", "words", "message"),
    [
        (drift.main, [*DRIFT, "--window", "0"], "--window: 0 is not above 0"),
        (drift.main, [*DRIFT, "--window", "nan"], "--window: nan is no number"),
        (drift.main, [*DRIFT, "--least", "0"], "--least: 0 is no whole number above 0"),
        (drift.main, [*DRIFT, "--page", "absent/page.html"], "there is no folder absent: name a file"),
        (log_drift.main, [*LOGGED, "--window=-7"], "--window: -7 is not above 0"),
        (board.main, [*WHOSE, "--page", "board.html", "--hours", "0"], "--hours: 0 is not above 0"),
        (board.main, [*WHOSE, "--page", "."], "it is a folder: name a file"),
        (labels.main, [*TABLES, "--loss", "2", "--rows", "9"], "--loss: 2 is not between 0 and 1"),
        (labels.main, [*TABLES, "--loss", "0.1", "--rows", "0"], "--rows: 0 is no whole number above 0"),
        (labels.main, [*TABLES, "--margin=-3"], "--margin: -3 is not between 0 and 1"),
        (labels.main, [*TABLES, "--scale", "0"], "--scale: 0 is not above 0"),
        (shadow.main, [*PAIR, "--rate", "inf"], "--rate: inf is no number"),
        (shadow.main, [*PAIR, "--most", "1.5"], "--most: 1.5 is no whole number above 0"),
        (analyse.main, ["--env", "production", "--page", "absent/page.html"], "there is no folder absent"),
        (step.main, ["--env", "production", "--page", "absent/page.html"], "there is no folder absent"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_is_done(
    main: Callable[[list[str]], object],
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, and the last line names the argument, its value and what it may be; no step is taken."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as failure:
        main(words)
    assert failure.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
