"""Make the environment of one role from its lock, once, and print its path or run a command in it.

    python3 requirements/install.py ROLE [--link PATH]
    python3 requirements/install.py ROLE -- COMMAND ...

Standard library only: it runs before anything is installed. The folder's name holds the hash of the lock and the Python
that runs it, so a changed lock is a new environment and an unchanged one is found again in milliseconds.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> int:
    """Install, and say on stderr what takes time; the path is all that goes to stdout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("role", choices=sorted(lock.stem for lock in HERE.glob("*.txt")))
    parser.add_argument("--venvs", type=Path, default=Path(os.environ.get("MODELPIN_VENVS", ".venvs")))
    parser.add_argument("--link", type=Path, help="also make this a link to the environment")
    # Split by hand: argparse gives a trailing list nothing once an option stands before it.
    words, command = _split(sys.argv[1:])
    options = parser.parse_args(words)
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        wanted = " to ".join(".".join(map(str, version)) for version in (OLDEST, NEWEST))
        print(
            f"error: Python {sys.version.split()[0]} is not {wanted}; name one that is: make PYTHON=python3.12 …",
            file=sys.stderr,
        )
        return 10
    options.venvs.mkdir(parents=True, exist_ok=True)
    path = environment(options.role, options.venvs.resolve())
    if options.link and not (options.link.exists() and options.link.resolve() == path):
        if options.link.is_symlink():
            options.link.unlink()
        elif options.link.exists():
            print(
                f"error: {options.link} is a folder of another making; remove it, then run this again", file=sys.stderr
            )
            return 10
        options.link.symlink_to(os.path.relpath(path, options.link.parent.resolve()))
    if command:
        os.environ |= {
            "VIRTUAL_ENV": str(path),
            "PATH": f"{path / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        os.execvp(command[0], command)
    print(path)
    return 0


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Words before `--`, and the command after it."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def environment(role: str, venvs: Path) -> Path:
    """The environment of `role` under `venvs`, installed now unless it is complete."""
    lock = HERE / f"{role}.txt"
    version = ".".join(map(str, sys.version_info[:3]))
    key = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:12]
    path = venvs / f"{role}-{key}"
    complete = path / "complete"
    if complete.exists():
        return path
    with (venvs / f".{path.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two pushes at once install once
        if complete.exists():
            return path
        shutil.rmtree(path, ignore_errors=True)
        started = time.monotonic()
        print(f"installing requirements/{lock.name} into {path} (Python {version})", file=sys.stderr, flush=True)
        if role == "bootstrap":
            venv.create(path, with_pip=True)
            _run([path / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", lock])
        else:
            uv = environment("bootstrap", venvs) / "bin/uv"
            _run([uv, "venv", "--quiet", "--python", sys.executable, path])
            _run([uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", path / "bin/python", lock])
        complete.touch()
        print(f"installed in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return path


def _run(command: list[str | Path]) -> None:
    words = [str(part) for part in command]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environ()
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(" + "):  # one line a package, two hundred of them
                print(f"  {line.rstrip()}", file=sys.stderr, flush=True)
    if process.returncode:
        raise SystemExit(f"error: {words[0]} ended with {process.returncode}; is a package registry reachable?")


def _environ() -> dict[str, str]:
    """uv does not read pip's settings: hand it the index they name, so that a machine set up for pip serves both."""
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if "UV_DEFAULT_INDEX" not in environ and "UV_INDEX_URL" not in environ:
        asked = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
            capture_output=True,
            text=True,
            check=False,
        )
        named = environ.get("PIP_INDEX_URL") or asked.stdout.strip()
        if named:
            environ["UV_DEFAULT_INDEX"] = named
    return environ


if __name__ == "__main__":
    sys.exit(main())
