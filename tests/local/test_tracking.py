"""MLflow's server does what the track stage needs of it."""

from pathlib import Path

import mlflow
import pytest

from local.state import State


@pytest.mark.story
def test_metrics_artifacts_and_aliases(platform: State, tmp_path: Path) -> None:
    """A metric, an artifact that goes through the server, and a registered version by its alias come back."""
    url = platform.describe()["variables"]["MLFLOW_TRACKING_URI"]
    file = tmp_path / "report.txt"
    file.write_text("report")
    client = mlflow.MlflowClient(url)
    run = client.create_run(client.create_experiment("test-tracking")).info
    assert run.artifact_uri.startswith("mlflow-artifacts:/"), "clients need no credentials and no shared disk"
    client.log_metric(run.run_id, "accuracy", 0.9)
    client.log_artifact(run.run_id, str(file))
    client.create_registered_model("test-tracking")
    version = client.create_model_version("test-tracking", f"{run.artifact_uri}/report.txt", run.run_id)
    client.set_registered_model_alias("test-tracking", "challenger", version.version)

    assert client.get_run(run.run_id).data.metrics == {"accuracy": 0.9}
    assert client.get_model_version_by_alias("test-tracking", "challenger").run_id == run.run_id
    rest = mlflow.artifacts.download_artifacts(run_id=run.run_id, artifact_path="report.txt", tracking_uri=url)
    assert Path(rest).read_text() == "report"
    assert [path.read_text() for path in platform.mlflow.rglob("report.txt")] == ["report"]
