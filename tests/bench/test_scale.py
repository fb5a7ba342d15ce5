"""The measurement of a large table, on a small one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artifact import digest
from bench import scale


def test_each_stage_is_measured_on_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seconds and memory of a stage that ended well; the table is generated alike each time, and removed at the end."""
    monkeypatch.setattr(scale, "HOME", tmp_path / "scale")
    scale.main(["--rows", "2000", "--only", "SGDClassifier", "--stages", "prepare"])
    (cost,) = json.loads((tmp_path / "scale/results.json").read_text())["stages"]
    assert cost["stage"] == "prepare"
    assert 0 < cost["cpu"] < 60
    assert 50 << 20 < cost["memory"] < 2 << 30
    assert "2000 rows x 30 columns" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "scale").iterdir()} >= {"results.json", "params.yaml"}
    assert not (tmp_path / "scale/data").exists()
    assert not (tmp_path / "scale/build").exists()
    for name in "ab":
        scale.generate(tmp_path / name, 1000)
    assert digest.of_file(tmp_path / "a") == digest.of_file(tmp_path / "b")
