"""The tables that the zoo trains on: their schema, their targets, and rows as they come every day.

Between them they have each dtype, declared and open ranges and categories, missing numbers, booleans and texts, and
columns whose size makes a cube large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ROWS = 400
TARGETS: dict[str, dict[str, Any]] = {
    "kind": {"dtype": "string"},
    "flag": {"dtype": "bool"},
    "grade": {"dtype": "int64"},
    "price": {"dtype": "float64"},
    "visits": {"dtype": "int64"},
    "near": {"dtype": "bool"},
    "costly": {"dtype": "bool"},
    "odd": {"dtype": "bool"},
    "shade": {"dtype": "string"},
    "level": {"dtype": "int64"},
}
REGRESSION = ("price", "visits")
SHADES = np.array(["dark", "höll", "light", "mid"], dtype=object)
SCHEMAS: dict[str, dict[str, dict[str, Any]]] = {
    # A day number and an area without a range: their cubes are 1e13 and more.
    "pair": {"day": {"dtype": "float64"}, "area": {"dtype": "float64"}},
    "one": {"area": {"dtype": "float64"}},
    "homes": {
        "day": {"dtype": "float64"},
        "area": {"dtype": "float64"},
        "share": {"dtype": "float64", "range": [0, 1]},
        "rooms": {"dtype": "int64"},
    },
    "gaps": {
        "income": {"dtype": "float64", "nullable": True},
        "area": {"dtype": "float64"},
        "share": {"dtype": "float64", "range": [0, 1], "nullable": True},
        "age": {"dtype": "int64", "range": [0, 120]},
    },
    "shop": {
        "income": {"dtype": "float64", "nullable": True},
        "share": {"dtype": "float64", "range": [0, 1]},
        "rooms": {"dtype": "int64"},
        "member": {"dtype": "bool"},
        "city": {"dtype": "string"},
        "plan": {"dtype": "string", "categories": ["basic", "plus", "pro"]},
    },
    "people": {
        "income": {"dtype": "float64", "nullable": True},
        "age": {"dtype": "int64", "range": [0, 120]},
        "smoker": {"dtype": "bool", "nullable": True},
        "city": {"dtype": "string", "nullable": True},
        "plan": {"dtype": "string", "categories": ["basic", "plus", "pro"], "nullable": True},
    },
    "times": {
        "when": {"dtype": "datetime"},
        "built": {"dtype": "date", "nullable": True},
        "floors": {"dtype": "int64", "nullable": True},
        "area": {"dtype": "float64"},
    },
    "dates": {"sold": {"dtype": "string"}, "area": {"dtype": "float64"}},
}


def draw(table: str, rows: int, seed: int) -> pd.DataFrame:
    """`rows` rows of the features of `table` and of every target; None where a value is missing."""
    random = np.random.default_rng(seed)
    day = np.floor(random.uniform(18_000, 20_500, rows))
    columns: dict[str, Any] = {
        "day": day,
        "area": random.uniform(30, 300, rows).round(1),
        "share": random.beta(2, 3, rows),
        "income": random.lognormal(10, 0.7, rows).round(2),
        "rooms": random.integers(1, 9, rows),
        "age": random.integers(18, 90, rows),
        "member": random.random(rows) < 0.4,
        "smoker": random.random(rows) < 0.3,
        "city": random.choice(["Bonn", "Åbo", "東京", "São Paulo", ""], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05]),
        "plan": random.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2]),
        "sold": (np.datetime64("1970-01-01") + day.astype("timedelta64[D]")).astype(str),
    }
    columns["when"] = [f"{sold}T{place % 24:02d}:30:00.25+02:00" for place, sold in enumerate(columns["sold"].tolist())]
    columns["built"] = np.char.replace(columns["sold"], "20", "19", 1)
    columns["floors"] = columns["rooms"] % 4 + 1
    size = (
        (day - 18_000) / 2_500
        + columns["area"] / 300
        + columns["share"]
        + columns["rooms"] / 9
        + np.log(columns["income"]) / 10
        + columns["age"] / 90
        + columns["member"]
        + 0.5 * (columns["city"] == "Bonn")
        + 0.5 * (columns["plan"] == "pro")
        + random.normal(0, 0.3, rows)
    )
    features = {name: list(np.asarray(columns[name]).tolist()) for name in SCHEMAS[table]}
    for place, (name, declared) in enumerate(SCHEMAS[table].items()):
        if declared.get("nullable"):
            features[name] = [None if at % 11 == place else value for at, value in enumerate(features[name])]
    third = np.digitize(size, [3.3, 4.6])
    targets = {
        "kind": np.array(["low", "mid", "high"], dtype=object)[third],
        "flag": size > 4,
        "grade": np.array([-1, 2, 7])[third],
        "price": (1000 * size**2).round(2),
        "visits": random.poisson(np.exp(size / 2)),
        "near": columns["area"] + random.normal(0, 30, rows) < 150,
        "costly": size + random.normal(0, 0.5, rows) > 4.2,
        "odd": random.random(rows) < 0.1,
        "shade": SHADES[np.digitize(columns["share"] + random.normal(0, 0.1, rows), [0.2, 0.4, 0.6])],
        "level": np.digitize(columns["area"] + random.normal(0, 40, rows), [100, 200]) * 5,
    }
    return pd.DataFrame({**features, **{name: values.tolist() for name, values in targets.items()}})
