"""Runs `python -m release` to learn what the bucket and Git hold; its exit code and last line become this command's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from artifact.digest import ArtifactUri
from artifact.errors import UsageError, kind


def fetch(uri: str, into: Path) -> None:
    """The artifact at `uri` into the folder `into`, verified; StorageError (30), IntegrityError (20)."""
    _release("fetch", uri, "--out", str(into))


def show(uri: str) -> dict[str, Any]:
    """What the bucket says of the artifact at `uri`."""
    artifact: dict[str, Any] = json.loads(_release("show", uri, "--json"))
    return artifact


def artifact_uri(text: str) -> ArtifactUri:
    """`text` when it is a URI, else that of the release, or of the beginning of a digest, that a record names."""
    return ArtifactUri.parse(text if "://" in text else show(text)["uri"])


def records() -> list[dict[str, Any]]:
    """The record of each model and environment, from the branch that Argo CD follows."""
    records: list[dict[str, Any]] = json.loads(_release("status", "--json"))
    return records


def settings() -> dict[str, str]:
    """gitops/settings/settings.yaml: name → value."""
    return dict(line.split("=", 1) for line in _release("settings").splitlines())


def _release(*arguments: str) -> str:
    process = subprocess.run([sys.executable, "-m", "release", *arguments], capture_output=True, text=True, check=False)
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"release {arguments[0]} ended with {process.returncode}"]
        raise kind(process.returncode, UsageError)(lines[-1].removeprefix("error: "))
    return process.stdout
