"""The first Pipelines that a table is tried with: preprocessing by kind of column, and an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starter.column import Column

SEED = 20
_MANY = 10_000  # rows to train on: from here on a tenth of them can watch when to stop


@dataclass(frozen=True)
class Recipe:
    """A Pipeline by the names of params.yaml."""

    name: str
    estimator: str
    parameters: dict[str, Any]
    preprocessing: dict[str, Any] = field(default_factory=dict)

    @property
    def grows(self) -> bool:
        """Whether the number of rounds has to be tried out."""
        return self.parameters.get("early_stopping") is False

    def with_rounds(self, rounds: int) -> Recipe:
        """The same with so many rounds of boosting."""
        return replace(self, parameters={**self.parameters, "max_iter": rounds})

    def with_class_weights(self) -> Recipe:
        """The same, each class counting as much as the others."""
        parameters = {**self.parameters, "class_weight": "balanced"}
        return replace(self, name=f"{self.name}, classes weighted", parameters=parameters)


def linear(task: str, columns: Sequence[Column], by_time: bool) -> Recipe:
    """A linear model of standardised numbers and one-hot texts; missing values are imputed, and marked as such."""
    blocks = preprocessing(columns, False, by_time)
    if task == "classification":
        parameters: dict[str, Any] = {"C": 1.0, "max_iter": 1000, "random_state": SEED}
        return Recipe("linear", "sklearn.linear_model.LogisticRegression", parameters, blocks)
    return Recipe("linear", "sklearn.linear_model.Ridge", {"alpha": 1.0, "random_state": SEED}, blocks)


def boosted(task: str, columns: Sequence[Column], by_time: bool, rows: int) -> Recipe:
    """Gradient boosted trees. Of many `rows`, training itself stops when a tenth of them, kept apart, is predicted no
    better; of fewer, a tenth is too few to tell, and `rounds` of boosting are tried out."""
    parameters: dict[str, Any] = {"learning_rate": 0.1, "random_state": SEED}
    if rows >= _MANY:
        parameters |= {"early_stopping": True, "max_iter": 500, "n_iter_no_change": 20}
    else:
        parameters |= {"early_stopping": False, "max_iter": 100}
    kind = "Classifier" if task == "classification" else "Regressor"
    estimator = f"sklearn.ensemble.HistGradientBoosting{kind}"
    return Recipe("boosted", estimator, parameters, preprocessing(columns, True, by_time))


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
    texts = [column.feature.name for column in columns if column.kind == "text"]
    for number, column in enumerate(texts, 1):  # a vectorizer reads one column
        blocks["text" if len(texts) == 1 else f"text{number}"] = {"columns": [column], "steps": _words(boosted)}
    return blocks


def _words(boosted: bool) -> list[dict[str, Any]]:
    """How much each word of a text stands out; for trees, which look at one number at a time, in few numbers."""
    parameters: dict[str, Any] = {"max_features": 500, "sublinear_tf": True}
    vectorizer = {"sklearn.feature_extraction.text.TfidfVectorizer": parameters}
    reduced = {"sklearn.decomposition.TruncatedSVD": {"n_components": 20, "random_state": SEED}}
    return [vectorizer, reduced] if boosted else [vectorizer]


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
    if any(column.timed for column in members):
        parts.append("hour")
    steps: list[dict[str, Any]] = [{"features.calendar.CalendarFeatures": {"parts": parts, "cyclic": True}}]
    if boosted:
        return steps
    # Text that is no date gives missing parts.
    imputer = {"sklearn.impute.SimpleImputer": {"strategy": "median"}}
    scaler: dict[str, Any] = {"sklearn.preprocessing.StandardScaler": {}}
    return [*steps, imputer, scaler]
