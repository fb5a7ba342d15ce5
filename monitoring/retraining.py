"""Whether an alarm, new data or the calendar asks for a training now: each cause once, after a cooldown, up to a cap.

The gate decides whether the trained model is published. Nothing is trained on an estimate of the accuracy alone, and
the same bytes are not trained again: what asks for that refreshes one issue for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TRAIN, ISSUE, NOTHING = "train", "issue", "nothing"
SCHEDULE, DATA, DRIFT, PERFORMANCE = "schedule", "data", "drift", "performance"
KINDS = (SCHEDULE, DATA, DRIFT, PERFORMANCE)
_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Policy:
    """`cooldown_days` after which the same kind of trigger of the same model counts again; `per_month`: trainings in 30
    days at most; `every_days`: of the kind schedule, None for never."""

    cooldown_days: float = 7.0
    per_month: int = 4
    every_days: float | None = None


@dataclass(frozen=True)
class Trigger:
    """One that was followed: its kind, the digest that served, what was done, when (UTC, ISO 8601), and why."""

    kind: str
    digest: str
    outcome: str
    since: str
    reason: str

    @property
    def time(self) -> datetime:
        """`since`."""
        return datetime.fromisoformat(self.since)


@dataclass(frozen=True)
class Cause:
    """What asks now: `alarm` of the kinds drift and performance; `data_changed` since the served model was trained;
    `served_since`: UTC, ISO 8601."""

    kind: str
    digest: str
    reason: str
    alarm: bool
    data_changed: bool
    served_since: str


def decide(before: Sequence[Trigger], cause: Cause, policy: Policy, now: str) -> tuple[str, str]:
    """TRAIN, ISSUE or NOTHING, and why, in one sentence. `before`: the triggers that were followed, in any order."""
    time = datetime.fromisoformat(now)
    if (quiet := _quiet(before, cause, policy, time)) is not None:
        return NOTHING, quiet
    same = [trigger for trigger in before if (trigger.kind, trigger.digest) == (cause.kind, cause.digest)]
    newest = max((trigger.time for trigger in same), default=None)
    if newest is not None and time - newest < timedelta(days=policy.cooldown_days):
        return (
            NOTHING,
            f"{cause.kind} of this model was followed on {newest:%Y-%m-%d}, it counts again after the cooldown",
        )
    if not cause.data_changed:
        return ISSUE, f"{cause.reason}; the data are those it was trained on: new data are needed, not a training"
    trained = sum(trigger.outcome == TRAIN and time - trigger.time < _MONTH for trigger in before)
    if trained >= policy.per_month:
        return NOTHING, f"{trained} trainings in 30 days were asked for already, {policy.per_month} are the most"
    return TRAIN, cause.reason


def _quiet(before: Sequence[Trigger], cause: Cause, policy: Policy, now: datetime) -> str | None:
    """Why nothing asks for a training; None when something does."""
    if cause.kind in (DRIFT, PERFORMANCE) and not cause.alarm:
        return f"{cause.kind} raises no alarm"
    if cause.kind == DATA and not cause.data_changed:
        return "the data are those that the served model was trained on"
    if cause.kind == SCHEDULE:
        if policy.every_days is None:
            return "no schedule is set"
        trained = [trigger.time for trigger in before if trigger.outcome == TRAIN]
        last = max([datetime.fromisoformat(cause.served_since), *trained])
        if now - last < timedelta(days=policy.every_days):
            return (
                f"the last training was asked for on {last:%Y-%m-%d}, the schedule is every {policy.every_days:g} days"
            )
    return None
