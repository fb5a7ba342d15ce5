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
import select
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHOSEN = FOLDER / "extras" / "chosen.txt"  # what serves, and what trains, hold beside their locks
OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> int:
    """Install, and say on stderr what takes time; the path is all that goes to stdout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("role", choices=sorted(lock.stem for lock in FOLDER.glob("*.txt")))
    parser.add_argument("--venvs", type=Path, default=Path(os.environ.get("MODELPIN_VENVS") or ".venvs"))
    parser.add_argument("--link", type=Path, help="also make this a link to the environment")
    # Split by hand: argparse gives a trailing list nothing once an option stands before it.
    words, command = _split(sys.argv[1:])
    options = parser.parse_args(words)
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        supported = " to ".join(".".join(map(str, version)) for version in (OLDEST, NEWEST))
        print(
            f"error: Python {sys.version.split()[0]} is not {supported}; name one that is: make PYTHON=python3.12 …",
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
    path = _path(role, venvs)
    if installed(role, venvs):
        return path
    locks = _locks(role)
    with (venvs / f".{path.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two pushes at once install once
        if installed(role, venvs):
            return path
        shutil.rmtree(path, ignore_errors=True)
        if role == "bootstrap":
            started = _announce(locks, path)
            _make_first(path)
            pip = [path / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"]
            _run([*pip, *locks])
            took: list[str] = []
        else:
            uv = environment("bootstrap", venvs) / "bin/uv"
            started = _announce(locks, path)
            _run([uv, "venv", "--quiet", "--python", sys.executable, path])
            # Bytecode is left to Python, which writes that of the modules a process imports: a tenth of all.
            lines = _run([uv, "pip", "sync", "--require-hashes", "--python", path / "bin/python", *locks])
            took = [", ".join(line for line in lines if line.startswith(("Prepared", "Installed")))]
        (path / "complete").touch()
        seconds = f"{time.monotonic() - started:.0f} s"
        print(f"installed in {': '.join([seconds, *took])}", file=sys.stderr, flush=True)
    return path


def installed(role: str, venvs: Path) -> bool:
    """Whether `role` has a complete environment under `venvs` that was made there, for a Python that is still there.

    The programs of an environment name the folder it was made in: one that moved with its clone is made again.
    """
    path = _path(role, venvs)
    activate = path / "bin" / "activate"
    return (
        (path / "complete").exists()
        and (path / "bin" / "python").exists()
        and str(path) in activate.read_text(encoding="utf-8")
    )


def _path(role: str, venvs: Path) -> Path:
    version = ".".join(map(str, sys.version_info[:3]))
    contents = b"".join(lock.read_bytes() for lock in _locks(role))
    key = hashlib.sha256(contents + version.encode()).hexdigest()[:12]
    return venvs / f"{role}-{key}"


def _locks(role: str) -> list[Path]:
    """The lock of `role`, and that of the chosen extras, if there are any: all of them are in dev's own lock."""
    lock = FOLDER / f"{role}.txt"
    chosen = role in ("serving", "pipeline") and CHOSEN.exists() and "==" in CHOSEN.read_text(encoding="utf-8")
    return [lock, CHOSEN] if chosen else [lock]


def _announce(locks: list[Path], path: Path) -> float:
    names = " and ".join(f"requirements/{lock.relative_to(FOLDER)}" for lock in locks)
    print(f"installing {names} into {path}", file=sys.stderr, flush=True)
    return time.monotonic()


def _make_first(path: Path) -> None:
    try:
        venv.create(path, with_pip=True)
    except subprocess.CalledProcessError as error:
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SystemExit(
            f"error: {sys.executable} has no ensurepip, so it makes no environments ({error.returncode}): "
            f"apt-get install {name}, or name another Python: make PYTHON=…"
        ) from None


def _run(command: list[str | Path]) -> list[str]:
    """The lines that the command prints. A terminal shows the last one, with the seconds that have passed."""
    words = [str(part) for part in command]
    lines: list[str] = []
    live = sys.stderr.isatty()
    started = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environ()) as process:
        assert process.stdout is not None
        reader = process.stdout.fileno()
        rest = b""
        while True:
            if select.select([reader], [], [], 1.0)[0]:
                if not (piece := os.read(reader, 65536)):
                    break
                *whole, rest = (rest + piece).split(b"\n")
                lines += [line.decode(errors="replace").rstrip() for line in whole]
            if live:
                width = shutil.get_terminal_size().columns - 12
                last = next((line for line in reversed(lines) if not line.startswith(" + ")), "")
                print(
                    f"\r\033[K  {time.monotonic() - started:5.0f} s  {last[:width]}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
    if live:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if process.returncode:
        print("\n".join(f"  {line}" for line in lines[-20:]), file=sys.stderr)
        raise SystemExit(f"error: {words[0]} ended with {process.returncode}; is a package registry reachable?")
    return lines


def _environ() -> dict[str, str]:
    """uv does not read pip's settings: hand it the index they name, so that a machine set up for pip serves both."""
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if "UV_DEFAULT_INDEX" not in environ and "UV_INDEX_URL" not in environ:
        answer = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
            capture_output=True,
            text=True,
            check=False,
        )
        named = environ.get("PIP_INDEX_URL") or answer.stdout.strip()
        if named:
            environ["UV_DEFAULT_INDEX"] = named
    return environ


if __name__ == "__main__":
    sys.exit(main())
