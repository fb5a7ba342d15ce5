"""How the threads of a running predictor take the processor from one another."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from predictor.grpc.patient_threads import patient_threads
from tests.predictor.conftest import Server


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_of_a_predictor(iris: Server) -> None:
    """The event loop is a thread like any other, and no thread of gRPC's takes the processor from it."""
    names = {
        int(task.name): (task / "comm").read_text().strip() for task in Path(f"/proc/{iris.process.pid}/task").iterdir()
    }
    assert os.sched_getscheduler(iris.process.pid) == os.SCHED_OTHER
    library = [thread for thread, name in names.items() if name == "event_engine"]
    assert library
    assert {os.sched_getscheduler(thread) for thread in library} == {os.SCHED_BATCH}


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sandbox refuses to schedule threads otherwise, nothing else changes."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    with patient_threads():
        pass
