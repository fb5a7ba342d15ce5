"""What `make demo` says before it installs anything, and what it copes with."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from local.state import REPOSITORY


def loaded(name: str) -> ModuleType:
    """A script of requirements/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / f"requirements/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


preflight, install = loaded("preflight"), loaded("install")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with all that the checks look at."""
    (tmp_path / "data").mkdir()
    (tmp_path / preflight.EXAMPLE).touch()
    return tmp_path


@pytest.mark.example
def test_a_clone_in_order_gets_a_forecast(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check passes here, and one line says how long it takes and how much is written."""
    assert preflight.main() == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "the first answered prediction comes in about" in line


@pytest.mark.parametrize(
    ("check", "says"),
    [
        (lambda root: preflight.python(root, (3, 10, 4)), "Python 3.10.4 is not one of 3.11 to 3.13: "),
        (lambda root: preflight.python(root, (3, 14, 0)), "make demo PYTHON=python3.1"),
        (lambda root: preflight.system(root, "win32"), "win32 is not Linux or macOS: run it in WSL"),
        (lambda root: preflight.disk(root, 0.7), "0.7 GB are free at "),
        (lambda root: preflight.example(root / "data"), "the demo is of the example as shipped"),
    ],
    ids=["old Python", "new Python", "Windows", "disk", "another repository"],
)
def test_what_would_stop_it_is_one_line(root: Path, check: Callable[[Path], str], says: str) -> None:
    """With its remedy. No machine here has another Python, another system, or a full disk: the values are passed in."""
    line = check(root)
    assert says in line
    assert "\n" not in line


def test_no_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git in PATH the line says what to install."""
    monkeypatch.setenv("PATH", str(root))
    assert "apt-get install git" in preflight.tools(root)


def test_no_ensurepip(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a Debian without python3-venv; with the first environment there it is not needed."""
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("MODELPIN_VENVS", str(root / "none"))
    monkeypatch.setattr(preflight, "environments", lambda: install)
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in preflight.ensurepip(root)
    monkeypatch.delenv("MODELPIN_VENVS")
    assert preflight.ensurepip(REPOSITORY) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_of_somebody_else(root: Path) -> None:
    """A folder that cannot be written to is named."""
    root.chmod(0o500)
    assert f"{root} cannot be written to" in preflight.folder(root)


def test_another_demo(root: Path) -> None:
    """One that runs is named by its process; the lock of one that has ended, however it did, is none."""
    assert preflight.another_demo(root) is None
    (root / ".local").mkdir()
    with (root / ".local/demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        assert "runs in this clone already, as process 4711: stop it" in preflight.another_demo(root)
    assert preflight.another_demo(root) is None


@pytest.mark.example
def test_it_needs_nothing_installed() -> None:
    """An interpreter without site-packages runs it, and it has no syntax that Python 3.6 did not have."""
    script = REPOSITORY / "requirements/preflight.py"
    done = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    compile(script.read_text(), script, "exec", dont_inherit=True, flags=0)
    assert "import annotations" not in script.read_text()


def test_an_environment_that_was_moved_is_not_taken(tmp_path: Path) -> None:
    """Its programs name the folder it was made in: after a move, or without its Python, it counts as not installed."""
    first = install._path("bootstrap", tmp_path / "a")
    (first / "bin").mkdir(parents=True)
    (first / "complete").touch()
    (first / "bin/python").symlink_to(sys.executable)
    (first / "bin/activate").write_text(f"VIRTUAL_ENV='{first}'\n")
    assert install.installed("bootstrap", tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert not install.installed("bootstrap", tmp_path / "b")
    shutil.move(tmp_path / "b", tmp_path / "a")
    (first / "bin/python").unlink()
    (first / "bin/python").symlink_to("/nowhere/python3")
    assert not install.installed("bootstrap", tmp_path / "a")
