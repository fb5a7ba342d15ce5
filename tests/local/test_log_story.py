"""The inference log from a real predictor to a decision: written, shipped, compared, labelled, asked again."""

import contextlib
import copy
import dataclasses
import io
import json
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from artifact.errors import ModelpinError
from local import canary_demo, example, git, variant
from local.canary_demo import Canary
from local.knative import Revision
from local.narrator import Narrator
from local.serving import Predictor
from local.state import State
from tests.deadlines import ANSWER_SECONDS

REQUESTS = 120
LOG = "s3://modelpin/inference/iris-production"
ANALYSIS = f"analysis: {{shadow: {{requests: {REQUESTS}, latency_ratio: 100}}}}\n"


def rows() -> pd.DataFrame:
    """Rows of the example, the species mixed, each under the id of a request."""
    table = pd.read_csv(io.BytesIO(example.iris())).sample(REQUESTS, random_state=0).reset_index(drop=True)
    table.insert(0, "request_id", [f"r{number}" for number in range(REQUESTS)])
    return table


def ask(demo: Canary, table: pd.DataFrame) -> None:
    """A user's request for each row, to production's Route."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for name, *values in table.drop(columns="species").itertuples(index=False):
        request = urllib.request.Request(
            f"{demo.production.url}/v1/models/{variant.NAME}:predict",
            json.dumps({"instances": [values]}).encode(),
            {"Content-Type": "application/json", "x-request-id": name},
        )
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            assert answer.status == 200


def scale_to_zero(demo: Canary) -> None:
    """Every pod of production ends, which completes its files; others start from what Git says."""
    demo.gone.append(demo.production)
    demo.production.stop()
    demo.splitters["production"] = canary_demo.cluster(demo, "production")
    canary_demo.wait(demo.production, demo.production.settled)


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that every predictor of the story logs to, as the component of gitops/ has it: one a namespace."""
    start, folder = canary_demo.start, tmp_path / "log"

    def start_logging(demo: Canary, environment: str, revision: Revision) -> Predictor:
        clone = copy.copy(demo.clone)
        own = {"PREDICTOR_INFERENCE_LOG": str(folder / f"iris-{environment}"), "PREDICTOR_INFERENCE_SHARE": "1"}
        clone.env = {**demo.clone.env, **own}
        return start(dataclasses.replace(demo, clone=clone), environment, revision)

    monkeypatch.setattr(canary_demo, "start", start_logging)
    return folder


@pytest.mark.story
def test_a_candidate_gets_traffic_by_what_it_answers_to_logged_requests(tmp_path: Path, logged: Path) -> None:
    """Requests of users come back from S3: no drift, the accuracy of their labels, and the same asked of a candidate.

    Its first share of the traffic waits for that, and the commit says what came of it.
    """
    table = rows()
    with contextlib.closing(Narrator(tmp_path / "narrated")) as tell, contextlib.ExitStack() as cleanup:
        demo = canary_demo.begin(State(tmp_path / "state"), tell, cleanup)
        a, b, _ = canary_demo.publish(demo)
        canary_demo.stage(demo, a)
        canary_demo.step(demo, *demo.enter, "--wait", "120")
        canary_demo.wait(demo.production, demo.production.settled)
        ask(demo, table)
        scale_to_zero(demo)
        demo.clone.python("-m", "shipper", "--from", str(logged), "--to", LOG.rpartition("/")[0])
        assert not list(logged.rglob("*.jsonl"))

        artifact = str(demo.state.root / "variants/A/artifact")
        pd.read_csv(io.BytesIO(example.iris())).to_parquet(tmp_path / "train.parquet")
        words = ("--log", LOG, "--artifact", artifact, "--reference", str(tmp_path / "train.parquet"), "--least", "60")
        drift = json.loads("\n".join(demo.clone.python("-m", "monitoring", "log-drift", *words, "--json")))
        assert drift["alarm"] is False

        labels = table[["request_id", "species"]].rename(columns={"species": "label"}).assign(time="2099-01-01", row=0)
        labels.to_csv(tmp_path / "labels.csv", index=False)
        words = ("--in", str(tmp_path / "labels.csv"), "--log", LOG, "--artifact", artifact, "--margin", "0.05")
        (line,) = [text for text in demo.clone.python("-m", "monitoring", "labels", *words) if a[:19] in text]
        assert f"{REQUESTS}" in line

        demo.clone.replace(
            f"{demo.production.folder.path}/environment.yaml", "takes: staging\n", f"takes: staging\n{ANALYSIS}"
        )
        demo.clone.push("Ask candidates what users asked before users see them")
        canary_demo.stage(demo, b)
        canary_demo.step(demo, *demo.enter, "--canary", "10")
        canary_demo.wait(demo.production, demo.production.settled)
        location, out = ("--env", "production", "--gateway", demo.production.url), tmp_path / "shadow.json"
        assert "waits for --shadow" in demo.clone.python("-m", "release", "step", *location)[-1]
        demo.clone.python("-m", "release", "shadow", *location, "--out", str(out), "--rate", "1000")
        content = json.loads(out.read_text())
        assert (content["requests"], content["digests"], content["errors"]) == (REQUESTS, [[a, b]], {})
        demo.clone.python("-m", "release", "step", *location, "--shadow", str(out))
        canary_demo.wait(demo.production, demo.production.settled)
        assert demo.production.status()[1] == {a: 90, b: 10}
        trailer = git.run(demo.state.origin, "log", "-1", "--format=%(trailers:key=Shadow)", git.BRANCH)
        assert f"{REQUESTS} requests, {REQUESTS} rows" in trailer

        out.unlink()
        output = demo.clone.python("-m", "release", "shadow", *location, "--out", str(out))
        assert output[-1] == "no candidate waits for its first share in production"
        assert not out.exists()
        with pytest.raises(ModelpinError, match="exit code 2"):
            demo.clone.python(
                "-m", "monitoring", "labels", "--in", str(tmp_path / "labels.csv"), "--log", f"{LOG}-none"
            )
