"""A first Pipeline for a table: preprocessing by kind of column, and an estimator for its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starter.schema_guess import Column

SEED = 20
_SMALL = 2000  # rows: below, a linear model is as good as any and easier to read


def preprocessing(columns: Sequence[Column], boosted: bool) -> dict[str, Any]:
    """The section train.preprocessing: one block a kind; `boosted` estimators take missing values as they are."""
    blocks = {}
    for kind, name in (("numeric", "numeric"), ("flag", "flags"), ("category", "categories"), ("moment", "calendar")):
        members = [column for column in columns if column.kind == kind]
        if members:
            missing = any(column.feature.nullable for column in members)
            steps = _steps(kind, members, missing, boosted)
            blocks[name] = {"columns": [column.feature.name for column in members], "steps": steps}
    return blocks


def is_boosted(rows: int) -> bool:
    """Whether `rows` are enough for gradient boosting."""
    return rows >= _SMALL


def estimator(task: str, boosted: bool) -> tuple[str, dict[str, Any]]:
    """Import name and parameters of a seeded estimator."""
    if boosted:
        kind = "Classifier" if task == "classification" else "Regressor"
        return f"sklearn.ensemble.HistGradientBoosting{kind}", {
            "max_iter": 200,
            "learning_rate": 0.1,
            "random_state": SEED,
        }
    if task == "classification":
        return "sklearn.linear_model.LogisticRegression", {"C": 1.0, "max_iter": 1000, "random_state": SEED}
    return "sklearn.linear_model.Ridge", {"alpha": 1.0, "random_state": SEED}


def _steps(kind: str, members: Sequence[Column], missing: bool, boosted: bool) -> list[dict[str, Any]]:
    imputer = {"sklearn.impute.SimpleImputer": {"strategy": "median", "add_indicator": True}}
    scaler: dict[str, Any] = {"sklearn.preprocessing.StandardScaler": {}}
    match kind:
        case "numeric":
            return [] if boosted else [imputer, scaler] if missing else [scaler]
        case "flag":
            return [] if boosted or not missing else [{"sklearn.impute.SimpleImputer": {"strategy": "most_frequent"}}]
        case "category":
            # Rare texts share one column, and so does a text that training never saw.
            encoder = {"handle_unknown": "infrequent_if_exist", "max_categories": 50, "sparse_output": False}
            return [{"sklearn.preprocessing.OneHotEncoder": encoder}]
        case _:
            parts = ["year", "month", "day_of_week"]
            if any(
                len(value) > len("2024-01-31") for column in members for value in column.values if value is not None
            ):
                parts.append("hour")
            steps: list[dict[str, Any]] = [{"features.calendar.CalendarFeatures": {"parts": parts, "cyclic": True}}]
            # Text that is no date gives missing parts.
            return steps if boosted else [*steps, {"sklearn.impute.SimpleImputer": {"strategy": "median"}}, scaler]
