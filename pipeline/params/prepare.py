"""The section prepare of params.yaml: how rows are split, and what the data must meet beyond its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from artifact.errors import ConfigurationError
from artifact.signature import TIMES, Feature
from pipeline.params.messages import near, wrong
from pipeline.params.section import OneOf, Section, Seed, Share, Text, Texts

SPLITS = ("stratified", "random", "time", "group", "hash", "file")
TWINS = ("auto", "together", "apart")
_Count = Annotated[int, Field(ge=1, le=2**40)]
_Limit = Annotated[float, Field(gt=0)]


class Split(Section):
    """How rows are held out: `test_size` of them, by one method of SPLITS.

    `by`: the columns that are the group, or the key whose hash decides (none: all features). `path`: the file, or the
    folder, of data.path that is the holdout. `twins`: whether rows that are equal in every feature stay on one side;
    auto: unless combinations of the features are few.
    """

    method: Annotated[str, OneOf(SPLITS)]
    test_size: Share = 0.25
    seed: Seed = 20
    by: Texts = ()
    path: Text | None = None
    twins: Annotated[str, OneOf(TWINS)] = "auto"

    def to_dict(self) -> dict[str, Any]:
        """Method, share and seed, and what else differs from the default."""
        always = {"method": self.method, "test_size": self.test_size, "seed": self.seed}
        return {**always, **self.model_dump(exclude=set(always), exclude_defaults=True)}


class Rows(Section):
    """How many rows the whole table has, at least and at most."""

    min: _Count | None = None
    max: _Count | None = None


class Contract(Section):
    """Of the whole table: the columns that together are a `key`, how many rows it has, and how many days old the newest
    value of data.time may be when the training runs."""

    key: Texts = ()
    rows: Rows = Rows()
    max_age_days: int | None = Field(default=None, ge=1, le=100_000)


class Allow(Section):
    """Columns that each check for leakage lets through."""

    id: Texts = ()
    determines: Texts = ()
    ahead: Texts = ()


LEAKS = tuple(Allow.model_fields)
DATED = ("string", *TIMES)  # dtypes of a column that may say when


class Leakage(Section):
    """`threshold`: the score from which one feature alone determines the target; `allow`: columns let through."""

    threshold: Share = 0.99
    allow: Allow = Allow()

    def allows(self, check: str, column: str) -> bool:
        """Whether params.yaml lets `column` through this check, one of LEAKS."""
        return column in getattr(self.allow, check)


class Limits(Section):
    """From where a difference from the champion's training data counts; one that is not set never does."""

    psi: _Limit | None = None
    missing: _Limit | None = None
    unseen: _Limit | None = None

    def to_dict(self) -> dict[str, float]:
        """The thresholds that are set, by name, in the order of SHIFTS."""
        return self.model_dump(exclude_none=True)


SHIFTS = tuple(Limits.model_fields)


class DriftLimits(Section):
    """From where drift is a warning, and from where it refuses the data."""

    warn: Limits = Limits(psi=0.2, missing=0.05, unseen=0.01)
    refuse: Limits = Limits()


class Prepare(Section):
    """The split, the contract of the whole table, the checks for leakage, the limits of drift."""

    split: Split
    contract: Contract = Contract()
    leakage: Leakage = Leakage()
    drift: DriftLimits = DriftLimits()


def check_prepare(prepare: Prepare, features: Sequence[Feature], time: str | None, task: str) -> None:
    """ConfigurationError (10) for what no data can meet, or no column of the schema is; `time` is data.time."""
    _check_split(prepare.split, task)
    method, rows, days = prepare.split.method, prepare.contract.rows, prepare.contract.max_age_days
    if method == "time" and time is None:
        raise ConfigurationError(
            "params.yaml: prepare.split.method is 'time', but data.time names no column; name it, or use random"
        )
    if rows.min is not None and rows.max is not None and rows.min > rows.max:
        raise wrong("prepare.contract.rows.min", rows.min, f"at most max, which is {rows.max}")
    if days is not None and time is None:
        raise ConfigurationError(
            f"params.yaml: prepare.contract.max_age_days is {days}, but data.time names no column that dates the rows"
        )
    dated = next((feature for feature in features if feature.name == time), None)
    if days is not None and dated is not None and dated.dtype not in DATED:
        raise ConfigurationError(
            f"params.yaml: prepare.contract.max_age_days needs dates, and data.time {time!r} is {dated.dtype}; "
            "declare it as datetime, date, or a string of ISO 8601, or do without"
        )
    columns = [feature.name for feature in features] + ([time] if time else [])
    for leak in LEAKS:
        for column in getattr(prepare.leakage.allow, leak):
            if column not in columns:
                raise ConfigurationError(
                    f"params.yaml: prepare.leakage.allow.{leak} names {column!r}, which is no feature"
                    f"{near(column, columns)}"
                )


def _check_split(split: Split, task: str) -> None:
    method = split.method
    if method == "stratified" and task in ("regression", "multilabel", "multioutput"):
        raise wrong("prepare.split.method", method, f"random or time: a {task} has no one class to stratify by")
    if split.by and method not in ("group", "hash"):
        raise wrong("prepare.split.by", list(split.by), "nothing: it belongs to the methods group and hash")
    if method == "group" and not split.by:
        raise ConfigurationError(
            "params.yaml: prepare.split.method is 'group', but prepare.split.by names no column; name it, as in "
            "by: [customer_id]"
        )
    if (split.path is not None) != (method == "file"):
        raise ConfigurationError(
            f"params.yaml: prepare.split.method is {method!r} and prepare.split.path is {split.path!r}; the method "
            "'file' takes the path of the holdout within data.path, and no other method takes one"
        )
