"""Every value of params.yaml is checked before anything runs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifact.errors import ConfigurationError, ModelpinError
from pipeline.params.params import Params, load
from pipeline.params.prepare import Contract, Limits, Rows

VALID: dict[str, Any] = {
    "model": {"name": "toy", "task": "classification"},
    "data": {"path": "data/toy.csv", "target": "y", "time": None},
    "schema": {
        "a": {"dtype": "float64", "nullable": True},
        "b": {"dtype": "string"},
        "y": {"dtype": "string", "categories": ["no", "yes"]},
    },
    "prepare": {"split": {"method": "stratified", "test_size": 0.3, "seed": 1}},
    "train": {
        "preprocessing": {
            "numeric": {"columns": ["a"], "steps": [{"sklearn.preprocessing.StandardScaler": {}}]},
            "text": {"columns": ["b"], "steps": []},
        },
        "estimator": "sklearn.linear_model.LogisticRegression",
        "parameters": {"random_state": 1},
    },
    "evaluate": {"bootstrap": {"resamples": 100, "confidence": 0.9, "seed": 1}},
    "package": {"golden": 8},
    "gate": {"thresholds": {"accuracy": {"min": 0.5}}},
    "track": {"experiment": "toy"},
}


def read(tmp_path: Path, **changes: Any) -> Params:
    """VALID with values set (or, for None of an optional key, unset) by dotted path written with __."""
    values = copy.deepcopy(VALID)
    for path, value in changes.items():
        *parents, key = path.split("__")
        section = values
        for parent in parents:
            section = section[parent]
        section[key] = value
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return load(file)


def test_values_come_typed_and_in_order(tmp_path: Path) -> None:
    """Features keep the order of the schema, and the target stands beside them."""
    params = read(tmp_path)
    assert [feature.name for feature in params.features] == ["a", "b"]
    assert params.target.categories == ("no", "yes")
    assert params.gate.thresholds["accuracy"].min == 0.5
    assert params.column("y") == params.target
    assert params.column("z") is None


def test_the_gate_is_on_where_params_say_nothing_of_it(tmp_path: Path) -> None:
    """Metric and margins have defaults by task; an error in the target's own units has none, and must be given one."""
    gate = read(tmp_path).gate
    assert gate.champion.compared("classification", True) == ("log_loss", 0.02, 0.1)
    assert gate.champion.compared("classification", False)[0] == "accuracy"
    assert gate.champion.compared("regression", False)[:2] == ("r2", 0.01)
    assert (gate.champion.replaces, gate.latency.ratio, gate.size.slack) == (None, 2.0, 1.0)
    houses = {"model__task": "regression", "schema__y": {"dtype": "float64"}, "prepare__split__method": "random"}
    houses |= {"gate__thresholds": {"r2": {"min": 0.1}}, "gate__champion": {"metric": "rmse"}}
    with pytest.raises(ConfigurationError, match="in the units of the target"):
        read(tmp_path, **houses)
    houses["gate__champion"] = {"metric": "rmse", "margin": 100, "slice_margin": 300}
    assert read(tmp_path, **houses).gate.champion.compared("regression", False) == ("rmse", 100.0, 300.0)


SEARCH = {
    "method": "random", "metric": "accuracy", "trials": 3, "folds": 3, "seed": 1, "space": {"estimator__C": [1, 2]}
}  # fmt: skip

CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"modle": {}}, "unknown key modle; did you mean 'model'"),
    ({"model__nmae": "x"}, "unknown key model.nmae; did you mean 'name'"),
    ({"prepare__split__testsize": 1}, "prepare.split.testsize; did you mean 'test_size'"),
    ({"schema__a__dtyp": 1}, "did you mean 'dtype'"),
    ({"train__preprocessing__numeric__column": []}, "train.preprocessing.numeric.column; did you mean 'columns'"),
    ({"model__name": "Iris!"}, "cannot name a model"),
    ({"model__task": "regresion"}, "did you mean 'regression'"),
    ({"data__path": "/etc/passwd"}, "inside this repository"),
    ({"data__path": "../x.csv"}, "inside this repository"),
    ({"data__target": "Y"}, "schema does not declare"),
    ({"data__missing": [1]}, "data.missing[0] is 1, expected text; quote it"),
    ({"data__missing": "NA"}, "expected a list of text"),
    ({"schema__y__nullable": True}, "cannot train"),
    ({"schema__y": {"dtype": "float64"}}, "classification takes"),
    ({"model__task": "regression"}, "regression takes"),
    ({"prepare__split__method": "stratifed"}, "did you mean 'stratified'"),
    ({"prepare__split__method": "time"}, "data.time names no column"),
    ({"prepare__split__test_size": 1}, "between 0 and 1"),
    ({"prepare__split__test_size": True}, "between 0 and 1"),
    ({"prepare__split__seed": -1}, "a whole number from 0"),
    ({"prepare__split__by": ["b"]}, "it belongs to the methods group and hash"),
    ({"prepare__split__method": "group"}, "prepare.split.by names no column"),
    ({"prepare__split__method": "file"}, "takes the path of the holdout within data.path"),
    ({"prepare__split__path": "x.csv"}, "no other method takes one"),
    ({"prepare__split__twins": "appart"}, "did you mean 'apart'"),
    ({"schema__a__format": {"thousand": ","}}, "schema.a.format.thousand; did you mean 'thousands'"),
    ({"schema__a__format": {"thousands": "."}}, "another mark than that of decimals"),
    ({"schema__a__format": {"date": "%Y"}}, "schema.a.format.date is '%Y', expected a column of text"),
    ({"schema__b__format": {"date": ["x"]}}, "schema.b.format.date[0] is 'x', expected a strptime format, such as"),
    ({"schema__b__format": {"booleans": {"ja": True}}}, "expected a column of bool, not of string"),
    ({"schema__b__format": {"decimal": ","}}, "expected a column of numbers, not of string"),
    ({"data__time": "b", "data__time_format": "number"}, "a column in data.time that schema does not describe"),
    ({"data__time": "t", "data__time_format": "year"}, "number, or a strptime format"),
    ({"data__min_class_rows": 0}, "data.min_class_rows is 0"),
    ({"schema__a__unique": 1}, "neither true nor false"),
    ({"prepare__contract": {"kee": []}}, "prepare.contract.kee; did you mean 'key'"),
    ({"prepare__contract": {"rows": {"min": 0}}}, "prepare.contract.rows.min is 0"),
    ({"prepare__contract": {"rows": {"min": 9, "max": 8}}}, "at most max, which is 8"),
    ({"prepare__contract": {"max_age_days": 9}}, "data.time names no column"),
    ({"data__time": "a", "prepare__contract": {"max_age_days": 9}}, "needs dates, and data.time 'a' is float64"),
    ({"prepare__leakage": {"threshold": 1}}, "between 0 and 1"),
    ({"prepare__leakage": {"allow": {"ids": ["a"]}}}, "allow.ids; did you mean 'id'"),
    ({"prepare__leakage": {"allow": {"id": ["c"]}}}, "allow.id names 'c', which is no feature"),
    ({"prepare__drift": {"warn": {"psy": 1}}}, "drift.warn.psy; did you mean 'psi'"),
    ({"prepare__drift": {"refuse": {"psi": 0}}}, "a number above 0"),
    ({"train__preprocessing__numeric__columns": ["c"]}, "which is no feature"),
    ({"train__preprocessing__numeric__columns": []}, "at least one feature"),
    ({"train__preprocessing__text__columns": ["a"]}, "'b' is in no block"),
    ({"train__preprocessing__numeric__steps": [{"a": {}, "b": {}}]}, "expected one import name"),
    ({"train__preprocessing__numeric__steps": "sklearn"}, "expected a list"),
    ({"train__estimator": None}, "train.estimator is missing"),
    ({"train__tune": {"method": "gird"}}, "train.tune.method is 'gird'; did you mean 'grid'"),
    ({"train__tune": {"method": "grid"}}, "train.tune.space is {}, expected at least one parameter"),
    ({"train__tune": {"method": "grid", "space": {"estimator__C": [1]}}}, "train.tune.metric is missing"),
    ({"train__tune": {"method": "grid", "space": {"C": [1]}}}, "such as estimator__C"),
    ({"train__tune": {"method": "grid", "space": {"estimator__C": {"low": 1, "high": 2}}}}, "lists of values"),
    ({"train__tune": {"method": "random", "space": {"estimator__C": {"low": 1, "hihg": 2}}}}, "C.hihg; did you mean"),
    ({"train__tune": {"method": "random", "space": {"estimator__C": {"low": 2, "high": 1}}}}, "a high above it"),
    ({"train__tune": {**SEARCH, "metric": "rmse"}}, "train.tune.metric is 'rmse'; use one of accuracy"),
    ({"train__tune": {**SEARCH, "folds": 1}}, "train.tune.folds is 1, expected a whole number from 2 to 100"),
    ({"package__golden": True}, "a whole number from 1 to 1000"),
    ({"package__golden": 0}, "a whole number from 1"),
    ({"gate__thresholds": {}}, "switched off is no gate"),
    ({"gate": {}}, "switched off is no gate"),
    ({"gate__thresholds__accuracy": {}}, "neither min nor max"),
    ({"gate__thresholds__acuracy": {"min": 1}}, "did you mean 'accuracy'"),
    ({"gate__thresholds__rmse": {"max": 1}}, "no metric of a classification"),
    ({"gate__thresholds__accuracy": {"min": "0.9"}}, "a finite number"),
    ({"gate__thresholds__accuracy": {"mn": 0.9}}, "did you mean 'min'"),
    ({"gate__floor": {"metric": "rmse"}}, "gate.floor.metric is 'rmse'"),
    ({"gate__champion": {"margn": 1}}, "gate.champion.margn; did you mean 'margin'"),
    ({"gate__champion": {"metric": "rmse"}}, "gate.champion.metric is 'rmse'"),
    ({"gate__champion": {"margin": -1}}, "0 or more"),
    ({"gate__champion": {"replaces": "yes"}}, "is not a digest"),
    ({"gate__latency": {"ratio": 0.5}}, "1 or more"),
    ({"gate__size": {"max_ms": 1}}, "gate.size.max_ms"),
    ({"evaluate__slices": {"by": {"c": [1]}}}, "evaluate.slices.by names 'c'"),
    ({"evaluate__slices": {"by": {"a": [2, 1]}}}, "edges that ascend"),
    ({"evaluate__slices": {"by": {"a": "each"}}}, "a list of edges for numbers"),
    ({"evaluate__slices": {"by": {"b": [1]}}}, "values of dtype string"),
    ({"evaluate__slices": {"found": "yes"}}, "true or false"),
    ({"evaluate__behaviour": {"check": "increasing"}}, "a list of checks"),
    ({"evaluate__behaviour": [{"check": "rising", "column": "a"}]}, "evaluate.behaviour[0].check is 'rising'"),
    ({"evaluate__behaviour": [{"check": "increasing", "column": "b", "by": 1}]}, "has no direction"),
    (
        {"evaluate__behaviour": [{"check": "increasing", "column": "a", "by": 1}]},
        "the class, or the target",
    ),
    ({"evaluate__behaviour": [{"check": "invariant", "column": "a"}]}, "how far the column is moved"),
    ({"evaluate__behaviour": [{"check": "invariant", "column": "b", "by": 1}]}, "set to its other values"),
    ({"evaluate__behaviour": [{"check": "invariant", "column": "b", "tolerated": 1}]}, "a share of rows"),
]


