"""What runs what: the peers' environments under .bench/, ours from the serving lock, and the native clients."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from artifact.environment import LIBRARIES
from artifact.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(__file__).resolve().parent
_SAME = (*LIBRARIES, "pandas")  # at one version everywhere: the model is the same, and so is what runs it
_CLIENTS = {"wrk": "wrk", "h2load": "nghttp2-client", "taskset": "util-linux"}  # command → Debian package
_PACKAGES = ("artifact", "features", "initializer", "predictor")


def clients(needed: tuple[str, ...]) -> None:
    """Make sure of the native clients: install the missing ones where that is ours to do, else say what to install."""
    missing = [_CLIENTS[command] for command in needed if shutil.which(command) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' '.join(missing)}", file=sys.stderr, flush=True)
        process = subprocess.run(["apt-get", "install", "--yes", *missing], stdout=subprocess.DEVNULL, check=False)
        missing = [] if process.returncode == 0 else missing
    if missing:
        raise ConfigurationError(f"the load comes from native clients: sudo apt-get install {' '.join(missing)}")


def peer(name: str, work: Path) -> Path:
    """The Python of the environment of requirements-<name>.txt under `work`, made now unless it is complete."""
    requirements = FOLDER / f"requirements-{name}.txt"
    pins = [f"{library}=={metadata.version(library)}" for library in _SAME]
    key = hashlib.sha256("\n".join([requirements.read_text(), sys.version, *pins]).encode()).hexdigest()[:12]
    path = work / f"{name}-{key}"
    python = path / "bin/python"
    if not (path / "complete").exists():
        shutil.rmtree(path, ignore_errors=True)
        print(f"installing bench/{requirements.name} into {path}", file=sys.stderr, flush=True)
        bootstrap = _role("bootstrap")
        _run([bootstrap / "uv", "venv", "--quiet", "--python", sys.executable, path], bootstrap)
        install: list[str | Path] = [
            bootstrap / "uv",
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            python,
        ]
        _run([*install, "--requirement", requirements, *pins], bootstrap)
        (path / "complete").touch()
    return python


def ours(work: Path) -> tuple[Path, Path]:
    """The Python of the serving lock, and a folder with what the image holds beside it, compiled as there.

    A copy, so that an edit in the tree during a run changes nothing.
    """
    python = _role("serving") / "python"
    folder = work / "ours"
    shutil.rmtree(folder, ignore_errors=True)
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder], check=True, cwd=folder
    )
    return python, folder


def versions(python: Path, names: Sequence[str]) -> dict[str, str]:
    """Versions of those of `names` that are installed in the environment of `python`."""
    listing = "[[found.name, found.version] for found in distributions()]"
    code = f"import json; from importlib.metadata import distributions; print(json.dumps({listing}))"
    process = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    installed = dict(json.loads(process.stdout))
    return {name: installed[name] for name in names if name in installed}


def _role(role: str) -> Path:
    """The bin folder of one of the project's own environments."""
    command: list[str | Path] = [sys.executable, ROOT / "requirements/install.py", role]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode:
        raise ConfigurationError(f"requirements/install.py {role} ended with {process.returncode}; see above")
    return Path(process.stdout.strip()) / "bin"


def _run(command: Sequence[str | Path], bootstrap: Path) -> None:
    environ = dict(os.environ)
    if "UV_DEFAULT_INDEX" not in environ and "UV_INDEX_URL" not in environ:  # uv does not read pip's settings
        answer = subprocess.run(
            [bootstrap / "python", "-m", "pip", "config", "get", "global.index-url"],
            capture_output=True,
            text=True,
            check=False,
        )
        if index := environ.get("PIP_INDEX_URL") or answer.stdout.strip():
            environ["UV_DEFAULT_INDEX"] = index
    process = subprocess.run(command, env=environ, check=False)
    if process.returncode:
        raise ConfigurationError(f"{command[0]} ended with {process.returncode}; is a package registry reachable?")
