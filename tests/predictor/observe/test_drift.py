"""Live distributions: the same bins as the reference profile, and cheap."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from typing import Any

import numpy as np
import pytest

from artifact import load
from artifact.categorical import CategoricalColumns
from artifact.live_counts import Distribution, FeatureDistributions
from artifact.load import Loaded
from artifact.prediction import Prediction
from artifact.signature import Feature, Output, Signature, label_text
from artifact.validation import table
from artifact.validation.validator import Validator
from predictor.observe.drift import Drift
from tests.predictor.models import Packaged


def loaded(packaged: dict[str, Packaged], name: str) -> Loaded:
    """One model of models.py in this process."""
    return load.load(packaged[name].directory, expected_digest=packaged[name].digest)


@pytest.mark.parametrize("name", ["iris", "people", "counts", "prices"])
def test_counts_as_the_profile_does(packaged: dict[str, Packaged], name: str) -> None:
    """Rows counted one request at a time come to what artifact.profile makes of them at once."""
    from artifact import profile
    from artifact.validation.validator import validated_columns

    model = loaded(packaged, name)
    columns = validated_columns(model.signature, packaged[name].rows)
    prediction = model.runner.predict(columns)
    reference = profile.reference(model.signature, columns, prediction)
    drift = Drift(model.signature, reference)
    for row in range(len(prediction.values)):
        drift.observe({key: values[row : row + 1] for key, values in columns.items()}, prediction.part(row, row + 1))
    drift.flush()
    for name, distribution in [*drift.features.items(), *drift.outputs.items()]:
        expected = (reference["features"] | reference["outputs"])[name]
        assert distribution.counts.tolist() == distribution.expected
        assert (distribution.missing, distribution.out_of_range, distribution.unseen) == (expected["missing"], 0, 0)


def test_what_training_did_not_see(packaged: dict[str, Packaged]) -> None:
    """Numbers beyond training's, categories it did not have, and missing values are counted by feature."""
    model = loaded(packaged, "people")
    drift = Drift(model.signature, model.profile)
    columns: dict[str, Any] = {
        "größe (cm)": np.array([1.0, 999.0, np.nan]),
        "rooms": np.array([3, 50, 3]),
        "smoker": np.array([1.0, 0.0, np.nan]),
        "city": np.array(["Bonn", "Ur", np.nan], dtype=object),
        "grade": np.array(["a", "a", "b"], dtype=object),
    }
    drift.observe(columns, Prediction(np.array([True, False, True])))
    drift.flush()
    counts = {
        name: (distribution.missing, distribution.out_of_range, distribution.unseen)
        for name, distribution in drift.features.items()
    }
    assert counts == {
        "größe (cm)": (1, 2, 0),
        "rooms": (0, 1, 0),
        "smoker": (1, 0, 0),
        "city": (1, 0, 1),
        "grade": (0, 0, 0),
    }
    expected = {label_text(False): 1, label_text(True): 2, "(other)": 0}
    assert dict(zip(drift.outputs["label"].bins, drift.outputs["label"].counts.tolist(), strict=True)) == expected


