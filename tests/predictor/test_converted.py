"""A model that ONNX Runtime serves: one row, one answer, in every protocol and offline, near scikit-learn's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from artifact.engines.table import MODEL, ONNX
from artifact.load import Loaded, load
from artifact.prediction import rows
from artifact.save import save
from artifact.signature import Feature
from artifact.tolerance import differing
from artifact.validation.validator import validated_columns
from pipeline.engine import engines
from tests.predictor import forms, models
from tests.predictor.conftest import Server, start
from tests.predictor.forms import Answers, Form
from tests.predictor.models import Packaged


def converted(packaged: Packaged, directory: Path) -> Packaged:
    """The same model, packaged as the stage does where ONNX Runtime is proved equal."""
    source = load(packaged.directory, expected_digest=packaged.digest)
    data = (packaged.directory / MODEL).read_bytes()
    columns = validated_columns(packaged.signature, packaged.rows)
    choice = engines.choose(data, packaged.pipeline, packaged.signature, train=columns, holdout=columns)
    assert not choice.refusals
    digest = save(
        directory,
        name=packaged.name,
        model=data,
        engines=choice.engines,
        files=choice.files,
        signature=packaged.signature,
        train=columns,
        holdout=columns,
        golden_rows=8,
        data_digest=source.manifest.data_digest,
        parameters={},
        metrics={},
    )
    return replace(packaged, directory=directory, digest=digest)


def homes(directory: Path, regression: bool) -> Packaged:
    """Missing numbers, whole numbers, booleans and open text."""
    random = np.random.default_rng(5)
    size = [None if value < 30 else float(value) for value in random.normal(80, 30, 120).round(2)]
    columns = {
        "Größe (m²)": size,
        "rooms": random.integers(1, 9, 120).tolist(),
        "balcony": (random.random(120) < 0.5).tolist(),
        "city": random.choice(["Bonn", "東京", "Åbo"], 120).tolist(),
    }
    schema = {
        "Größe (m²)": {"dtype": "float64", "nullable": True},
        "rooms": {"dtype": "int64"},
        "balcony": {"dtype": "bool"},
        "city": {"dtype": "string"},
    }
    texts = OneHotEncoder(handle_unknown="ignore")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    steps = ColumnTransformer([("numbers", numbers, ["Größe (m²)", "rooms", "balcony"]), ("texts", texts, ["city"])])
    price = np.array([(value or 80) * 3 + rooms for value, rooms in zip(size, columns["rooms"], strict=True)])
    if regression:
        return models.package(directory, "homes", schema, columns, Feature("price", "float64"), price, (steps, Ridge()))
    dear = np.array(["no", "yes"], dtype=object)[(price > 240).astype(int)]
    return models.package(
        directory, "homes", schema, columns, Feature("dear", "string"), dear, (steps, LogisticRegression())
    )


@pytest.fixture(scope="module", params=["classes", "numbers"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor of either kind."""
    folder = tmp_path_factory.mktemp("converted")
    model = converted(homes(folder / "exact", request.param == "numbers"), folder / "converted")
    running = start(model, folder / "log")
    running.wait()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def loaded(server: Server) -> Loaded:
    """The same artifact in this process, as batch scoring loads it."""
    return load(server.model.directory, expected_digest=server.model.digest)


def offline(loaded: Loaded, columns: forms.Columns) -> Answers:
    """What its engine answers without a server."""
    prediction = loaded.runner.predict(validated_columns(loaded.signature, columns))
    if loaded.signature.task == "regression":
        return {"prediction": prediction.values}
    return {"label": prediction.values.tolist(), "probabilities": prediction.probabilities}


@pytest.mark.parametrize("form", forms.ANY, ids=lambda form: form.__name__)
def test_every_protocol_gives_the_engines_bits(server: Server, loaded: Loaded, form: Form) -> None:
    """The same bits in every protocol as offline, and scikit-learn's labels, with its numbers within the tolerance."""
    answers, expected = form(server, server.model.rows), offline(loaded, server.model.rows)
    exact = forms.offline(server, server.model.pipeline, server.model.rows)
    assert set(answers) == set(expected) == set(exact)
    for name, values in answers.items():
        assert np.asarray(values).tolist() == np.asarray(expected[name]).tolist()
        assert not len(differing(name, list(exact[name]), list(values)))
    assert loaded.manifest.engine == ONNX


def test_company_changes_no_bit(server: Server, loaded: Loaded) -> None:
    """A row has the same answer alone as among others, also of a linear model: requests may share a call."""
    columns = validated_columns(loaded.signature, server.model.rows)
    together = loaded.runner.predict(columns)
    assert loaded.manifest.batching
    for size in (1, 2, 3, 5):
        for first in range(0, rows(columns), size):
            part = {name: values[first : first + size] for name, values in columns.items()}
            alone, same = loaded.runner.predict(part), together.part(first, first + size)
            assert alone.values.tolist() == same.values.tolist()
            if alone.probabilities is not None and same.probabilities is not None:
                assert alone.probabilities.tobytes() == same.probabilities.tobytes()
