"""Models of the zoo on texts and moments that may be missing, are rare, or were never seen."""

from __future__ import annotations

from typing import Any

from tests.zoo.configuration import FEW, IMPUTE, ONE_HOT, SCALE, SEED, Configuration, mixed, numbers, part

LINEAR = {"max_iter": 500, **SEED}
RARE_TOGETHER = part(
    "preprocessing.OneHotEncoder", handle_unknown="infrequent_if_exist", max_categories=3, sparse_output=False
)
RARE_ORDINAL = part(
    "preprocessing.OrdinalEncoder",
    handle_unknown="use_encoded_value",
    unknown_value=-1,
    encoded_missing_value=-2,
    max_categories=3,
)


def dated(name: str, parts: list[str], **parameters: Any) -> Configuration:
    """An estimator on parts of dates and of times, of which some are missing."""
    calendar = {"features.calendar.CalendarFeatures": {"parts": parts, "cyclic": "Logistic" in name}}
    return Configuration(
        f"kind of times: CalendarFeatures {', '.join(parts)} {name.rpartition('.')[2]}",
        "times",
        "kind",
        f"sklearn.{name}",
        parameters,
        {
            "calendar": (["built", "when"], [calendar, part("impute.SimpleImputer"), SCALE]),
            "numbers": (["area", "floors"], [IMPUTE, SCALE]),
        },
    )


BINS = part("preprocessing.KBinsDiscretizer", n_bins=4, encode="ordinal", **SEED)
LOG = {"sklearn.preprocessing.FunctionTransformer": {"func": "numpy.log1p"}}

INPUTS: list[Configuration] = [
    numbers("linear_model.Ridge", "price", LOG, SCALE, **SEED),
    numbers("linear_model.Ridge", "price", BINS, **SEED),
    dated("linear_model.LogisticRegression", ["year", "month", "day_of_week", "hour"], **LINEAR),
    dated("ensemble.RandomForestClassifier", ["day", "day_of_year", "minute"], **FEW),
    mixed("linear_model.LogisticRegression", "kind", RARE_TOGETHER, table="people", **LINEAR),
    mixed("ensemble.RandomForestClassifier", "kind", RARE_ORDINAL, scale=False, table="people", **FEW),
    mixed(
        "linear_model.LogisticRegression", "flag", part("preprocessing.TargetEncoder", **SEED), table="people", **LINEAR
    ),
    Configuration(
        "flag of people: SimpleImputer of text OneHotEncoder LogisticRegression",
        "people",
        "flag",
        "sklearn.linear_model.LogisticRegression",
        LINEAR,
        {
            "texts": (["city", "plan"], [part("impute.SimpleImputer", strategy="most_frequent"), ONE_HOT]),
            "numbers": (["income", "age", "smoker"], [IMPUTE, SCALE]),
        },
    ),
]
