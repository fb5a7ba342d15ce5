"""The inference log: which requests, what of them, how much at most, and that it ends up as Parquet in S3."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from artifact.errors import ConfigurationError
from artifact.prediction import Prediction
from monitoring import labels
from predictor.observe import inference_log
from predictor.observe.inference_log import InferenceLog, Policy
from shipper.destination import Destination
from shipper.ship import ship
from tests.conftest import Bucket
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.conftest import start
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

ROW: dict[str, Any] = {
    f"{part} {side} (cm)": np.array([5.1]) for part in ("sepal", "petal") for side in ("length", "width")
}
SETOSA = Prediction(np.array(["setosa"], dtype=object), np.array([[0.93, 0.05, 0.02]]))
KEY = b"sixteen bytes or more"
Make = Callable[[Policy], InferenceLog]


@pytest.fixture
def make(packaged: dict[str, Packaged], tmp_path: Path) -> Make:
    """A log of the model iris in the folder `log`."""
    signature = loaded(packaged["iris"]).signature
    return lambda policy: InferenceLog(tmp_path / "log", policy, signature, "sha256-d", "iris-0123abcd")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def test_a_share_of_the_requests_by_a_hash_of_their_id(make: Make, tmp_path: Path) -> None:
    """The same ids are chosen by every process, about as many as the share says, and all with a share of 1."""
    log = make(Policy(0.1, 1 << 20))
    chosen = [name for name in map(str, range(10_000)) if log.chosen(name)]
    assert 900 < len(chosen) < 1100
    for name in map(str, range(1000)):
        log.observe(name, ROW, SETOSA)
    log.close()
    assert {line["request_id"] for line in lines(tmp_path / "log")} == {name for name in chosen if int(name) < 1000}
    everything = make(Policy(1.0, 1 << 20))
    assert all(everything.chosen(str(name)) for name in range(1000))
    everything.close()


def test_columns_are_left_out_or_hashed_and_missing_values_stay_missing(make: Make, tmp_path: Path) -> None:
    """Equal values have equal hashes under one key and others under another; a column that is not there is refused."""
    policy = Policy(1.0, 1 << 20, ["petal width (cm)"], ["petal length (cm)"], KEY)
    for key in (KEY, KEY[::-1]):
        log = make(policy._replace(key=key))
        log.observe("a", ROW, SETOSA)
        log.observe("b", {**ROW, "sepal width (cm)": np.array([np.nan])}, SETOSA)
        log.close()
    first, second, other, _ = lines(tmp_path / "log")
    assert set(first["inputs"]) == {"sepal length (cm)", "sepal width (cm)", "petal length (cm)"}
    hashed = first["inputs"]["petal length (cm)"]
    assert re.fullmatch("[0-9a-f]{32}", hashed)
    assert second["inputs"]["petal length (cm)"] == hashed != other["inputs"]["petal length (cm)"]
    assert second["inputs"]["sepal width (cm)"] is None
    assert (first["prediction"], first["probabilities"]["setosa"]) == ("setosa", 0.93)
    with pytest.raises(ConfigurationError, match="'petal' is no input"):
        make(policy._replace(without=["petal"]))
    with pytest.raises(ConfigurationError, match="inference_key_file"):
        make(policy._replace(key=b""))


def test_what_waits_is_bounded_and_what_is_dropped_is_counted(make: Make, tmp_path: Path) -> None:
    """Of files that nobody ships as many bytes as allowed, of memory as many values; the rest is counted."""
    log = make(Policy(1.0, 5000))
    for name in range(200):
        log.observe(str(name), ROW, SETOSA)
    log.close()
    assert sum(file.stat().st_size for file in (tmp_path / "log").iterdir()) <= 5000
    assert log.logged > 0
    assert (log.logged + log.dropped, len(lines(tmp_path / "log"))) == (200, log.logged)
    stuck = make(Policy(1.0, 1 << 30))
    stuck.close()  # nothing is taken any more
    for name in range(50_000):
        stuck.observe(str(name), ROW, SETOSA)
    assert stuck.dropped == 50_000 - inference_log._CELLS // 8


def test_from_the_wire_to_s3_and_joined_with_labels(packaged: dict[str, Packaged], tmp_path: Path, s3: Bucket) -> None:
    """A predictor without credentials writes files; `ship` makes Parquet of them by digest and day, and deletes them.

    A torn line of a killed process is counted, a repeat doubles nothing, shadow requests are not in it.
    """
    model = packaged["iris"]
    settings = {"PREDICTOR_INFERENCE_LOG": str(tmp_path / "log"), "PREDICTOR_INFERENCE_SHARE": "1"}
    server = start(model, tmp_path / "out.log", **settings)
    try:
        server.wait()
        body = {"instances": [{name: values[row] for name, values in model.rows.items()} for row in range(2)]}
        for name in ("a", "b", "c"):
            assert server.post(server.v1, body, {"x-request-id": name}).status == 200
        server.post(server.v1, body, {"x-request-id": "d", "x-modelpin-purpose": "shadow"})
        server.post(server.v1, {"instances": [{"no": 1}]}, {"x-request-id": "e"})
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"modelpin_inference_logged_total 3.0" not in server.request("GET", "/metrics").body:
            assert time.monotonic() < deadline
    finally:
        assert server.stop() == 0
    (tmp_path / "log/1-killed.jsonl").write_text('{"request_id": "f", "ti')
    files = {file.name: file.read_bytes() for file in (tmp_path / "log").iterdir()}
    target = Destination(f"s3://{s3.name}/inference/iris")
    assert ship(tmp_path / "log", target) == (6, 1)
    assert not list((tmp_path / "log").iterdir())
    for name, content in files.items():  # it was killed before it deleted
        (tmp_path / "log" / name).write_bytes(content)
    ship(tmp_path / "log", target)
    (key,) = s3.keys()
    assert re.fullmatch(rf"inference/iris/digest={model.digest}/day=\d{{4}}-\d\d-\d\d/\d+-\d+-1\.parquet", key)
    file = tmp_path / "shipped" / key.removeprefix("inference/iris/")
    file.parent.mkdir(parents=True)
    s3.client.download_file(s3.name, key, str(file))
    table = pq.read_table(file).to_pandas()
    assert table["request_id"].tolist() == ["a", "a", "b", "b", "c", "c"]
    assert {f"in:{name}" for name in model.rows} <= set(table.columns)
    back = pd.DataFrame({"request_id": ["a", "b"], "row": [0, 1], "label": ["setosa", "x"], "time": ["2026-12-01"] * 2})
    (realised,) = labels.join(back, labels.read(str(tmp_path / "shipped"), "the log"), None)
    assert (realised.digest, realised.logged, realised.losses.tolist()) == (model.digest, 6, [0.0, 1.0])
