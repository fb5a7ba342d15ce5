"""What the inference log costs: CPU time a request, of the thread that answers and of all threads."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

from artifact.prediction import Prediction
from artifact.signature import Feature, Output, Signature
from predictor.observe.inference_log import InferenceLog, Policy

REQUESTS = 20_000
SHARES = (0.0, 0.1, 1.0)
NAMES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
CLASSES = ("setosa", "versicolor", "virginica")


def measure(share: float, requests: int = REQUESTS) -> dict[str, float]:
    """Microseconds a request of one row, and bytes a logged one."""
    inputs = tuple(Feature(name, "float64") for name in NAMES)
    outputs = (Output("label", "string"), Output("probabilities", "float64", CLASSES))
    columns = {name: np.array([5.1]) for name in NAMES}
    answer = Prediction(np.array(["setosa"], dtype=object), np.array([[0.93, 0.05, 0.02]]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy = Policy(share, 1 << 30)
        log = InferenceLog(folder, policy, Signature("classification", inputs, outputs), "sha256-0", "iris-0123abcd")
        ids = [uuid.uuid4().hex for _ in range(requests)]
        thread, process = time.thread_time(), time.process_time()
        for request_id in ids:
            log.observe(request_id, columns, answer)
        thread = time.thread_time() - thread
        log.close()
        process = time.process_time() - process
        size = sum(file.stat().st_size for file in folder.iterdir())
        return {
            "share": share,
            "answering_us": round(thread / requests * 1e6, 2),
            "all_us": round(process / requests * 1e6, 2),
            "logged": log.logged,
            "dropped": log.dropped,
            "bytes": round(size / log.logged) if log.logged else 0,
        }


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.inference_log", description=__doc__).parse_args()
    for share in SHARES:
        print(json.dumps(measure(share)))
