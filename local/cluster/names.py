"""Where the cluster on this machine keeps its files, and what its parts are called."""

import os
from pathlib import Path

from local.state import DEFAULT, REPOSITORY, State

NAME = "modelpin"  # of the cluster, so `docker ps` shows modelpin-control-plane
NODE = f"{NAME}-control-plane"
STATE = State(DEFAULT / "cluster")
PAGES = REPOSITORY / "docs" / "to-your-cluster"
VERSIONS = PAGES / "versions.env"
MODEL = "iris"
ENVIRONMENTS = ("staging", "production")
S3_SECRET = "embedded-s3"  # noqa: S105  # the name of a Secret


def kubeconfig(state: State) -> Path:
    """Of this cluster alone: the contexts of a person's own kubeconfig are neither used nor changed."""
    return state.root / "kubeconfig"


def versions() -> dict[str, str]:
    """The variables of docs/to-your-cluster/versions.env."""
    lines = [line.removeprefix("export ") for line in VERSIONS.read_text().splitlines() if line.startswith("export ")]
    return dict(line.split("=", 1) for line in lines)


def environment(state: State) -> dict[str, str]:
    """What kind, kubectl, helm and the blocks of the pages get: the caller's shell, versions, this cluster's files."""
    own = {"KUBECONFIG": str(kubeconfig(state)), "DOMAIN": "models.example.com"}
    return {**os.environ, **versions(), **own}
