"""`make cluster` before anything is installed: one line for each thing that this machine lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.cluster import preflight

SCRIPT = Path(preflight.__file__)
GIT = "case $1 in --exec-path) echo {folder};; esac"
ALL = {
    "docker": "echo 8 16000000000",
    "kind": "echo kind v0.30.0 go1.24 linux/amd64",
    "kubectl": "echo Client Version: v1.34.0",
    "helm": "echo v3.19.0+g3d8990f",
    "git": GIT,
}


def run_preflight(folder: Path, programs: dict[str, str]) -> tuple[int, list[str]]:
    """Exit code, and the lines on standard error, where PATH holds `programs` alone."""
    (folder / "git-http-backend").touch()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script.format(folder=folder)}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run([sys.executable, SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_a_machine_that_has_everything_hears_nothing(tmp_path: Path) -> None:
    """Docker with room, kind, kubectl and helm new enough, git with its HTTP backend."""
    assert run_preflight(tmp_path, ALL) == (0, [])


def test_a_machine_without_anything_hears_of_each(tmp_path: Path) -> None:
    """A line each for docker, kind, kubectl, helm and git, with where it comes from."""
    code, lines = run_preflight(tmp_path, {})
    assert code == 10
    assert [line.split(" in PATH: install ")[0] for line in lines] == [
        f"error: there is no {name}" for name in ("docker", "kind", "kubectl", "helm", "git")
    ]


@pytest.mark.parametrize(
    ("name", "script", "line"),
    [
        ("docker", "echo no daemon >&2; exit 1", "no Docker daemon answers (no daemon): start it"),
        ("docker", "echo 0 0; echo no daemon >&2", "no Docker daemon answers (0 0): start it"),
        ("docker", "echo 2 16000000000", "Docker has 2 CPUs and 14.9 GiB, the cluster takes 4 and 7"),
        ("docker", "echo 4 4000000000", "Docker has 4 CPUs and 3.7 GiB"),
        ("kind", "echo kind v0.20.0", "kind is 0.20.0: install 0.27 or newer"),
        ("helm", "echo nothing", "helm is 'nothing': install 3.8 or newer"),
        ("kubectl", "exit 1", "kubectl is '': install 1.27 or newer"),
        ("git", "echo /nowhere", "git has no http-backend"),
    ],
)
def test_what_is_not_enough_is_said(tmp_path: Path, name: str, script: str, line: str) -> None:
    """A daemon that does not answer or has no room, a program that is too old, a git without its backend."""
    code, lines = run_preflight(tmp_path, {**ALL, name: script})
    assert (code, len(lines)) == (10, 1)
    assert line in lines[0]


def test_a_disk_without_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is free, and how much is needed."""
    monkeypatch.setattr(preflight, "FREE_GB", 1e9)
    (line,) = preflight.disk()
    assert "GB are free, 1000000000 GB are needed" in line
