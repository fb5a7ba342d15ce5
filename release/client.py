"""What the bucket and Git hold, asked of `python -m release`: its exit code and its last line are this command's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from artifact.errors import UsageError, kind


def fetch(uri: str, into: Path) -> None:
    """The artifact at `uri` into the folder `into`, verified; StorageError (30), IntegrityError (20)."""
    _release("fetch", uri, "--out", str(into))


def show(uri: str) -> dict[str, Any]:
    """What the bucket says of the artifact at `uri`."""
    found: dict[str, Any] = json.loads(_release("show", uri, "--json"))
    return found


def records() -> list[dict[str, Any]]:
    """The record of each model and environment, from the branch that Argo CD follows."""
    found: list[dict[str, Any]] = json.loads(_release("status", "--json"))
    return found


def settings() -> dict[str, str]:
    """gitops/settings/settings.yaml: name → value."""
    return dict(line.split("=", 1) for line in _release("settings").splitlines())


def _release(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "release", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"release {arguments[0]} ended with {done.returncode}"]
        raise kind(done.returncode, UsageError)(said[-1].removeprefix("error: "))
    return done.stdout
