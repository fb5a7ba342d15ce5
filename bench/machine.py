"""Where a run happened, and with what versions: numbers of one machine say nothing without it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import environments
from bench.cores import Cores
from bench.peers import Site
from bench.plan import Plan

_OF_KSERVE = ("kserve", "fastapi", "uvicorn")
_OF_MLSERVER = ("mlserver", "mlserver-sklearn")
_OF_OURS = ("scikit-learn", "numpy", "pandas", "onnxruntime", "treelite")


def describe(site: Site, plan: Plan, cores: Cores) -> dict[str, Any]:
    """Date, cores, CPU, kernel, load average before the run, and versions of the clients and the servers."""
    load_average = round(os.getloadavg()[0], 2)  # before environments are made
    versions = {"python": platform.python_version()}
    versions |= {client: _client(client) for client in plan.clients if client != "taskset"}
    if {"kserve", "fastapi"} & set(plan.peers):
        versions |= environments.versions(site.kserve, _OF_KSERVE)
    if "mlserver" in plan.peers:
        versions |= environments.versions(site.mlserver, _OF_MLSERVER)
    if "ours" in plan.peers:
        versions |= environments.versions(site.ours[0], _OF_OURS)
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "cpu": model[1] if model else platform.machine(),
        "kernel": platform.release(),
        "load_average": load_average,
        "server_core": cores.server,
        "client_core": cores.client,
        "request_logs": "as each server ships" if site.logging else "off",
        "labels_only": site.labels_only,
        "versions": versions,
    }


def _client(command: str) -> str:
    process = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\d+\.\d+[\d.]*", process.stdout + process.stderr)
    return version[0] if version else "?"
