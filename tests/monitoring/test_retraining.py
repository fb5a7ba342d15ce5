"""What becomes of a trigger: deduplicated, cooled down, capped, and never a training on the same bytes."""

import dataclasses

import pytest

from monitoring.retraining import (
    DATA,
    DRIFT,
    ISSUE,
    NOTHING,
    PERFORMANCE,
    SCHEDULE,
    TRAIN,
    Cause,
    Policy,
    Trigger,
    decide,
)

NOW = "2026-11-26T12:00:00Z"
ALARM = Cause(DRIFT, "sha256-a", "drift of x", alarm=True, data_changed=True, served_since="2026-10-01T00:00:00Z")


def followed(day: int, kind: str = DRIFT, digest: str = "sha256-a", outcome: str = TRAIN) -> Trigger:
    """A trigger of an earlier day of the month."""
    return Trigger(kind, digest, outcome, f"2026-11-{day:02}T12:00:00Z", "why")


@pytest.mark.parametrize(
    ("before", "changes", "outcome", "why"),
    [
        ([], {}, TRAIN, "drift of x"),
        ([], {"alarm": False}, NOTHING, "no alarm"),
        ([], {"kind": PERFORMANCE, "alarm": False}, NOTHING, "no alarm"),
        ([], {"data_changed": False}, ISSUE, "new data are needed"),
        ([], {"kind": DATA, "alarm": False}, TRAIN, "drift of x"),
        ([], {"kind": DATA, "data_changed": False}, NOTHING, "trained on"),
        ([], {"kind": SCHEDULE, "alarm": False}, NOTHING, "no schedule"),
        ([followed(20)], {}, NOTHING, "followed on 2026-11-20"),
        ([followed(18)], {}, TRAIN, "drift of x"),
        ([followed(25, digest="sha256-b")], {}, TRAIN, "drift of x"),
        ([followed(25, kind=DATA)], {}, TRAIN, "drift of x"),
        ([followed(20, outcome=ISSUE)], {"data_changed": False}, NOTHING, "cooldown"),
        ([followed(day, digest="sha256-b") for day in (1, 8, 15, 22)], {}, NOTHING, "4 trainings in 30 days"),
        ([followed(day, digest="sha256-b", outcome=ISSUE) for day in (1, 8, 15, 22)], {}, TRAIN, "drift of x"),
    ],
)
def test_each_trigger_has_one_outcome(
    before: list[Trigger], changes: dict[str, object], outcome: str, why: str
) -> None:
    """By its key, the cooldown, the cap and whether the data are new."""
    decided = decide(before, dataclasses.replace(ALARM, **changes), Policy(), NOW)  # type: ignore[arg-type]
    assert decided[0] == outcome
    assert why in decided[1]


def test_the_schedule_counts_from_the_last_training() -> None:
    """Every 30 days: from when the model began to serve, or from the last training that was asked for."""
    cause, policy = dataclasses.replace(ALARM, kind=SCHEDULE, alarm=False), Policy(every_days=30)
    assert decide([], cause, policy, NOW)[0] == TRAIN
    assert decide([followed(1)], cause, policy, NOW)[0] == NOTHING
    assert decide([], dataclasses.replace(cause, served_since="2026-11-20T00:00:00Z"), policy, NOW)[0] == NOTHING
