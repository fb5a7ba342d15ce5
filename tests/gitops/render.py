"""Manifests as Argo CD would make them, from a copy of gitops/ that a test may change."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
Manifest = dict[str, Any]


@cache
def tool() -> tuple[str, ...]:
    """kubectl >= 1.27 or kustomize >= 5, whichever is here; the test is skipped with one line otherwise."""
    if shutil.which("kubectl"):
        process = subprocess.run(
            ["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True
        ).stdout
        minor = re.match(r"\d+", json.loads(process or "{}").get("clientVersion", {}).get("minor", "0"))
        if minor and int(minor[0]) >= 27:
            return ("kubectl", "kustomize")
    if shutil.which("kustomize"):
        process = subprocess.run(["kustomize", "version"], capture_output=True, text=True).stdout
        if re.search(r"v([5-9]|\d\d)\.", process):
            return ("kustomize", "build")
    pytest.skip("renders gitops/ with kubectl >= 1.27: https://kubernetes.io/docs/tasks/tools/")


@dataclass(frozen=True)
class Tree:
    """A gitops/ folder."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path) -> "Tree":
        """The repository's own, copied below `folder`."""
        return cls(Path(shutil.copytree(ROOT / "gitops", folder / "gitops")))

    def render(self, path: str) -> list[Manifest]:
        """The manifests of the kustomization at `path`."""
        done = subprocess.run([*tool(), str(self.folder / path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]

    def patch(self, path: str, patches: Iterable[Manifest]) -> None:
        """Add people's patches to the kustomization.yaml of an environment."""
        file = self.folder / path / "kustomization.yaml"
        document = yaml.safe_load(file.read_text())
        document["patches"] = [*document.get("patches", []), *patches]
        file.write_text(yaml.safe_dump(document))


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The one manifest of this kind."""
    (result,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return result
