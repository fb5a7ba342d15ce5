"""The first Pipelines that a table is tried with: preprocessing by kind of column, and an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starter.schema_guess import Column

SEED = 20
_STOPPED_FROM = 20  # rows of the rarest class: fewer cannot be spread over the rows that early stopping watches
_BOOSTED = {"max_iter": 300, "learning_rate": 0.1, "random_state": SEED}


@dataclass(frozen=True)
class Recipe:
    """A Pipeline by the names of params.yaml."""

    name: str
    estimator: str
    parameters: dict[str, Any]
    preprocessing: dict[str, Any] = field(default_factory=dict)

    def with_class_weights(self) -> Recipe:
        """The same, each class counting as much as the others."""
        parameters = {**self.parameters, "class_weight": "balanced"}
        return Recipe(f"{self.name}, classes weighted", self.estimator, parameters, self.preprocessing)


def linear(task: str, columns: Sequence[Column], by_time: bool) -> Recipe:
    """A linear model of standardised numbers and one-hot texts; missing values are imputed, and marked as such."""
    blocks = preprocessing(columns, False, by_time)
    if task == "classification":
        parameters: dict[str, Any] = {"C": 1.0, "max_iter": 1000, "random_state": SEED}
        return Recipe("linear", "sklearn.linear_model.LogisticRegression", parameters, blocks)
    return Recipe("linear", "sklearn.linear_model.Ridge", {"alpha": 1.0, "random_state": SEED}, blocks)


def boosted(task: str, columns: Sequence[Column], by_time: bool, rarest: int) -> Recipe:
    """Gradient boosted trees that stop when a tenth of the rows, kept apart from them, is predicted no better.

    `rarest`: the rows of the rarest class, or all rows of a regression.
    """
    if rarest >= _STOPPED_FROM:
        stopping: dict[str, Any] = {"early_stopping": True, "n_iter_no_change": 20}
    else:
        stopping = {"early_stopping": False, "max_iter": 50}
    kind = "Classifier" if task == "classification" else "Regressor"
    estimator = f"sklearn.ensemble.HistGradientBoosting{kind}"
    return Recipe("boosted", estimator, _BOOSTED | stopping, preprocessing(columns, True, by_time))


def preprocessing(columns: Sequence[Column], boosted: bool, by_time: bool) -> dict[str, Any]:
    """The section train.preprocessing: one block a kind; `boosted` estimators take missing values as they are.

    In a split `by_time`, every year to come is one that training never saw: it is no feature.
    """
    blocks = {}
    for kind, name in (("numeric", "numeric"), ("flag", "flags"), ("category", "categories"), ("moment", "calendar")):
        members = [column for column in columns if column.kind == kind]
        if members:
            steps = _calendar(members, boosted, by_time) if kind == "moment" else _steps(kind, members, boosted)
            blocks[name] = {"columns": [column.feature.name for column in members], "steps": steps}
    return blocks


def _steps(kind: str, members: Sequence[Column], boosted: bool) -> list[dict[str, Any]]:
    if kind == "category":
        # Rare texts share one column, and so does a text that training never saw.
        encoder = {"handle_unknown": "infrequent_if_exist", "max_categories": 50, "sparse_output": False}
        return [{"sklearn.preprocessing.OneHotEncoder": encoder}]
    if boosted:
        return []
    missing = any(column.feature.nullable for column in members)
    strategy = "median" if kind == "numeric" else "most_frequent"
    imputer = {"sklearn.impute.SimpleImputer": {"strategy": strategy, "add_indicator": True}}
    scaler: dict[str, Any] = {"sklearn.preprocessing.StandardScaler": {}}
    return [*([imputer] if missing else []), *([scaler] if kind == "numeric" else [])]


def _calendar(members: Sequence[Column], boosted: bool, by_time: bool) -> list[dict[str, Any]]:
    parts = ["month", "day_of_week"] if by_time else ["year", "month", "day_of_week"]
    if any(len(value) > len("2024-01-31") for column in members for value in column.values if value is not None):
        parts.append("hour")
    steps: list[dict[str, Any]] = [{"features.calendar.CalendarFeatures": {"parts": parts, "cyclic": True}}]
    if boosted:
        return steps
    # Text that is no date gives missing parts.
    imputer = {"sklearn.impute.SimpleImputer": {"strategy": "median"}}
    scaler: dict[str, Any] = {"sklearn.preprocessing.StandardScaler": {}}
    return [*steps, imputer, scaler]
