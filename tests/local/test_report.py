"""What whoever pushed is shown of a run."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from local.clone import BRIEF
from local.report import Report

STEP: dict[str, Any] = {"job": "job", "step": "Fail", "stage": "Main", "stepID": ["0"]}
MESSAGE = STEP | {"level": "info", "msg": "the reason\n", "raw_output": True}
ENDED = STEP | {"level": "error", "msg": "Failure", "stepResult": "failure", "executionTime": 1}


@pytest.mark.parametrize("events", [[MESSAGE, ENDED], [ENDED, MESSAGE]], ids=["in order", "late"])
def test_a_failed_step_has_its_last_words(tmp_path: Path, events: list[dict[str, Any]]) -> None:
    """Also where act tells what it printed after it told how it ended."""
    lines: list[str] = []
    with contextlib.closing(Report(tmp_path / "log", lines.append)) as report:
        for event in events:
            report.read(json.dumps(event).encode())
    assert [line.strip() for line in lines] == ["job job", "✗    0.0 s  Fail", "| the reason"]


def test_a_job_ends_in_one_line(tmp_path: Path) -> None:
    """With its mark and its time, whatever its steps showed."""
    text: list[str] = []
    with contextlib.closing(Report(tmp_path / "log", text.append)) as report:
        report.read(json.dumps(MESSAGE).encode())
        report.read(json.dumps({"job": "job", "jobResult": "success", "msg": "Job succeeded"}).encode())
    assert len(text) == 1
    assert BRIEF.match(text[0])
    assert text[0].startswith("  job job ✓ ")
