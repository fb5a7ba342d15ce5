"""A predictor as KServe would run it from Git's words, and the same question put to it over v1, v2 REST and v2 gRPC."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from artifact.errors import ModelpinError, StorageError
from local import ports
from local.deadlines import ANSWER_SECONDS, START_SECONDS
from local.process import Process


@dataclass(frozen=True)
class Question:
    """Rows in the signature's order; every feature is a float64."""

    columns: Sequence[str]
    rows: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Answer:
    """Per row a label and a probability for each class; the digest is the one the server names (None offline)."""

    labels: list[str]
    probabilities: list[list[float]]
    digest: str | None


class Predictor:
    """`python -m predictor` on a folder that the storage initializer filled."""

    def __init__(
        self,
        name: str,
        uri: str,
        release: str,
        folder: Path,
        *,
        code: Path,
        env: Mapping[str, str],
        log: Path,
        program: Sequence[str] = ("predictor",),
        python: str | Path = sys.executable,
    ) -> None:
        """`release`: its name in Git; `program`: module and first arguments, of `python`, which has the serving lock.

        Returns when the model is ready; StorageError, with the log's place, if not.
        """
        self.name = name
        self._python = python
        self._http, self._grpc = ports.free(2)
        self._env, self._code, self._folder = env, code, folder
        addresses = ["--host", ports.LOOPBACK, "--http_port", str(self._http), "--grpc_port", str(self._grpc)]
        self._process = Process(
            "the predictor",
            [python, "-m", *program, "--model_dir", folder, "--model_name", name, *addresses],
            env={**env, "MODEL_URI": uri, "MODEL_RELEASE": release},
            cwd=code,
            log=log,
        )
        try:
            self._process.wait_until(self._ready, seconds=START_SECONDS)
        except BaseException:
            self._process.stop()
            raise

    @property
    def port(self) -> int:
        """Of its HTTP server."""
        return self._http

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._http}"

    def v1(self, question: Question) -> Answer:
        """POST /v1/models/<name>:predict."""
        body = {"instances": question.rows, "probabilities": True}
        answer, digest = self._post(f"/v1/models/{self.name}:predict", body)
        return Answer(answer["predictions"], answer["probabilities"], digest)

    def v2(self, question: Question) -> Answer:
        """POST /v2/models/<name>/infer, all features in one tensor."""
        shape = [len(question.rows), len(question.columns)]
        data = [value for row in question.rows for value in row]
        tensor = {"name": "input-0", "datatype": "FP64", "shape": shape, "data": data}
        answer, _ = self._post(f"/v2/models/{self.name}/infer", {"inputs": [tensor]})
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        return Answer(outputs["label"], _rows(outputs["probabilities"], shape[0]), answer["model_version"])

    def grpc(self, question: Question) -> Answer:
        """inference.GRPCInferenceService/ModelInfer, with typed contents (local/grpc_client.py)."""
        address = f"{ports.LOOPBACK}:{self._grpc}"
        answer = self._computed("local.grpc_client", address, self.name, question=question)
        return Answer(answer["labels"], _rows(answer["probabilities"], len(question.rows)), answer["digest"])

    def offline(self, question: Question, engine: str) -> Answer:
        """The same rows without a server: through the "artifact"'s engine, or plain "sklearn" (local/offline.py)."""
        answer = self._computed("local.offline", self._folder, engine, question=question)
        return Answer(answer["labels"], answer["probabilities"], None)

    def _computed(self, module: str, *arguments: str | Path, question: Question) -> Any:
        """What a module of ours prints for the question, in the predictor's environment."""
        process = subprocess.run(
            [self._python, "-m", module, *arguments],
            input=json.dumps({"columns": question.columns, "rows": question.rows}),
            env=dict(self._env),
            cwd=self._code,
            capture_output=True,
            text=True,
        )
        if process.returncode:
            raise ModelpinError(f"python -m {module} did not answer: {process.stderr.strip().splitlines()[-1]}")
        return json.loads(process.stdout)

    def stop(self) -> None:
        """Returns when it is gone."""
        self._process.stop()

    def _ready(self) -> bool:
        try:
            with _opener().open(f"{self.url}/v2/models/{self.name}/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _post(self, path: str, body: object) -> tuple[Any, str]:
        request = urllib.request.Request(  # noqa: S310  # http, on this machine
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with _opener().open(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer), answer.headers["x-model-digest"]
        except OSError as error:
            raise StorageError(f"the predictor did not answer {path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _opener() -> urllib.request.OpenerDirector:
    """Without the proxy that the environment may name: the predictor is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _rows(values: list[float], count: int) -> list[list[float]]:
    width = len(values) // count
    return [values[at : at + width] for at in range(0, len(values), width)]
