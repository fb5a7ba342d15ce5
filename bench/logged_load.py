"""`python -m bench.logged_load`: requests a second of one predictor each without and with the inference log, in turns.

One row of iris over v1, 8 connections of wrk on a core of its own. The table has the median of the windows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from artifact.digest import ArtifactUri
from artifact.manifest import FILE, Manifest
from bench.cores import choose
from bench.load import wrk
from bench.requests import Request
from local import variant
from local.load import BODY
from local.serving import Predictor
from local.state import REPOSITORY, environment

CONNECTIONS = 8
SHARES = ("off", "0.1", "1")


def measure(windows: int, seconds: int) -> dict[str, list[float]]:
    """Requests a second of each window, by share of the requests that are logged."""
    request = Request(f"/v1/models/{variant.NAME}:predict", {"content-type": "application/json"}, BODY)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        artifact = variant.make(folder / "model", 1.0)
        digest = Manifest.from_bytes((artifact / FILE).read_bytes()).digest
        uri = str(ArtifactUri("bench", "models", variant.NAME, digest))
        ports, cores = {}, choose()
        os.sched_setaffinity(0, {cores.server})  # the predictors' too, which this process starts
        for share in SHARES:
            own = {"PREDICTOR_INFERENCE_LOG": str(folder / f"log-{share}"), "PREDICTOR_INFERENCE_SHARE": share}
            own |= {"PREDICTOR_INFERENCE_BYTES": str(1 << 30)}
            env = environment({} if share == "off" else own)
            log = folder / f"{share}.log"
            predictor = Predictor(variant.NAME, uri, f"iris-{'0' * 8}", artifact, code=REPOSITORY, env=env, log=log)
            ports[share] = stack.enter_context(predictor).port
        rates: dict[str, list[float]] = {share: [] for share in SHARES}
        for share in SHARES:
            wrk(request, ports[share], CONNECTIONS, 1, cores.client)  # warm
        for _ in range(windows):
            for share in SHARES:
                window = wrk(request, ports[share], CONNECTIONS, seconds, cores.client)
                rates[share].append(window.requests / window.seconds)
        return rates


def main() -> None:
    """Print the table; a minute and a half."""
    line = argparse.ArgumentParser(prog="python -m bench.logged_load", description=main.__doc__)
    line.add_argument("--windows", type=int, default=7, help="of each predictor (%(default)s)")
    line.add_argument("--seconds", type=int, default=4, help="of a window (%(default)s)")
    options = line.parse_args()
    rates = measure(options.windows, options.seconds)
    print("| share that is logged | requests a second, median (least to most) | beside none |\n|---|---|---|")
    for share, measured in rates.items():
        middle = statistics.median(measured)
        ratio = middle / statistics.median(rates["off"])
        print(f"| {share} | {middle:,.0f} ({min(measured):,.0f} to {max(measured):,.0f}) | {ratio:.1%} |")


if __name__ == "__main__":
    main()
