"""Finds leakage: features that hold the answer, which the model will not have when it serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact import moment
from artifact.errors import DataContractError
from artifact.signature import TIMES
from pipeline.data import single_feature, totals
from pipeline.data.conversion import ROWS, Violation
from pipeline.data.survey import Survey
from pipeline.params.prepare import DATED
from pipeline.shared.split import Parts, twins_apart

_BY_TIME = "set prepare.split.method to time"


@dataclass(frozen=True)
class Leak:
    """A column that fails one of `pipeline.params.prepare.LEAKS`; `allowed` where params.yaml lets it through."""

    check: str
    violation: Violation
    allowed: bool
    remedy: str = "take the column out of schema"


def find(survey: Survey) -> list[Leak]:
    """Features that are ids, features that give the target by themselves, and values that are known only later."""
    leaks = [("id", violation) for violation in _ids(survey)]
    leaks += [("determines", violation) for violation in _determining(survey)]
    leaks += [("ahead", violation) for violation in _ahead(survey)]
    leakage, time = survey.params.prepare.leakage, survey.params.data.time
    return [
        Leak(
            check,
            violation,
            leakage.allows(check, violation.column),
            _BY_TIME if violation.column == time and check == "ahead" else Leak.remedy,
        )
        for check, violation in leaks
    ]


def refuse(leaks: Sequence[Leak]) -> None:
    """DataContractError (40) unless params.yaml allows each of `leaks`."""
    refused = [leak for leak in leaks if not leak.allowed]
    if refused:
        listed = "; ".join(str(leak.violation) for leak in refused)
        first = refused[0]
        raise DataContractError(
            f"the data leaks: {listed}; {first.remedy}, or, where the model will know no less when it serves, list "
            f"{first.violation.column!r} under prepare.leakage.allow.{first.check} in params.yaml"
        )


def check_parts(survey: Survey, twins: np.ndarray, parts: Parts) -> None:
    """Check the split once more: DataContractError (40) where it is wrong.

    Training must not have a row of the holdout, a twin of one (unless twins may stand on both sides) or a row of its
    group; in a split by time all of its rows are earlier. `twins`: the unit of each row's equals, [rows].
    """
    rule = survey.params.prepare.split
    shared = np.isin(parts.test, parts.train)
    if not twins_apart(twins, rule):
        shared |= np.isin(twins[parts.test], twins[parts.train])
    if rule.method == "group":
        shared |= np.isin(survey.keys[parts.test], survey.keys[parts.train])
    if shared.any():
        rows = [survey.label(int(row)) for row in parts.test[shared][:ROWS]]
        raise DataContractError(
            f"{int(shared.sum())} rows of the holdout are trained on, too, such as {rows}; please report this"
        )
    if rule.method == "time" and survey.moments is not None:
        last, first = survey.moments[parts.train].max(), survey.moments[parts.test].min()
        if not last < first:
            raise DataContractError(f"the split by time trains on {last}, not before {first}; please report this")


def _ids(survey: Survey) -> list[Violation]:
    return [
        _of(survey, name, f"id: each of the {survey.rows} rows has a value of its own", np.sort(survey.sample.rows))
        for name in survey.ids()
    ]


def _determining(survey: Survey) -> list[Violation]:
    classification = survey.params.model.task in ("classification", "multioutput", "outliers")
    if survey.params.model.task == "multioutput":
        several = list(survey.several.values())
        classes, codes = len(several[0].names), np.column_stack([labels.codes for labels in several])
    else:
        classes = len(survey.labels.names) if classification else 0
        codes = survey.labels.codes if classification else survey.target
    answers = codes[survey.sample.rows]
    measure, threshold = "balanced accuracy" if classification else "R²", survey.params.prepare.leakage.threshold
    violations = []
    pairs = list(zip(survey.params.targets, answers.reshape(len(answers), -1).T, strict=True))
    for name, values in survey.sample.columns.items():
        for target, feature in pairs:
            score = single_feature.score(values, feature, classes)
            if score is not None and score >= threshold:
                rule = f"determines: alone it gives {target.name!r} with {measure} {score:.4f}, at least {threshold:g}"
                violations.append(_of(survey, name, rule, np.sort(survey.sample.rows)))
    return violations


def _ahead(survey: Survey) -> list[Violation]:
    time, moments = survey.params.data.time, survey.moments
    if time is None or moments is None:
        return []
    violations = []
    if survey.params.prepare.split.method != "time":
        rule = f"ahead: the split {survey.params.prepare.split.method!r} trains on rows later than those held out"
        violations.append(_of(survey, time, rule, np.arange(survey.rows)))
    if survey.dated:
        from features import calendar  # here, because it loads scikit-learn

        now = moments[survey.sample.rows]
        for feature in survey.params.features:
            if feature.dtype not in DATED or feature.name == time:
                continue
            parsed = calendar.parse(survey.sample.columns[feature.name])
            dates = ~np.asarray(parsed.isna())
            if not dates.any():
                continue
            later = dates & (parsed.tz_convert(None).to_numpy("datetime64[ns]").astype(np.int64) > now)
            if later.any():
                looked = "" if len(now) == survey.rows else f", of {len(now)} rows looked at"
                rule = f"ahead: later than {time!r}{looked}"
                violations.append(_of(survey, feature.name, rule, np.sort(survey.sample.rows[later])))
    return violations


def _of(survey: Survey, column: str, rule: str, rows: np.ndarray) -> Violation:
    count = survey.rows if rule.startswith("id") else len(rows)
    labels = tuple(survey.label(int(row)) for row in rows[:ROWS])
    value: Any = None
    if column == survey.params.data.time and survey.moments is not None:
        value = survey.moments[rows[0]].item()
        value = totals.moment(value) if survey.dated else value
    else:
        there = np.flatnonzero(survey.sample.rows == rows[0])
        value = survey.sample.columns[column][there[0]] if len(there) else None
        feature = survey.params.column(column)
        if feature is not None and feature.dtype in TIMES and value == value:
            value = moment.text(value, feature.dtype)
    return Violation(column, rule, count, labels, value.item() if isinstance(value, np.generic) else value)
