"""MLflow's tracking server on loopback: sqlite, artifacts served through it, no telemetry, one worker."""

import sys
import urllib.request
from pathlib import Path
from typing import Self

from local import ports
from local.deadlines import START_SECONDS
from local.process import Process
from local.state import environment


class Tracking:
    """One server; database, artifacts, port and log live in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._process: Process | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """For MLFLOW_TRACKING_URI and the browser."""
        return f"http://{ports.LOOPBACK}:{self._port}"

    def launch(self) -> None:
        """Starts the server; `wait` tells when it is ready (it takes seconds, in which others can start too)."""
        (self.folder / "artifacts").mkdir(parents=True, exist_ok=True)
        self._port = self._choose_port()
        # `mlflow server` sets these variables and starts uvicorn with them. Starting uvicorn ourselves halves the time
        # and the memory: MLflow is imported once, not twice. The names are those of mlflow.server;
        # tests/local/test_tracking.py fails when an upgrade changes them.
        store = {
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.folder}/mlflow.db",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.folder / "artifacts"),
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        app = ["mlflow.server.fastapi_app:app", "--host", ports.LOOPBACK, "--port", str(self._port), "--no-access-log"]
        self._process = Process(
            "MLflow",
            [sys.executable, "-m", "uvicorn", *app],
            env=environment(store),
            cwd=self.folder,
            log=self.folder / "server.log",
        )

    def wait(self) -> None:
        """Returns when the server answers; StorageError when it does not within a minute."""
        assert self._process is not None
        self._process.wait_until(self._answers, seconds=START_SECONDS)

    def interrupt(self) -> None:
        """Asks it to end, without waiting."""
        if self._process:
            self._process.interrupt()

    def stop(self) -> None:
        """Returns when the server is gone. Safe to call twice."""
        if self._process:
            self._process.stop()
            self._process = None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _choose_port(self) -> int:
        """That of the last start when it is free: links to the UI stay good."""
        file = self.folder / "port"
        if file.exists() and ports.is_free(port := int(file.read_text())):
            return port
        (port,) = ports.free(1)
        file.write_text(str(port))
        return port

    def _answers(self) -> bool:
        # The API, not /health: the first request makes the database, and nobody's first request should wait for that.
        url = f"{self.url}/api/2.0/mlflow/experiments/search?max_results=1"
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        self.launch()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
