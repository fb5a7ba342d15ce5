"""A candidate asked what users asked, beside the stable release: real predictors, a real inference log."""

import json
import time
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from artifact.errors import StorageError, UsageError
from monitoring import shadow
from monitoring.shadow import Answered, Pairs, Release
from monitoring.shadow_evidence import ShadowEvidence, ShadowLimits
from shipper.__main__ import main as shipping
from tests.deadlines import ANSWER_SECONDS
from tests.predictor import models
from tests.predictor.conftest import start


def test_pairs_are_counted_row_by_row() -> None:
    """Agreement, flips by label, the largest difference of probabilities; who failed is counted apart."""
    pairs = Pairs()
    pairs.add(
        Answered(200, "s", 0.001, ["a", "b"], [[0.9, 0.1], [0.2, 0.8]]),
        Answered(200, "c", 0.003, ["a", "a"], [[0.8, 0.2], [0.6, 0.4]]),
    )
    pairs.add(Answered(200, "s", 0.001, ["a"], [[1.0, 0.0]]), Answered(503, "c", 0.001))
    numbers = Pairs()
    numbers.add(Answered(200, "s", 0.001, [1.0, 2.0]), Answered(200, "c", 0.001, [1.0, 2.5]))
    result = pairs.as_json()
    assert (result["rows"], result["agreement"], result["flips"]) == (2, 0.5, {"b -> a": 1})
    assert (result["difference"][2], result["errors"], result["requests"]) == (0.4, {"candidate 503": 1}, 2)
    assert (result["stable_ms"], result["candidate_ms"]) == ([1.0, 1.0], [3.0, 3.0])
    assert (numbers.as_json()["agreement"], numbers.as_json()["difference"][2]) == (0.5, 0.5)
    assert Pairs().as_json()["agreement"] is None
    assert pairs.line() == (
        "shadow: 2 requests, 2 rows, 50.00% agree, flips b -> a 1, difference 50/90/100 % 0.25/0.37/0.4, "
        "ms 50/90 % 1/1 stable, 3/3 candidate, 1 times candidate 503"
    )


def test_a_candidate_that_is_slower_or_differs_by_more_is_refused() -> None:
    """Each limit of environment.yaml is said with what was measured; evidence within all of them refuses nothing."""
    pairs = Pairs()
    pairs.add(Answered(200, "s", 0.001, [1.0]), Answered(200, "c", 0.003, [1.5]))
    result = ShadowEvidence.of(pairs.as_json())
    assert result.refusals(ShadowLimits(1, 0.9, 0.4, 2)) == [
        "agreement 0.0, at least 0.9",
        "difference 0.5 at 90 %, at most 0.4",
        "3 ms at 50 %, stable 1 ms, at most 2 times",
        "3 ms at 90 %, stable 1 ms, at most 2 times",
    ]
    assert result.refusals(ShadowLimits(1, None, 0.5, 3)) == []
    pairs.add(Answered(200, "s", 0.001, [1.0]), Answered(503, "c", 0.001))
    assert ShadowEvidence.of(pairs.as_json()).refusals(ShadowLimits(3, None, None, 3)) == [
        "2 requests of 3",
        "1 times candidate 503",
    ]


def test_a_log_without_an_input_and_a_url_that_does_not_answer() -> None:
    """What was left out of the log cannot be asked again; a release that is away is a storage error."""
    log = pd.DataFrame({"request_id": ["a"], "row": [0], "time": [1.0], "in:x": [1.0]})
    with pytest.raises(UsageError, match="has no y"):
        next(shadow.requests(log, {"x", "y"}, 10))
    assert list(shadow.requests(log, {"x"}, 10)) == [[{"x": 1.0}]]
    with pytest.raises(StorageError, match="did not answer"):
        Release("http://127.0.0.1:9", "iris").prepare()


@pytest.mark.story
def test_a_candidate_is_compared_and_nothing_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two releases are asked what the log has, compared, and count it as shadow and as nothing else."""
    stable = models.iris(tmp_path / "stable")
    data = {name: list(values) for name, values in stable.rows.items()}
    labels = [str(label) for label in stable.pipeline.predict(pd.DataFrame(data))]
    swapped = [{"setosa": "virginica", "virginica": "setosa"}.get(label, label) for label in labels]
    schema = {name: {"dtype": "float64", "range": [0, 100]} for name in data}
    target = stable.signature.outputs[0]
    other = models.package(
        tmp_path / "candidate",
        "iris",
        schema,
        data,
        models.Feature("species", target.dtype),
        swapped,
        (StandardScaler(), LogisticRegression()),
    )
    log = {"PREDICTOR_INFERENCE_LOG": str(tmp_path / "log"), "PREDICTOR_INFERENCE_SHARE": "1"}
    first, second = start(stable, tmp_path / "a", **log), start(other, tmp_path / "b")
    try:
        first.wait()
        second.wait()
        for row in range(10):
            assert (
                first.post(first.v1, {"instances": [{name: values[row] for name, values in data.items()}]}).status
                == 200
            )
        end = time.monotonic() + ANSWER_SECONDS
        while b"modelpin_inference_logged_total 10.0" not in first.request("GET", "/metrics").body:
            assert time.monotonic() < end
        (open_file,) = (tmp_path / "log").glob("*.open")
        copied = tmp_path / "copied"
        copied.mkdir()
        (copied / "1.jsonl").write_bytes(open_file.read_bytes())
        shipping(["--from", str(copied), "--to", str(tmp_path / "shipped")])
        capsys.readouterr()
        urls = ["--stable", first.url, "--candidate", second.url]
        shadow.main(["--log", str(tmp_path / "shipped"), "--model", "iris", *urls, "--rate", "1000"])
        content = json.loads(capsys.readouterr().out)
        assert (content["rows"], content["digests"]) == (10, [[stable.digest, other.digest]])
        assert content["agreement"] < 0.5
        assert "setosa -> virginica" in content["flips"]
        assert content["errors"] == {}
        for server, requests in ((first, 10), (second, 0)):
            message = server.request("GET", "/metrics").body.decode()
            assert message.count('purpose="shadow"') == 1
            assert ('modelpin_rows_total{protocol="v1"} 10.0' in message) == bool(requests)
        assert b"modelpin_inference_logged_total 10.0" in first.request("GET", "/metrics").body
    finally:
        first.stop()
        second.stop()