@pytest.mark.parametrize(("change", "problem"), CHANGES, ids=[next(iter(change)) for change, _ in CHANGES])
def test_a_wrong_value_is_refused_by_its_path(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    """Exit 10 with the key, the value, and the nearest that exists."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **change)
    assert problem in str(caught.value)


def test_what_is_asked_of_the_data_comes_typed(tmp_path: Path) -> None:
    """Uniqueness is of the contract, not of the model's signature; nothing is asked by default but no leaks."""
    params = read(tmp_path, schema__a={"dtype": "float64", "unique": True})
    assert params.unique == ("a",)
    assert params.prepare.contract == Contract()
    assert params.prepare.drift.refuse == Limits()
    assert "unique" not in read(tmp_path).features[0].to_dict()
    contract = {"rows": {"min": 5}, "key": ["order"]}
    prepare = read(tmp_path, prepare__contract=contract, prepare__drift={"warn": {"psi": 0.1}}).prepare
    assert prepare.contract == Contract(key=("order",), rows=Rows(min=5))
    assert prepare.drift.warn.to_dict() == {"psi": 0.1}


def test_values_not_known_to_json_still_have_a_digest(tmp_path: Path) -> None:
    """A parameter that is NaN, as SimpleImputer takes it, can be written into digest and manifest."""
    params = read(tmp_path, train__parameters={"random_state": 1, "C": float("nan")})
    assert params.to_dict()["train"]["parameters"]["C"] == "nan"


def test_the_first_of_several_faults_is_named_and_the_others_are_counted(tmp_path: Path) -> None:
    """One line tells where to begin, and that this is not all."""
    with pytest.raises(ConfigurationError, match=r"prepare\.split\.seed is -1, expected .* \(and 2 more\)$"):
        read(tmp_path, prepare__split__seed=-1, package__golden=0, track__experiment=" ")


def test_errors_are_of_one_line(tmp_path: Path) -> None:
    """A message never breaks the last line on stderr."""
    with pytest.raises(ModelpinError) as caught:
        read(tmp_path, model__name="a\nb")
    assert "\n" not in str(caught.value)
