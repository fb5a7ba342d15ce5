"""The programs that come as Python packages: SeaweedFS and act."""

import os
import shutil
import sys
from pathlib import Path

from artifact.errors import ConfigurationError


def find(name: str) -> Path:
    """Beside this Python or in PATH; ConfigurationError without it."""
    beside = Path(sys.executable).with_name(name)
    path = beside if beside.exists() else shutil.which(name)
    if not path:
        raise ConfigurationError(f"no program `{name}` beside this Python or in PATH: run `make setup`")
    return Path(path)


def machine_path() -> str:
    """PATH without this Python's own environment: a workflow's runner does not have it."""
    own = {Path(sys.prefix, "bin"), Path(sys.executable).parent} - {Path(sys.base_prefix, "bin")}
    own |= {path.resolve() for path in own}
    parts = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part]
    return os.pathsep.join(part for part in parts if Path(part) not in own and Path(part).resolve() not in own)


def base_python() -> Path:
    """The interpreter this environment was made from: what the workflow's `python3` is here."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