def test_texts_in_either_form(packaged: dict[str, Packaged]) -> None:
    """Texts are counted as many times whether a column is categorical or not, in one request or several."""
    model = loaded(packaged, "people")
    texts = ["Bonn", "Ur", None, "Oslo", "Ur", "Bonn", "Bonn"]
    raw = {name: [values[0]] * len(texts) for name, values in packaged["people"].rows.items()} | {"city": texts}
    plain = Validator(model.signature).columns(raw)
    prediction, part = model.runner.predict(plain), {name: values[:2] for name, values in plain.items()}
    counts = []
    orders = (["Oslo", "Bonn", "Rome", "Ur"], ["Ur", "Rome", "Oslo", "Bonn"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_SOME", 1)
        either = [Validator(model.signature, {"city": order}).columns(raw) for order in orders]
    for columns in ([plain, plain], either):
        drift = Drift(model.signature, model.profile)
        for observed in (*columns, part):
            drift.observe(observed, prediction)
        drift.flush()
        city = drift.features["city"]
        counts.append((city.counts.tolist(), city.missing, city.unseen))
    assert all(isinstance(columns, CategoricalColumns) and columns.categorical("city") for columns in either)
    assert counts[0] == counts[1]
    assert counts[0][1:] == (2, 7)


def gathered(packaged: dict[str, Packaged]) -> tuple[Drift, list[int]]:
    """A Drift of the model iris, and how many requests it has counted at a time."""
    model = loaded(packaged, "iris")
    return watched(Drift(model.signature, model.profile))


def watched(drift: Drift) -> tuple[Drift, list[int]]:
    """`drift`, and how many requests it has counted at a time."""
    calls: list[int] = []
    add = drift.inputs.add

    def add_watched(tables: Any) -> None:
        calls.append(len(tables))
        add(tables)

    drift.inputs.add = add_watched  # type: ignore[method-assign]
    return drift, calls


ROW: dict[str, Any] = {
    f"{part} {side} (cm)": np.array([5.1]) for part in ("sepal", "petal") for side in ("length", "width")
}
SETOSA = Prediction(np.array(["setosa"], dtype=object), np.array([[0.93, 0.05, 0.02]]))


def answers(drift: Drift, count: int, *, after: bool = False) -> None:
    """Answer so many requests on an event loop, as the predictor does; each right `after` other counts."""

    async def answer() -> None:
        for _ in range(count):
            drift.observe(ROW, SETOSA)
            drift.count_soon(after=after)
        assert len(drift._pending) == count  # answers are not held up
        await asyncio.sleep(0)

    asyncio.run(answer())


def test_counted_behind_the_answers(packaged: dict[str, Packaged]) -> None:
    """The event loop counts many requests at a time in the turn behind their answers, and a scrape the rest."""
    drift, calls = gathered(packaged)
    answers(drift, 128)
    assert drift.outputs["label"].counts.sum() == 128
    assert (len(calls), len(drift._pending)) == (2, 0)
    answers(drift, 50)
    assert (len(calls), len(drift._pending)) == (2, 50)
    drift.flush()
    assert drift.outputs["label"].counts.sum() == 178
    assert {int(distribution.counts.sum()) for distribution in drift.features.values()} == {178}


def test_after_other_counts_only_twice_as_many_are_counted(packaged: dict[str, Packaged]) -> None:
    """Right after the requests were counted their values wait for the next time, but no more than 128 requests' do."""
    drift, calls = gathered(packaged)
    answers(drift, 127, after=True)
    assert (len(calls), len(drift._pending)) == (0, 127)
    drift.flush()
    calls.clear()
    answers(drift, 128, after=True)
    assert (len(calls), len(drift._pending)) == (2, 0)


@pytest.mark.parametrize(
    ("features", "rows", "tables"), [(1, 1000, 5), (32, 1024, 4), (33, 62, 8), (4, 8, 16), (4, 5, 26), (4, 1, 64)]
)
def test_many_rows_are_counted_before_many_tables(features: int, rows: int, tables: int) -> None:
    """Counted are 64 tables, 16 tables of 128 rows in all, 4,096 rows, or of more than 32 features 16,384 values,
    whichever comes first.
    """
    numeric = {"kind": "numeric", "edges": [0.0], "counts": [1, 1], "min": -1.0, "max": 1.0}
    names = [f"x{place}" for place in range(features)]
    inputs = tuple(Feature(name, "float64") for name in names)
    signature = Signature("regression", inputs, (Output("y", "float64"),))
    reference = {"features": dict.fromkeys(names, numeric), "outputs": {"y": numeric}, "confidence": None}
    drift, calls = watched(Drift(signature, reference))
    table = dict.fromkeys(names, np.zeros(rows))
    answer = Prediction(np.zeros(rows))

    async def answer_some() -> None:
        for _ in range(tables):
            assert not calls
            drift.observe(table, answer)
            drift.count_soon()
            await asyncio.sleep(0)

    asyncio.run(answer_some())
    assert calls == [tables]


def test_the_event_loop_waits_for_no_thread_that_counts(packaged: dict[str, Packaged]) -> None:
    """While another thread counts, the event loop leaves to it what waits."""
    drift, _ = gathered(packaged)
    with drift._counting:
        answers(drift, 100)
        assert drift.outputs["label"].counts.sum() == 0
    drift.flush()
    assert drift.outputs["label"].counts.sum() == 100


def test_a_long_table_is_counted_by_the_thread_that_answers(packaged: dict[str, Packaged]) -> None:
    """A thread counts what would hold up the event loop, and leaves to that what would not."""
    drift, calls = gathered(packaged)
    short = {name: np.full(1000, 5.1) for name in ROW}
    drift.observe(short, Prediction(np.full(1000, "setosa", dtype=object), np.full((1000, 3), 1 / 3)), may_count=True)
    assert not calls
    long = {name: np.full(100_000, 5.1) for name in ROW}
    answer = Prediction(np.full(100_000, "setosa", dtype=object), np.full((100_000, 3), 1 / 3))
    drift.observe(long, answer, may_count=True)
    assert {int(distribution.counts.sum()) for distribution in drift.features.values()} == {101_000}


def test_from_several_threads(packaged: dict[str, Packaged]) -> None:
    """Requests gathered in several threads at once are all counted."""
    drift, _ = gathered(packaged)

    def answer() -> None:
        for _ in range(1000):
            drift.observe(ROW, SETOSA, may_count=True)
        drift.flush()
        for _ in range(1000):
            drift.observe(ROW, SETOSA, may_count=True)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drift.flush()
    assert drift.outputs["label"].counts.sum() == 8000
    assert {int(distribution.counts.sum()) for distribution in drift.features.values()} == {8000}


@pytest.mark.parametrize("rows", [1, 63, 64, 1000, 2047, 2048, 5000])
def test_few_rows_and_many_are_counted_alike(rows: int) -> None:
    """Numbers at, between and beyond edges, and missing ones, are counted as one feature alone counts them."""
    edges = {"none": [], "one": [0.0], "nine": [-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0]}
    references = {
        name: {"kind": "numeric", "edges": own, "counts": [1] * (len(own) + 1), "min": -3.5, "max": 3.5}
        for name, own in edges.items()
    }
    references["never"] = {"kind": "numeric", "edges": [], "counts": [0], "min": None, "max": None}
    references |= {f"nine {place}": references["nine"] for place in range(5)}
    inputs = tuple(Feature(name, "float64") for name in references)
    together = FeatureDistributions(Signature("regression", inputs, ()), references)
    values = np.array([-4.0, -3.5, -3.0, -0.0, 0.0, 0.25, 3.0, 3.5, 4.0, np.nan])
    picks = np.random.default_rng(0)
    table = {name: picks.choice(values, rows) for name in references}
    before = {name: column.copy() for name, column in table.items()}
    together.add([table, table])
    for name, reference in references.items():
        alone = Distribution(reference)
        alone.add(table[name])
        alone.add(table[name])
        assert together.features[name].counts.tolist() == alone.counts.tolist()
        assert together.features[name].missing == alone.missing
        assert together.features[name].out_of_range == alone.out_of_range
        assert np.array_equal(table[name], before[name], equal_nan=True)


def test_numbers_are_counted_together() -> None:
    """The operations on arrays that count a row do not grow with its features."""
    assert operations(10) == operations(1000)


def operations(width: int) -> int:
    """Functions called while a row of `width` features is counted."""
    reference = {"kind": "numeric", "edges": [0.0, 1.0], "counts": [1, 1, 1], "min": -1.0, "max": 2.0}
    names = [f"x{place}" for place in range(width)]
    inputs = tuple(Feature(name, "float64") for name in names)
    distributions = FeatureDistributions(Signature("regression", inputs, ()), dict.fromkeys(names, reference))
    row = {name: np.array([place - 2.0]) for place, name in enumerate(names)}
    called: list[str] = []
    gc.disable()  # who watches collections would be counted
    sys.setprofile(lambda _, event, __: called.append(event))
    distributions.add([row])
    sys.setprofile(None)
    gc.enable()
    counts = [distributions.features[name].counts.tolist() for name in names[:5]]
    assert counts == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    return len(called)
