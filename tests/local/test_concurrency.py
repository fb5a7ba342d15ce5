"""A concurrency group runs one at a time, keeps the newest that waits, and never makes a push wait."""

import threading
from pathlib import Path

from local.concurrency import Group


def test_one_at_a_time_and_the_newest_waits(tmp_path: Path) -> None:
    """Of two pushes during a run the older is cancelled and the newer runs after it, in the first push's process."""
    ran: list[str] = []
    lines: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def execute(run: str) -> None:
        ran.append(run)
        inside.set()
        assert leave.wait(5)

    first = threading.Thread(target=Group(tmp_path, "train").submit, args=("1", execute, lines.append))
    first.start()
    assert inside.wait(5)
    Group(tmp_path, "train").submit("2", execute, lines.append)
    Group(tmp_path, "train").submit("3", execute, lines.append)
    assert ran == ["1"]
    leave.set()
    first.join(5)
    assert ran == ["1", "3"]
    assert [line.split(":")[0] for line in lines] == [
        "queued",
        "a run that waited in group train is cancelled",
        "queued",
    ]


def test_a_push_to_its_own_group_does_not_wait_for_itself(tmp_path: Path) -> None:
    """A run that submits to its own group gets an answer at once; what it submitted runs after it."""
    ran: list[str] = []

    def execute(run: str) -> None:
        ran.append(f"{run} begins")
        if run == "outer":
            Group(tmp_path, "train").submit("inner", execute, lambda _: None)
        ran.append(f"{run} ends")

    Group(tmp_path, "train").submit("outer", execute, lambda _: None)
    assert ran == ["outer begins", "outer ends", "inner begins", "inner ends"]


def test_other_groups_do_not_wait(tmp_path: Path) -> None:
    """Another group's run is not held up."""
    ran: list[str] = []

    def execute(run: str) -> None:
        ran.append(run)
        if run == "a":
            Group(tmp_path, "other").submit("b", execute, lambda _: None)
            assert ran == ["a", "b"]

    Group(tmp_path, "train").submit("a", execute, lambda _: None)
