"""Which package may import which: the loop's direction, held by reading the source."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = frozenset(
    {"artifact", "features", "pipeline", "scoring", "starter", "audit", "release", "predictor", "local", "bench"}
)

# What each package may import of ours, and what it must not import of others'.
MAY = {
    "artifact": set(),
    "features": set(),
    "pipeline": {"artifact", "features"},
    "release": {"artifact"},
    "scoring": {"artifact", "pipeline", "release"},
    "starter": {"artifact", "features", "pipeline"},
    "audit": {"artifact", "pipeline", "release"},
    "predictor": {"artifact", "features"},
    "local": {"artifact", "release"},
    "bench": {"artifact", "features", "pipeline", "scoring", "local"},
}
MUST_NOT = {
    "artifact": {"mlflow", "dvc", "boto3", "botocore", "kserve"},
    "features": {"mlflow", "dvc", "boto3", "botocore", "kserve"},
    "pipeline": {"kserve"},
    "scoring": {"kserve", "mlflow", "dvc"},
    "starter": {"kserve", "mlflow"},
    "audit": {"kserve"},
    "release": {"kserve", "mlflow", "dvc", "sklearn"},
    "predictor": {"mlflow", "dvc", "boto3", "botocore"},
    "local": set(),
    "bench": set(),
}

# Where the import name is not the distribution's.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "grpc": "grpcio", "google": "protobuf"}


def imported(package: str) -> dict[str, set[Path]]:
    """Top-level names imported anywhere in `package`, with the files that import them."""
    found: dict[str, set[Path]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative imports hide the direction"
                names = [node.module or ""]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(path)
    return found


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_follow_the_loop(package: str) -> None:
    """A package imports only the packages of ours before it in the loop, and no library of another role."""
    found = imported(package)
    ours = {name: paths for name, paths in found.items() if name in OURS - {package} and name not in MAY[package]}
    others = {name: paths for name, paths in found.items() if name in MUST_NOT[package]}
    assert not ours
    assert not others


def test_every_package_is_listed() -> None:
    """A new package at the top of the tree has to say what it may import."""
    present = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert present == OURS == set(MAY) == set(MUST_NOT)


def test_the_image_needs_only_the_serving_lock() -> None:
    """What predictor/ and artifact/ import is in requirements/serving.in or comes with it."""
    lock = (ROOT / "requirements/serving.txt").read_text().lower()
    for package in ("artifact", "predictor", "features"):
        for name in imported(package):
            if name not in sys.stdlib_module_names and name not in OURS:
                distribution = DISTRIBUTIONS.get(name, name).replace("_", "-")
                assert f"\n{distribution}==" in lock, f"{package} imports {name}"
