"""A model whose labels are numbers answers the same labels, and the same numbers to the bit."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from artifact import save
from artifact.decision import Decision
from artifact.digest import of_bytes
from artifact.engines import engine
from artifact.engines.engine import Engine
from artifact.engines.table import ONNX, SKLEARN, TREES
from artifact.signature import Feature, Signature, for_model
from artifact.validation import frame
from pipeline.engine import conversion, tree_tables
from pipeline.engine.graph import Graph
from scoring import model
from scoring.coded_labels import LabelGraph, Uncoded

ROOT = Path(__file__).parents[2]
INPUTS = (Feature("x", "float64"), Feature("t", "string"))
RANDOM = np.random.default_rng(5)
ROWS = 200
TABLE: dict[str, Any] = {
    "x": RANDOM.normal(size=ROWS),
    "t": RANDOM.choice(np.array(["x", "z", "東京"], dtype=object), ROWS),
}
LABELS = np.array(["x", "no", "é"], dtype=object)  # one of them is a text of the table, too
PLACES = np.digitize(TABLE["x"] + 2 * (TABLE["t"] == "z"), [0, 2])
SCORE = """
import sys
from artifact.command import run
from scoring.__main__ import main
try:
    run(main)
finally:
    print("imported:", sorted({"pandas", "sklearn"} & set(sys.modules)))
"""
FITTED = {"linear": LogisticRegression(), "trees": HistGradientBoostingClassifier(max_iter=5)}


def fitted(estimator: str, classes: int) -> tuple[Pipeline, Signature, bytes]:
    """A model of TABLE, its signature, and what joblib writes of it."""
    encoded = (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["t"])
    before = make_column_transformer(encoded, ("passthrough", ["x"]))
    rows = frame.from_columns(Signature("classification", INPUTS, ()), TABLE)
    pipeline = make_pipeline(before, FITTED[estimator]).fit(rows, LABELS[np.minimum(PLACES, classes - 1)])
    stream = BytesIO()
    joblib.dump(pipeline, stream)
    return pipeline, for_model("classification", INPUTS, Feature("label", "string"), pipeline), stream.getvalue()


@pytest.mark.parametrize("estimator", FITTED)
@pytest.mark.parametrize("classes", [2, 3])
def test_labels_are_chosen_as_before(estimator: str, classes: int) -> None:
    """Two or more, by one engine or two, with thresholds of labels and without; probabilities are the same bits."""
    pipeline, signature, data = fitted(estimator, classes)
    files = dict(conversion.write(data, pipeline, signature))
    engines = [Engine(ONNX, True)]
    if estimator == "trees":
        files |= tree_tables.write(data, pipeline, signature)
        engines = [Engine(ONNX, True, 50), Engine(TREES, True)]
    for decision in (None, Decision(thresholds=(*[0.1] * (classes - 1), 1.1 - 0.1 * classes))):
        served = engine.serving(engines, files, signature, decision)
        coded = model.coded(engines, files, signature, decision)
        assert coded.labels == tuple(sorted(LABELS[:classes]))
        for count in (20, ROWS):
            table = {name: values[:count] for name, values in TABLE.items()}
            answer, expected = coded.runner.predict(table), served.predict(table)
            assert [coded.labels[code] for code in answer.values] == expected.values.tolist()
            assert answer.array("probabilities").tobytes() == expected.array("probabilities").tobytes()


def graph(*nodes: onnx.NodeProto, labels: tuple[str, ...] = ("no", "yes")) -> bytes:
    """A graph of the text `t` and the output `label`, which `nodes` make, with `labels` as a constant."""
    builder = Graph()
    builder.input("t", ["t"], text=True)
    builder.constant(np.array(labels, dtype=object))
    builder.output("label", TensorProto.STRING, None)
    described = onnx.load_model_from_string(builder.to_bytes())
    described.graph.node.extend(nodes)
    data: bytes = described.SerializeToString()
    return data


def node(operator: str, *inputs: str, output: str = "label", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], **attributes)


def test_what_is_no_choice_of_constants_is_answered_as_text() -> None:
    """Texts that are sent, changed or made, constants that are more than labels, and another engine."""
    place = node("LabelEncoder", "t", output="place", keys_strings=["x"], values_int64s=[0], default_int64=1)
    label = node("Gather", "c0", "place")
    assert LabelGraph(graph(place, label)).texts == {"no", "yes"}
    compared = node("Equal", "t", "c0", output="same")
    refused = {
        "sent": graph(node("Identity", "t")),
        "StringNormalizer": graph(node("StringNormalizer", "c0")),
        "Cast": graph(place, node("Cast", "place", to=TensorProto.STRING)),
        "something else": graph(place, label, compared),
        "no graph": b"no graph",
    }
    for reason, data in refused.items():
        with pytest.raises(Uncoded, match=reason):
            LabelGraph(data)
    with pytest.raises(Uncoded, match="sklearn"):
        model.coded([Engine(SKLEARN, True)], {}, Signature("classification", INPUTS, ()), None)


def test_a_plain_table_is_scored_without_pandas(tmp_path: Path) -> None:
    """pyarrow imports it for a single array of numpy, which is a third of what a short run takes."""
    pipeline, signature, data = fitted("linear", 2)
    digest = save.save(
        tmp_path / "artifact",
        name="plain",
        model=data,
        engines=[Engine(ONNX, True)],
        files=conversion.write(data, pipeline, signature),
        signature=signature,
        train=TABLE,
        holdout=TABLE,
        target=LABELS[np.minimum(PLACES, 1)],
        golden_rows=4,
        data_digest=of_bytes(b"plain"),
        parameters={},
        metrics={},
    )
    pq.write_table(pa.table(TABLE), tmp_path / "in.parquet")
    words = ["--artifact", str(tmp_path / "artifact"), "--digest", digest, "--input", str(tmp_path / "in.parquet")]
    command = [sys.executable, "-c", SCORE, *words, "--output", str(tmp_path / "out.parquet")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (
        pq.read_table(tmp_path / "out.parquet").column("label").to_pylist()
        == pipeline.predict(frame.from_columns(signature, TABLE)).tolist()
    )
    assert done.stdout.splitlines()[-1] == "imported: []"
