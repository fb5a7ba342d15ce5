"""Tables that must not train, each with what params.yaml asks for and the message that prepare ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.pipeline.toy import ROWS, at, csv, parquet

Make = Callable[[pd.DataFrame], Any]


FLOAT = {"dtype": "float64", "nullable": False, "range": [-9, 9]}
TARGET = {"dtype": "string", "categories": ["no", "yes"]}
WITH_ORDER = {
    "schema": {"a": {"dtype": "float64"}, "b": {"dtype": "string"}, "order": {"dtype": "int64"}, "y": TARGET},
    "train__preprocessing": {},
}
AS_DATE = {"schema": {"a": {"dtype": "float64"}, "day": {"dtype": "date"}, "y": TARGET}, "train__preprocessing": {}}
WITH_DAY = {"schema": {"a": {"dtype": "float64"}, "day": {"dtype": "string"}, "y": TARGET}, "train__preprocessing": {}}

SCHEMA = "the data does not match its schema: "
REMEDY = "; correct the data, or what params.yaml asks of it"
LATER = (
    "the data leaks: 'day': ahead: later than 'when': 60 rows (1, 2, 3, …), the first holds '2024-05-05'; take the "
    "column out of schema, or, where the model will know no less when it serves, list 'day' under "
    "prepare.leakage.allow.ahead in params.yaml"
)
STALE = (
    f"{SCHEMA}'day': prepare.contract.max_age_days: the newest row is at most 30 days old; it is of "
    f"2024-12-24T00:00:00Z{REMEDY}"
)

BAD: dict[str, tuple[Make, dict[str, Any], str]] = {
    "column missing": (
        lambda f: csv(f.drop(columns="b")),
        {},
        SCHEMA + "'b': column is missing; use one of a, y, order, day" + REMEDY,
    ),
    "column renamed": (
        lambda f: csv(f.rename(columns={"b": "B1"})),
        {},
        SCHEMA + "'b': column is missing; use one of a, B1, y, order, day" + REMEDY,
    ),
    "other type": (
        lambda f: at(f, "a", {3: "tall", 7: "small"}),
        {},
        SCHEMA + "'a': dtype: float64: 2 rows (3, 7), the first holds 'tall'" + REMEDY,
    ),
    "NaN where required": (
        lambda f: at(f, "a", {1: None, 2: None, 3: None, 9: None}),
        {"schema__a": FLOAT},
        SCHEMA + "'a': nullable: false: 4 rows (1, 2, 3, …), the first holds a missing value" + REMEDY,
    ),
    "a marker for missing": (
        lambda f: at(f, "a", {4: "N/A"}),
        {},
        SCHEMA
        + (
            "'a': dtype: float64: 1 row (4), the first holds 'N/A'; correct the data, or what params.yaml "
            "asks of it; where 'N/A' stands for a missing value, list it under data.missing"
        ),
    ),
    "infinite": (
        lambda f: at(f, "a", {5: "inf"}),
        {},
        SCHEMA + "'a': dtype: float64: 1 row (5), the first holds 'inf'" + REMEDY,
    ),
    "beyond float32": (
        lambda f: at(f, "a", {5: "1e300"}),
        {},
        SCHEMA
        + ("'a': range: what float32 holds, in which trees and engines compute: 1 row (5), the first holds 1e+300")
        + REMEDY,
    ),
    "out of range": (
        lambda f: at(f, "a", {5: "9.5", 60: "-9.5"}),
        {"schema__a": FLOAT},
        SCHEMA
        + (
            "'a': range: at least -9: 1 row (60), the first holds -9.5; 'a': range: at most 9: 1 row (5), "
            "the first holds 9.5"
        )
        + REMEDY,
    ),
    "new category": (
        lambda f: at(f, "y", {2: "maybe"}),
        {},
        SCHEMA + "'y': categories: ['no', 'yes']: 1 row (2), the first holds 'maybe'" + REMEDY,
    ),
    "one class": (
        lambda f: csv(f.assign(y="yes")),
        {"schema__y": {"dtype": "string"}},
        "the target has the one class 'yes'; there is nothing to tell apart: add rows of another",
    ),
    "a declared class without a row": (
        lambda f: csv(f.assign(y="yes")),
        {},
        ("class 'no' of the target is declared and no row has it; add rows, or take it out of its categories"),
    ),
    "a class of one row": (
        lambda f: at(f.assign(y="yes"), "y", {8: "no"}),
        {},
        (
            "class 'no' of the target has 1 row(s), 1 of them distinct; training and holdout need one each: "
            "add rows, or leave out such classes (data.min_class_rows in params.yaml, --min-class-rows 2 of init); "
            "numbers that count something are a regression (--task regression)"
        ),
    ),
    "every row the same": (
        lambda f: csv(f.assign(a=1, b="x")),
        {"prepare__split__method": "random"},
        (
            "all 60 rows are equal in every feature; training and holdout need one distinct row each: add "
            "rows, or the columns that tell these apart"
        ),
    ),
    "duplicate key": (
        lambda f: at(f, "order", {7: 1001, 9: 1001}),
        {"prepare__contract": {"key": ["order"]}},
        SCHEMA + "'order': prepare.contract.key: no two rows alike: 2 rows (7, 9), the first holds '1001'" + REMEDY,
    ),
    "duplicate key of two columns": (
        lambda f: csv(f.assign(order=1, day="2024")),
        {"prepare__contract": {"key": ["order", "day"]}},
        SCHEMA
        + ("'order, day': prepare.contract.key: no two rows alike: 59 rows (2, 3, 4, …), the first holds ('1', '2024')")
        + REMEDY,
    ),
    "not unique": (
        lambda f: at(f.assign(a=np.arange(ROWS) / 7), "a", {9: "0.5", 8: "0.5"}),
        {"schema__a": {"dtype": "float64", "unique": True}},
        SCHEMA + "'a': unique: true: 1 row (9), the first holds '0.5'" + REMEDY,
    ),
    "a key that is no column": (
        csv,
        {"prepare__contract": {"key": ["ordre"]}},
        "prepare.contract.key names 'ordre', which is no column of the data; did you mean 'order'?",
    ),
    "too few rows": (
        csv,
        {"prepare__contract": {"rows": {"min": 100}}},
        SCHEMA + "'rows': prepare.contract.rows: at least 100; the data has 60" + REMEDY,
    ),
    "too many rows": (
        csv,
        {"prepare__contract": {"rows": {"max": 50}}},
        SCHEMA + "'rows': prepare.contract.rows: at most 50; the data has 60" + REMEDY,
    ),
    "stale": (
        csv,
        {"data__time": "day", "prepare__split__method": "time", "prepare__contract": {"max_age_days": 30}},
        STALE,
    ),
    "a time that is no date": (
        lambda f: at(f, "day", {3: "soon"}),
        {"data__time": "day", "prepare__split__method": "time"},
        SCHEMA + "'day': data.time: ISO 8601, such as 2024-01-31T09:30:00Z: 1 row (3), the first holds 'soon'" + REMEDY,
    ),
    "an id among the features": (
        csv,
        WITH_ORDER,
        (
            "the data leaks: 'order': id: each of the 60 rows has a value of its own: 60 rows (1, 2, 3, …), "
            "the first holds 1000; take the column out of schema, or, where the model will know no less when"
            " it serves, list 'order' under prepare.leakage.allow.id in params.yaml"
        ),
    ),
    "target leaked": (
        lambda f: csv(f.assign(b=f["y"].map({"no": "N", "yes": "Y"}))),
        {},
        (
            "the data leaks: 'b': determines: alone it gives 'y' with balanced accuracy 1.0000, at least "
            "0.99: 60 rows (1, 2, 3, …), the first holds 'N'; take the column out of schema, or, where the "
            "model will know no less when it serves, list 'b' under prepare.leakage.allow.determines in "
            "params.yaml"
        ),
    ),
    "target leaked into a number": (
        lambda f: csv(f.assign(a=f["y"].map({"no": 0.1, "yes": 7.5}))),
        {},
        (
            "the data leaks: 'a': determines: alone it gives 'y' with balanced accuracy 1.0000, at least "
            "0.99: 60 rows (1, 2, 3, …), the first holds 0.1; take the column out of schema, or, where the "
            "model will know no less when it serves, list 'a' under prepare.leakage.allow.determines in "
            "params.yaml"
        ),
    ),
    "a split that looks ahead": (
        csv,
        {"data__time": "day"},
        (
            "the data leaks: 'day': ahead: the split 'stratified' trains on rows later than those held out: "
            "60 rows (1, 2, 3, …), the first holds '2024-01-01T00:00:00Z'; set prepare.split.method to time,"
            " or, where the model will know no less when it serves, list 'day' under "
            "prepare.leakage.allow.ahead in params.yaml"
        ),
    ),
    "a feature from later": (
        lambda f: csv(f.assign(day="2024-05-05", when="2024-03-01")),
        WITH_DAY | {"data__time": "when", "prepare__leakage": {"allow": {"ahead": ["when"]}}},
        LATER,
    ),
    "a date from later": (
        lambda f: csv(f.assign(day="2024-05-05", when="2024-03-01")),
        AS_DATE | {"data__time": "when", "prepare__leakage": {"allow": {"ahead": ["when"]}}},
        LATER,
    ),
    "stale dates": (
        csv,
        AS_DATE | {"data__time": "day", "prepare__split__method": "time", "prepare__contract": {"max_age_days": 30}},
        STALE,
    ),
    "latin-1": (
        lambda f: csv(f).replace(b"x", b"\xe9"),
        {},
        (
            "data/toy.csv is not UTF-8; convert it, from Latin-1 for example: iconv -f LATIN1 -t UTF-8 "
            "data/toy.csv > utf8.csv"
        ),
    ),
    "UTF-16": (
        lambda f: csv(f).decode().encode("utf-16"),
        {},
        "data/toy.csv is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 data/toy.csv > utf8.csv",
    ),
    "empty": (lambda f: b"", {}, "data/toy.csv is empty; a table begins with a line of column names"),
    "header only": (lambda f: csv(f[:0]), {}, "data/toy.csv has a header and no rows; nothing can be trained on it"),
    "duplicate column names": (
        lambda f: csv(f.rename(columns={"order": "a"})),
        {},
        "data/toy.csv has the column 'a' 2 times; rename all but one",
    ),
    "ragged rows": (
        lambda f: csv(f) + b"1.5,x\n",
        {},
        ("data/toy.csv: row 61 has 2 cells, the header 5: 1.5,x; write it again, every row with every column"),
    ),
    "NUL bytes": (
        lambda f: csv(f) + b"\0" * 64,
        {},
        (
            "data/toy.csv holds a NUL byte at offset 1694, which no text has: it is cut off, overwritten or "
            "no CSV; write it again"
        ),
    ),
    "a quote never closed": (
        lambda f: csv(f) + b'1.5,"x,yes,1,2024-01-01\n',
        {},
        (
            "data/toy.csv has an odd number of quotes: a quoted cell is never closed, or the file is cut "
            "off; close it, or write it again"
        ),
    ),
    "a huge field": (
        lambda f: csv(f) + b'1.5,"' + b"x" * 5000 + b'",yes,1,2024-01-01\n',
        {},
        (
            "data/toy.csv has a row of more than 2048 bytes: a quote is closed too late; close it, or keep "
            "such a value in a file of its own"
        ),
    ),
    "truncated Parquet": (
        lambda f: parquet(f)[:-9],
        {"data__path": "data/toy.parquet"},
        (
            "data/toy.parquet cannot be read as parquet: Parquet magic bytes not found in footer. Either the"
            " file is corrupted or this is not a parquet file.; write it again"
        ),
    ),
    "Parquet cut in its middle": (
        lambda f: parquet(f)[: len(parquet(f)) // 2],
        {"data__path": "data/toy.parquet"},
        (
            "data/toy.parquet cannot be read as parquet: Parquet magic bytes not found in footer. Either the"
            " file is corrupted or this is not a parquet file.; write it again"
        ),
    ),
    "a CSV named Parquet": (
        csv,
        {"data__path": "data/toy.parquet"},
        (
            "data/toy.parquet cannot be read as parquet: Parquet magic bytes not found in footer. Either the"
            " file is corrupted or this is not a parquet file.; write it again"
        ),
    ),
    "other type in Parquet": (
        lambda f: parquet(f.assign(a=f["a"].astype(str))),
        {"data__path": "data/toy.parquet"},
        SCHEMA + "'a': dtype: float64, the file has string: 60 rows (1, 2, 3, …), the first holds '-0.802'" + REMEDY,
    ),
    "no file": (
        lambda f: None,
        {},
        "data/toy.csv is not here; fetch it with `dvc pull`, or correct data.path in params.yaml",
    ),
}
