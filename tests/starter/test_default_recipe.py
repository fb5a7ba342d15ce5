"""What init chooses by itself, beside the two models that a person tries first, on the holdout that prepare makes."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from pipeline.data import prepare
from pipeline.params.params import Params, load
from pipeline.shared import paths, tables
from pipeline.training import train
from starter import init, new_model

_NOISE = 2.0  # standard errors of the difference, row by row


def _shipped(loader: Callable[..., Any]) -> pd.DataFrame:
    table = loader(as_frame=True)
    names = getattr(table, "target_names", None)
    target = table.target if names is None or len(names) == 1 else pd.Series([f"c{code}" for code in table.target])
    return pd.DataFrame(table.data).assign(y=target)


def _generated(maker: Callable[..., Any], **options: Any) -> pd.DataFrame:
    features, target = maker(random_state=4, **options)
    classes = target.dtype.kind == "i"
    frame = pd.DataFrame(features, columns=[f"x{number}" for number in range(features.shape[1])]).round(4)
    return frame.assign(y=[f"c{code}" for code in target] if classes else target)


def _mixed() -> pd.DataFrame:
    """Numbers and texts, some missing, an answer that depends on both."""
    random, rows = np.random.default_rng(4), 1500
    frame = pd.DataFrame({"age": random.normal(40, 12, rows).round(1), "city": random.choice(list("abcdefgh"), rows)})
    score = 0.08 * (frame["age"] - 40) + frame["city"].isin(["a", "b"]) - 0.5 + random.logistic(size=rows)
    gone = random.random((rows, 2)) < 0.1
    return frame.mask(pd.DataFrame(gone, columns=frame.columns)).assign(y=np.where(score > 0, "yes", "no"))


def _uneven(signal: float) -> pd.DataFrame:
    """2,700 rows of five classes, one of which has 89 % of them."""
    random = np.random.default_rng(5)
    codes = random.choice(5, 2700, p=[0.89, 0.05, 0.03, 0.02, 0.01])
    features = random.normal(size=(2700, 6))
    features[:, 0] += signal * (codes > 0)
    return pd.DataFrame(features, columns=list("abcdef")).assign(y=np.array(list("pqrst"))[codes])


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "iris": lambda: _shipped(datasets.load_iris),
    "wine": lambda: _shipped(datasets.load_wine),
    "breast cancer": lambda: _shipped(datasets.load_breast_cancer),
    "digits": lambda: _shipped(datasets.load_digits)[:600],  # ten boosters of 64 columns a fold take their time
    "diabetes": lambda: _shipped(datasets.load_diabetes),
    "friedman 1": lambda: _generated(datasets.make_friedman1, n_samples=800, noise=1.0),
    "friedman 2": lambda: _generated(datasets.make_friedman2, n_samples=800, noise=100.0),
    "40 columns": lambda: _generated(
        datasets.make_regression, n_samples=400, n_features=40, n_informative=8, noise=60.0
    ),
    "moons": lambda: _generated(datasets.make_moons, n_samples=600, noise=0.25),
    "mixed": _mixed,
    "uneven": lambda: _uneven(1.5),
    "uneven and weak": lambda: _uneven(0.3),
}


def _losses(task: str, model: Any, frame: pd.DataFrame, target: np.ndarray) -> np.ndarray:
    """Squared errors, or the log loss of each row, [rows]."""
    if task == "regression":
        return np.asarray(np.square(model.predict(frame) - target))
    places = np.searchsorted(model.classes_, target)
    chances = model.predict_proba(frame)[np.arange(len(target)), places]
    return np.asarray(-np.log(np.maximum(chances, np.finfo(np.float64).eps)))


def _usual(task: str) -> dict[str, Any]:
    """The models that a person tries first, with the preprocessing that they have in most examples."""
    text, number = make_column_selector(dtype_include=object), make_column_selector(dtype_exclude=object)
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    scaled = make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), number), (words, text))
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    coded = make_column_transformer((codes, text), remainder="passthrough")
    if task == "regression":
        pair = Ridge(), HistGradientBoostingRegressor(random_state=0)
    else:
        pair = LogisticRegression(max_iter=1000), HistGradientBoostingClassifier(random_state=0)
    return {"linear": make_pipeline(scaled, pair[0]), "boosted": make_pipeline(coded, pair[1])}


def _started(root: Path, table: pd.DataFrame) -> Params:
    """What init writes of the table, with what prepare makes of it in build/prepared."""
    (root / "data").mkdir()
    table.to_csv(root / "data/toy.csv", index=False)
    options = init.parser().parse_args(["--data", "data/toy.csv", "--target", "y", "--name", "toy"])
    with tempfile.TemporaryDirectory() as scratch:
        source, drafted, survey = new_model.describe(options, Path(scratch))
        _, _, text = new_model.first_model(drafted, survey, source)
    Path("params.yaml").write_text(text, encoding="utf-8")
    prepare.main([])
    return load(Path("params.yaml"))


@pytest.mark.story
@pytest.mark.parametrize("name", TABLES)
def test_the_default_is_as_good_as_the_better_of_two(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log loss, or squared error, of the held-out rows: worse than the better of a linear model and boosted trees by
    no more than the noise of so many rows. `-s` prints the losses."""
    monkeypatch.chdir(tmp_path)
    params = _started(tmp_path, TABLES[name]())
    task, rows, held_out = params.model.task, tables.read(paths.TRAIN, params), tables.read(paths.TEST, params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = _losses(task, train.fit(train.build(params), *rows), *held_out)
        others = {label: _losses(task, model.fit(*rows), *held_out) for label, model in _usual(task).items()}
    better = min(others, key=lambda label: float(others[label].mean()))
    worse = ours - others[better]
    error = float(worse.std() / np.sqrt(len(worse)))
    losses = ", ".join(f"{label} {loss.mean():.4g}" for label, loss in {"init": ours, **others}.items())
    print(f"{name}: {losses}; worse than {better} by {worse.mean():.3g} ± {error:.2g}, {params.train.estimator}")
    assert worse.mean() <= _NOISE * error
