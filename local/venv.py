"""The environments of requirements/, made once a lock by requirements/install.py."""

import os
from collections.abc import Callable
from pathlib import Path

from artifact.errors import StorageError
from local import process, program
from local.state import REPOSITORY, environment, venvs


def path(role: str, say: Callable[[str], None]) -> Path:
    """The environment of `role`, installed now if its lock has none yet (for tens of seconds, which `say` tells)."""
    script = REPOSITORY / "requirements" / "install.py"
    # The interpreter that this environment was made from, as `make` finds it: the key holds its version.
    command: list[str | Path] = [program.base_python(), script, role, "--venvs", venvs()]

    def tell(line: str) -> None:
        if not Path(line).is_absolute():  # the path, which is the last line, is this function's own answer
            say(line)

    code, lines = process.run(f"install {role}", command, tell, env=environment(), cwd=REPOSITORY)
    if code or not lines:
        raise StorageError(f"requirements/{role}.txt could not be installed: {lines[-1] if lines else code}")
    return Path(lines[-1])


def settings() -> dict[str, str]:
    """What uv and pip read from a person's home, as variables for a process that gets another home."""
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    caches = {"UV_CACHE_DIR": cache / "uv"}
    for variable, file in (
        ("UV_CONFIG_FILE", config / "uv" / "uv.toml"),
        ("PIP_CONFIG_FILE", home / ".pip" / "pip.conf"),
        ("PIP_CONFIG_FILE", config / "pip" / "pip.conf"),
    ):
        if file.exists():
            caches[variable] = file
    return {name: str(value) for name, value in caches.items() if name not in os.environ}
