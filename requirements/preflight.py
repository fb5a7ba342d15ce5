"""Say in one line what would stop `make demo` on this machine, before anything is installed; then what it will take.

    python3 requirements/preflight.py

Standard library only, in the syntax of Python 3.6: an interpreter that is too old must be able to say so.
"""

import fcntl
import importlib.util
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
# GB that the files of each environment take (Linux, x86-64). uv links them to its cache where both are on one disk.
ROLES = {"pipeline": 0.9, "serving": 0.1, "platform": 0.2, "storage": 0.2}
RUN_GB = 0.3  # what one demo writes: bytecode, what it stores, and its temporary files
DOWNLOAD_GB = 0.5
EXAMPLE = "data/iris.csv.dvc"


def main() -> int:
    """0 after one line that says how long the demo takes; 10 after one that says what to do first."""
    for check in (python, system, tools, ensurepip, example, folder, another_demo, disk):
        line = check(ROOT)
        if line:
            print(f"error: {line}", file=sys.stderr)
            return 10
    print(forecast(ROOT), flush=True)
    return 0


def python(root: Path, version: "tuple[int, ...]" = tuple(sys.version_info[:3])) -> "str | None":
    """Whether the locks are made for this Python."""
    if OLDEST <= version[:2] <= NEWEST:
        return None
    names = (f"python{OLDEST[0]}.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))
    other = next((name for name in names if shutil.which(name)), None)
    remedy = f"make demo PYTHON={other}" if other else "install one, then name it: make demo PYTHON=python3.12"
    return f"Python {'.'.join(map(str, version))} is not one of 3.{OLDEST[1]} to 3.{NEWEST[1]}: {remedy}"


def system(root: Path, platform: str = sys.platform) -> "str | None":
    """Whether the programs of the platform exist for this system."""
    if platform.startswith(("linux", "darwin")):
        return None
    return f"{platform} is not Linux or macOS: run it in WSL or a container (.devcontainer/ describes one)"


def tools(root: Path) -> "str | None":
    """Whether git is there; make is, or nobody would ask."""
    return None if shutil.which("git") else "there is no git in PATH: install it (Debian: apt-get install git)"


def ensurepip(root: Path) -> "str | None":
    """Whether this Python can make an environment; Debian packs that separately."""
    if environments().installed("bootstrap", venvs(root)) or importlib.util.find_spec("ensurepip"):
        return None
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    return (
        f"{sys.executable} has no ensurepip, so it makes no environments: apt-get install {name}, "
        "or name another Python: make demo PYTHON=…"
    )


def example(root: Path) -> "str | None":
    """Whether this is the repository as shipped: the demo is of its example."""
    if (root / EXAMPLE).exists():
        return None
    return f"{EXAMPLE} is not in {root}: the demo is of the example as shipped, so run it in a clone that has it"


def folder(root: Path) -> "str | None":
    """Whether this folder, and the one of the environments, can be written to."""
    for path in (root, existing(venvs(root))):
        if not os.access(str(path), os.W_OK):
            return f"{path} cannot be written to by this user: clone into a folder of your own"
    return None


def another_demo(root: Path) -> "str | None":
    """Whether one runs in this clone already: it holds a lock as long as it lives."""
    file = root / ".local" / "demo.lock"
    if not file.exists():
        return None
    with file.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return (
                f"a demo runs in this clone already, as process {stream.read().strip()}: "
                "stop it with Ctrl-C in its terminal, or `kill` that process"
            )
    return None


def disk(root: Path, free: "float | None" = None) -> "str | None":
    """Whether what is not installed yet has room, with the run itself; `free`: in GB."""
    path = existing(venvs(root))
    free, need = shutil.disk_usage(str(path)).free / 1e9 if free is None else free, needed(root)
    if free >= need:
        return None
    return (
        f"{free:.1f} GB are free at {path}, {need:.1f} GB are needed: free some, "
        "or put the environments elsewhere: MODELPIN_VENVS=/big/disk make demo"
    )


def needed(root: Path) -> float:
    """GB that the demo is about to write."""
    missing = [role for role in ROLES if not environments().installed(role, venvs(root))]
    return RUN_GB + sum(ROLES[role] for role in missing)


def forecast(root: Path) -> str:
    """How long the first answer takes, and what is installed for it."""
    if needed(root) == RUN_GB:
        return "everything is installed: the first answered prediction comes in about a minute on two cores"
    return (
        f"first run: downloads about {DOWNLOAD_GB} GB and writes {needed(root):.1f} GB under {venvs(root)} "
        "and uv's cache; the first answered prediction comes in about 2 minutes on two cores at 100 Mbit/s"
    )


def environments():  # type: ignore[no-untyped-def]
    """requirements/install.py as a module; nothing is on the path yet."""
    spec = importlib.util.spec_from_file_location("install", str(ROOT / "requirements" / "install.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def venvs(root: Path) -> Path:
    """Where the environments are kept."""
    return Path(os.environ.get("MODELPIN_VENVS") or root / ".venvs").resolve()


def existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path


if __name__ == "__main__":
    sys.exit(main())
