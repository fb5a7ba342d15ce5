"""Data that must not train ends prepare with 40 and says what, where and what to do; harmless oddities train."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from artifact import command
from pipeline.data import faults, prepare
from pipeline.shared import paths
from tests.pipeline.data.bad_tables import BAD, Make
from tests.pipeline.params.test_params import read
from tests.pipeline.toy import GOOD, ROWS, csv


def ended(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code of the stage, and its last line on stderr."""
    with pytest.raises(SystemExit) as caught:
        command.run(prepare.main, [])
    lines = capsys.readouterr().err.splitlines()
    return int(str(caught.value.code)), lines[-1] if lines else ""


@pytest.mark.parametrize("name", BAD)
def test_bad_data_ends_with_40_and_trains_nothing(
    toy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The last line on stderr is this very one, the report says the same, and what stood in build/ stands there yet."""
    make, changes, message = BAD[name]
    params = read(toy, **changes)
    content = make(GOOD)
    Path("data/toy.csv").unlink()
    if content is not None:
        Path(params.data.path).write_bytes(content)
    paths.TRAIN.parent.mkdir(parents=True)
    paths.TRAIN.write_bytes(b"of the training before")
    monkeypatch.setattr(faults, "BLOCK", 2048)
    code, last = ended(capsys)
    assert (code, last) == (40, f"error: {message}")
    assert [path for path in Path("build").rglob("*") if path.is_file()] == [paths.TRAIN]
    assert paths.TRAIN.read_bytes() == b"of the training before"
    report = json.loads(paths.DATA.read_text(encoding="utf-8"))
    assert (report["passed"], report["problem"]) == (False, message)
    assert "**Refused:**" in paths.DATA_TEXT.read_text(encoding="utf-8")


HARMLESS: dict[str, Make] = {
    "BOM": lambda f: b"\xef\xbb\xbf" + csv(f),
    "CRLF": lambda f: csv(f).replace(b"\n", b"\r\n"),
    "no line break at the end": lambda f: csv(f).rstrip(),
    "every cell in quotes": lambda f: f.to_csv(index=False, quoting=1).encode(),
    "columns in another order": lambda f: csv(f[f.columns[::-1]]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_prepares_the_same(toy: Path, name: str) -> None:
    """A byte order mark, line ends of Windows, quotes, the order of the columns: the same rows, to the byte."""
    read(toy)
    prepared = []
    for content in (csv(GOOD), HARMLESS[name](GOOD)):
        Path("data/toy.csv").write_bytes(content)
        prepare.main([])
        prepared.append((paths.TRAIN.read_bytes(), paths.TEST.read_bytes()))
    assert prepared[0] == prepared[1]


def test_duplicate_rows_never_straddle_the_split(toy: Path) -> None:
    """Each row three times, as an export joined wrongly has it: all three are trained on, or all are held out."""
    read(toy)
    Path("data/toy.csv").write_bytes(csv(pd.concat([GOOD] * 3)))
    prepare.main([])
    train, test = (set(map(tuple, pd.read_parquet(path)[["a", "b"]].to_numpy())) for path in (paths.TRAIN, paths.TEST))
    assert train
    assert test
    assert not train & test
    assert json.loads(paths.DATA.read_text(encoding="utf-8"))["repeated"] == 3 * ROWS
