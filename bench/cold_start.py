"""`python -m bench.cold_start`: what a pod waits for, part by part, in processes as it has them, one after the other.

KServe's storage initializer and ours fetch one artifact of a logistic regression from the embedded S3; then the
predictor verifies, loads and answers. Bytecode: "image" where the image has it, so for all of ours; "none" as in the
image of KServe's storage initializer, which is built without (python/storage-initializer.Dockerfile, as Python's own
image is). Medians of `--times` runs; seconds of CPU and on the clock; the load of the machine stands at the end.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import environments, usage
from bench.examples import logistic
from bench.package import Packaged, package
from local import venv
from local.ports import free
from local.s3 import S3

BUCKET = "models"
# What scripts/initializer-entrypoint of KServe's image does with one URI.
KSERVES = """\
import os, sys
from kserve_storage import Storage
from kserve_storage.logging import configure_logging
configure_logging()
os.makedirs(sys.argv[2], exist_ok=True)
Storage.download_files([sys.argv[1]], [sys.argv[2]])
"""
_PHASE = re.compile(r'^modelpin_start_seconds\{.*?phase="(\w+)".*?\} (\S+)$', re.M)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args(argv).times
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = package("flower", logistic(), folder)
        python, ours = environments.ours(folder)
        subprocess.run([python, "-m", "compileall", "-q", python.parents[1] / "lib"], check=False)
        with S3(folder / "s3", buckets=(BUCKET,)) as s3:
            uri = _upload(s3, model)
            kserves = [str(venv.path("storage", print) / "bin/python"), "-c", KSERVES, uri]
            lean = [str(python), "-m", "initializer", uri]
            bare = {"PYTHONPYCACHEPREFIX": str(folder / "no bytecode"), "PYTHONDONTWRITEBYTECODE": "1"}
            rows = [
                (
                    "KServe's storage initializer, bytecode: none",
                    _download(kserves, ours, s3.env | bare, folder, times),
                ),
                ("KServe's storage initializer, bytecode: image", _download(kserves, ours, s3.env, folder, times)),
                ("initializer/", _download(lean, ours, s3.env, folder, times)),
            ]
        rows += _predictor(python, ours, model, times)
    print("| part | CPU, s | clock, s |\n|---|---|---|")
    for part, times in rows:
        cpu, clock = (statistics.median(values) for values in zip(*times, strict=True))
        print(f"| {part} | {'' if cpu < 0 else f'{cpu:.3f}'} | {clock:.3f} |")
    print(f"\nload {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {model.engine}")
    return 0


def _upload(s3: S3, model: Packaged) -> str:
    client = s3.client()
    for path in model.artifact.iterdir():
        client.put_object(Bucket=BUCKET, Key=f"models/{model.name}/{model.digest}/{path.name}", Body=path.read_bytes())
    return f"s3://{BUCKET}/models/{model.name}/{model.digest}/"


def _download(
    command: list[str], ours: Path, variables: dict[str, str], folder: Path, times: int
) -> list[tuple[float, float]]:
    environment = {**os.environ, "PYTHONPATH": str(ours), **variables}
    seconds = []
    for turn in range(-1, times):  # the first one warms the page cache
        with tempfile.TemporaryDirectory(dir=folder) as target:
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run([*command, target], env=environment, check=True, capture_output=True)
            clock, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        if turn >= 0:
            seconds.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock))
    return seconds


def _predictor(python: Path, ours: Path, model: Packaged, times: int) -> list[tuple[str, list[tuple[float, float]]]]:
    phases: dict[str, list[tuple[float, float]]] = {}
    for turn in range(-1, times):
        port, grpc = free(2)
        flags = ["--model_dir", str(model.artifact), "--model_name", model.name, "--expected_digest", model.digest]
        listen = ["--host", "127.0.0.1", "--http_port", str(port), "--grpc_port", str(grpc)]
        environment = {**os.environ, "PYTHONPATH": str(ours), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with subprocess.Popen(
            [python, "-m", "predictor", *flags, *listen],
            env=environment,
            cwd=ours,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            body = json.dumps({"instances": [[column[0] for column in model.rows(0, 1).values()]]}).encode()
            while _ask(port, "POST", f"/v1/models/{model.name}:predict", body) is None:
                time.sleep(0.005)
            cpu = usage.cpu_seconds(process.pid)
            seconds = dict(_PHASE.findall((_ask(port, "GET", "/metrics") or b"").decode()))
            process.terminate()
        if turn >= 0:
            for name in ("import", "verify", "load"):
                phases.setdefault(f"predictor: {name}", []).append((-1, float(seconds[name])))
            phases.setdefault("predictor: from exec to the first answer", []).append(
                (cpu, float(seconds["first_answer"]))
            )
    return list(phases.items())


def _ask(port: int, method: str, path: str, body: bytes = b"") -> bytes | None:
    """The answer, or None as long as nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except OSError:
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    raise SystemExit(main())
