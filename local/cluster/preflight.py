"""Say in one line each what `make cluster` lacks on this machine, before anything is installed.

    python3 local/cluster/preflight.py

Standard library only: no environment is needed for it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

# Program → how it says its version, the oldest that will do, why, where it comes from.
TOOLS = {
    "kind": (("version",), "0.27", "runs nodes of Kubernetes 1.33 and newer", "https://kind.sigs.k8s.io"),
    "kubectl": (("version", "--client"), "1.27", "renders components", "https://kubernetes.io/docs/tasks/tools"),
    "helm": (("version", "--short"), "3.8", "reads charts from registries", "https://helm.sh"),
}
LEAST_CPUS, LEAST_GIB = 4, 7.0  # of Docker: what is installed asks for 2 CPUs, six pods of models for 1
FREE_GB = 15.0  # images of the node, of what is installed, and of the predictor
_SECONDS = 60


def main() -> int:
    """0 when nothing is missing; 10 after a line for each thing that is."""
    missing = [line for check in (docker, tools, git, disk) for line in check()]
    for line in missing:
        print(f"error: {line}", file=sys.stderr)
    return 10 if missing else 0


def docker() -> list[str]:
    """Whether a Docker daemon answers, with room for a cluster."""
    if not shutil.which("docker"):
        return ["there is no docker in PATH: install Docker Engine or Docker Desktop (https://docs.docker.com/engine)"]
    answer = output("docker", "info", "--format", "{{.NCPU}} {{.MemTotal}}")
    numbers = re.fullmatch(r"(\d+) (\d+)", answer)
    if not numbers or numbers[2] == "0":
        return [f"no Docker daemon answers ({answer or 'it said nothing'}): start it, then `docker info` shows it"]
    cpus, gib = int(numbers[1]), int(numbers[2]) / 2**30
    if cpus < LEAST_CPUS or gib < LEAST_GIB:
        has = f"{cpus} CPUs and {gib:.1f} GiB"
        return [f"Docker has {has}, the cluster takes {LEAST_CPUS} and {LEAST_GIB:.0f}: give it more"]
    return []


def tools() -> list[str]:
    """Whether each program is there and new enough."""
    lines = []
    for name, (arguments, minimum, why, source) in TOOLS.items():
        if not shutil.which(name):
            lines.append(f"there is no {name} in PATH: install {name} {minimum} or newer, which {why}: {source}")
            continue
        answer = output(name, *arguments)
        number = re.search(r"\d+\.\d+(?:\.\d+)?", answer)
        if number is None or version(number[0]) < version(minimum):
            current = number[0] if number else repr(answer)
            lines.append(f"{name} is {current}: install {minimum} or newer, which {why}: {source}")
    return lines


def git() -> list[str]:
    """Whether git has the program that serves a repository over HTTP; some packages of git leave it out."""
    if not shutil.which("git"):
        return ["there is no git in PATH: install it (Debian: apt-get install git)"]
    if not (Path(output("git", "--exec-path")) / "git-http-backend").exists():
        return ["git has no http-backend, by which Argo CD reads the repository: install git's full package"]
    return []


def disk() -> list[str]:
    """Whether this disk has room. Docker's may be another one, which only Docker knows."""
    free = shutil.disk_usage(Path(__file__).parent).free / 1e9
    return [] if free >= FREE_GB else [f"{free:.1f} GB are free, {FREE_GB:.0f} GB are needed: free some"]


def output(*command: str) -> str:
    """The first line that a program prints, or what it says instead."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return lines[-1 if done.returncode else 0] if lines else ""


def version(text: str) -> tuple[int, ...]:
    """`1.34.0` → (1, 34, 0)."""
    return tuple(int(part) for part in text.split("."))


if __name__ == "__main__":
    sys.exit(main())
