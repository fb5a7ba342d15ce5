"""Load from native clients, pinned to the client's core: wrk for HTTP/1.1, h2load for gRPC."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from artifact.errors import ConfigurationError
from bench.requests import Request

_SCRIPT = Path(__file__).with_name("post.lua")
_LONGEST_ANSWER = 60  # seconds


@dataclass(frozen=True)
class Window:
    """What a client saw: requests answered rightly, seconds, latencies in seconds, failures, its own CPU seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failures: int
    client_cpu: float


def wrk(request: Request, port: int, connections: int, seconds: int, core: int) -> Window:
    """Keep `connections` busy with `request` for `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "body")
        body.write_bytes(request.body)
        options = [f"--connections={connections}", f"--duration={seconds}s", f"--timeout={_LONGEST_ANSWER}s"]
        headers = [f"{name}={value}" for name, value in request.headers.items()]
        url = f"http://127.0.0.1:{port}{request.path}"
        command = ["wrk", "--threads=1", *options, "--latency", f"--script={_SCRIPT}", url, "--", str(body), *headers]
        text, cpu, _ = _run(command, core)
    return parse_wrk(text, cpu)


def h2load(request: Request, answer: int, port: int, connections: int, seconds: int, core: int) -> Window:
    """As `wrk`, over HTTP/2 with one call at a time on each connection.

    h2load does not read trailers, so a failed call shows by its size: a right one has `answer` bytes of data.
    """
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        body.write_bytes(request.body)
        headers = [f"--header={name}: {value}" for name, value in request.headers.items()]
        options = ["--threads=1", f"--clients={connections}", "--max-concurrent-streams=1", f"--duration={seconds}"]
        url = f"http://127.0.0.1:{port}{request.path}"
        command = ["h2load", *options, f"--data={body}", f"--log-file={log}", *headers, url]
        text, cpu, elapsed = _run(command, core)
        return parse_h2load(text, log.read_text(), min(elapsed, seconds), answer, cpu)


def parse_wrk(text: str, client_cpu: float) -> Window:
    """Read the last line that post.lua writes."""
    try:
        counts = json.loads(text.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise ConfigurationError(f"wrk said {text[-300:]!r}; does it run here at all?") from error
    failures = counts["status"] + counts["socket"] + counts["timeout"]
    good = counts["requests"] - counts["status"]
    seconds = counts["microseconds"] / 1e6
    # wrk knows the latency of what was answered; nothing answered took longer than the window.
    p50, p99 = (counts[name] / 1e6 if counts["requests"] else seconds for name in ("p50", "p99"))
    return Window(good, seconds, p50, p99, failures, client_cpu)


def parse_h2load(text: str, log: str, seconds: float, answer: int, client_cpu: float) -> Window:
    """Read h2load's summary and its log, a line a request: start, status, duration in microseconds."""
    traffic = re.search(r"traffic: .*\((\d+)\) data", text)
    requests = [line.split("\t") for line in log.splitlines()]
    durations = sorted(int(duration) for _, status, duration in requests if status == "200")
    if traffic is None or not durations:
        raise ConfigurationError(f"h2load said {text[-300:]!r}; does the server speak gRPC there?")
    whole = int(traffic[1]) // answer
    failures = len(requests) - len(durations) + max(0, len(durations) - whole)
    p50, p99 = (durations[math.ceil(len(durations) * share) - 1] / 1e6 for share in (0.5, 0.99))
    return Window(min(len(durations), whole), seconds, p50, p99, failures, client_cpu)


def _run(command: list[str], core: int) -> tuple[str, float, float]:
    """Output, CPU seconds and seconds of a command on one core."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        with subprocess.Popen(["taskset", "-c", str(core), *command], stdout=output, stderr=output) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - start
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise ConfigurationError(f"{command[0]} ended with {process.returncode}: {text[-300:]!r}")
    return text, usage.ru_utime + usage.ru_stime, elapsed
