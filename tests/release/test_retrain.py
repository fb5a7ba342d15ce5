"""`release retrain` on a real remote: what was followed stands in Git, once, and in the commits that come of it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from artifact.errors import ConfigurationError
from local import prometheus
from release.gitops import environment, retraining
from tests.monitoring.recording import Recording
from tests.release.answering import Answering
from tests.release.conftest import Repository, commit, git
from tests.release.test_traffic import Publish, deploy

STATE = "gitops/models/iris/retraining.yaml"


def alarm(folder: Path, **changes: Any) -> str:
    """A file as `monitoring drift --json` writes it."""
    path = folder / "alarm.json"
    path.write_text(json.dumps({"kind": "drift", "alarm": True, "features": ["x"], "windows": 3} | changes))
    return str(path)


def retrain(repository: Repository, *more: str, kind: str = "drift", code: int = 0) -> Any:
    done = repository.release("retrain", "--env", "production", "--kind", kind, *more)
    assert done.code == code, done.err or done.out
    return json.loads(done.out) if code == 0 else done.err


def test_an_alarm_is_followed_once_and_its_training_says_so(
    repository: Repository, cluster: Answering, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same data: an issue, once. New data: a training of the next kind, whose deploy carries the trigger."""
    assert "nothing serves" in retrain(repository, "--alarm", alarm(tmp_path), code=10)
    deploy(repository, publish(1), "--wait", "60", "--gateway", cluster.url)
    assert retrain(repository, "--alarm", alarm(tmp_path, alarm=False))["outcome"] == "nothing"
    assert retrain(repository, kind="data")["outcome"] == "nothing"
    first = retrain(repository, "--alarm", alarm(tmp_path))
    assert (first["outcome"], "x in 3 windows" in first["why"]) == ("issue", True)
    history = repository.history()
    assert retrain(repository, "--alarm", alarm(tmp_path))["outcome"] == "nothing"
    assert repository.history() == history

    commit(repository.folder, "data/iris.csv.dvc", "outs: []\n")
    again = retrain(repository, kind="data")
    assert again["outcome"] == "train"
    message = git(repository.origin, "log", "-1", "--format=%B", "main")
    assert f"Retrain-Trigger: {again['trigger']}" in message
    assert "Retrain-Outcome: train" in message
    assert [trigger.outcome for trigger in retraining.parse(repository.text_of(STATE), "x")] == ["issue", "train"]
    monkeypatch.setenv("RETRAIN_TRIGGER", again["trigger"])
    deploy(repository, publish(2), "--canary", "10", "--gateway", cluster.url)
    assert f"Retrain-Trigger: {again['trigger']}" in git(repository.origin, "log", "-1", "--format=%B", "main")


def test_what_is_no_alarm_is_refused(plain: Repository, tmp_path: Path) -> None:
    """No file, another kind, or the alarm of another release: usage, and nothing is committed."""
    history = plain.history()
    assert "needs --alarm" in retrain(plain, kind="performance", code=2)
    assert "no alarm of the kind drift" in retrain(plain, "--alarm", alarm(tmp_path, kind="performance"), code=2)
    (tmp_path / "alarm.json").write_text("{")
    assert "cannot be read" in retrain(plain, "--alarm", str(tmp_path / "alarm.json"), code=2)
    assert plain.history() == history


def test_what_people_decide_and_what_machines_write_are_checked() -> None:
    """Both files say what is wrong in them."""
    head = "shape: Knative\n"
    assert environment.parse(head + "retrain: {per_month: 2, every_days: 30}", "x").retrain.per_month == 2
    for section in ("{cooldown_days: 0}", "{per_month: -1}", "{every_days: true}", "{per_week: 1}"):
        with pytest.raises(ConfigurationError, match="retrain"):
            environment.parse(f"{head}retrain: {section}", "x")
    entry = retraining.render(())
    assert retraining.parse(entry, "x") == ()
    wrong = 'schema_version: 1\ntriggers:\n  - {kind: "whim", digest: "d", outcome: "o", since: "2026", reason: "r"}\n'
    with pytest.raises(ConfigurationError, match="is no trigger"):
        retraining.parse(wrong, "x")


@pytest.mark.story
def test_the_drift_of_what_serves_is_measured_where_no_alarm_is_handed_over(
    repository: Repository, cluster: Answering, publish: Publish, tmp_path: Path
) -> None:
    """From the counters of a real Prometheus, since the release serves; without its reference there: 30."""
    assert retrain(repository, code=10)  # nothing serves
    deploy(repository, publish(1), "--wait", "60", "--gateway", cluster.url)
    status = json.loads(repository.release("status", "--json").out)
    (serving,) = (status["stable"]["name"] for status in status if status["environment"] == "production")
    result = Recording(time.time() - 1200)
    target = {"namespace": "iris-production", "release": serving, "pod": "p", "feature": "x", "bin": "all"}
    result.counter("modelpin_reference_input_bin", target, [0.0] * 20, begins=100)
    result.counter("modelpin_input_bin_total", target, [5.0] * 20)
    with prometheus.Prometheus(tmp_path / "prometheus", recorded=result.text()) as running:
        assert "raises no alarm" in retrain(repository, "--prometheus", running.url)["why"]
        with prometheus.Prometheus(tmp_path / "empty") as empty:
            assert "modelpin_reference_input_bin" in retrain(repository, "--prometheus", empty.url, code=30)
    assert "not the URL of a Prometheus" in retrain(repository, code=10)
