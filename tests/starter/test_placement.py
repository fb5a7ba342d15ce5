"""The files of a new model are put in place, all of them or none."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from starter.placement import Placement


def test_a_kill_leaves_no_half_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it copies, the same command copies the table anew. Played is DVC, to which the copy is nothing."""
    source, target = tmp_path / "table.csv", tmp_path / "data/m.csv"
    source.write_text("a,y\n1,2\n")
    monkeypatch.setattr(Placement, "_track", lambda *_: None)
    child = os.fork()
    if child == 0:

        def copy_half(_: Path, part: Path) -> None:
            part.write_text("a,y\n1")
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(shutil, "copyfile", copy_half)
        with Placement() as placement:
            placement.data([(source, target)], target)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not target.exists()
    with Placement() as placement:
        placement.data([(source, target)], target)
    assert target.read_text() == "a,y\n1,2\n"
    assert [path.name for path in target.parent.iterdir()] == ["m.csv"]
