"""The three models that are served side by side, on made-up seeded data; one function a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TRAIN, HOLDOUT = 2000, 1000  # rows; the holdout is also what the requests ask about
_SEED = 20
_CITIES = "Athens Bonn Cork Dublin Espoo Faro Ghent Hamburg".split()
_WORDS = "alpha beta gamma delta".split()


@dataclass(frozen=True)
class Data:
    """`columns`: feature → TRAIN + HOLDOUT values as JSON has them; `labels`: as many whole numbers."""

    columns: dict[str, list[Any]]
    labels: list[int]


Schema = dict[str, dict[str, Any]]
Example = tuple[Schema, Pipeline, Data]


def logistic() -> Example:
    """Scaler and logistic regression, 4 numbers, 3 classes: iris in all but name."""
    schema, data = numbers(4)
    return schema, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), data


def forest() -> Example:
    """A forest of 100 trees, 20 numbers, 3 classes."""
    schema, data = numbers(20)
    return schema, make_pipeline(RandomForestClassifier(n_estimators=100, random_state=_SEED)), data


def mixed() -> Example:
    """8 float64, 4 int64, 5 texts and 3 booleans, by name; scaled, one-hot encoded, logistic regression, 2 classes."""
    random = np.random.default_rng(_SEED)
    rows = TRAIN + HOLDOUT
    dtypes = {"amount": "float64", "count": "int64", "place": "string", "flag": "bool"}
    columns: dict[str, list[Any]] = {}
    score = random.normal(0, 0.5, rows)
    for position in range(8):
        values = random.normal(position, 1 + position, rows).round(4)
        columns[f"amount_{position}"] = values.tolist()
        score += (values - position) / (1 + position) * random.normal()
    for position in range(4):
        counts = random.poisson(3 + position, rows)
        columns[f"count_{position}"] = counts.tolist()
        score += (counts - 3 - position) / 3 * random.normal()
    for position in range(5):
        words = _CITIES if position % 2 == 0 else _WORDS
        picked = random.integers(0, len(words), rows)
        columns[f"place_{position}"] = [words[index] for index in picked]
        score += random.normal(0, 1, len(words))[picked]
    for position in range(3):
        flags = random.random(rows) < 0.3 + 0.2 * position
        columns[f"flag_{position}"] = flags.tolist()
        score += flags * random.normal()
    schema: Schema = {name: {"dtype": dtypes[name.partition("_")[0]]} for name in columns}
    kinds = {kind: [name for name in columns if schema[name]["dtype"] == kind] for kind in dtypes.values()}
    transform = ColumnTransformer(
        [
            ("numbers", StandardScaler(), kinds["float64"] + kinds["int64"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), kinds["string"]),
            ("flags", "passthrough", kinds["bool"]),
        ]
    )
    estimator = make_pipeline(transform, LogisticRegression(max_iter=1000))
    return schema, estimator, Data(columns, (score > 0).astype(int).tolist())


EXAMPLES: dict[str, Callable[[], Example]] = {"logistic": logistic, "forest": forest, "mixed": mixed}


def numbers(width: int) -> tuple[Schema, Data]:
    """`width` float64 columns around one centre a class, overlapping enough that the trees grow deep."""
    random = np.random.default_rng(_SEED)
    labels = random.integers(0, 3, TRAIN + HOLDOUT)
    centres = random.normal(0, 1, (3, width))
    values = (centres[labels] + random.normal(0, 1.5, (len(labels), width))).round(4)
    columns = {f"number_{position}": values[:, position].tolist() for position in range(width)}
    return {name: {"dtype": "float64"} for name in columns}, Data(columns, labels.tolist())
