"""One `python -m FOLDER` holds every command, and says so without loading what the commands need."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("pipeline", "starter", "audit")
HELP = """
import runpy, sys
sys.argv = ["{folder}", "--help"]
try:
    runpy.run_module("{folder}", run_name="__main__")
finally:
    assert not {{"numpy", "pyarrow", "sklearn", "mlflow"}} & set(sys.modules), "--help loads libraries"
"""


def commands(folder: str) -> dict[str, str]:
    """Command → its module."""
    declared: dict[str, str] = importlib.import_module(f"{folder}.__main__").COMMANDS
    return declared


@pytest.mark.parametrize("folder", [*FOLDERS, "scoring"])
def test_help_needs_no_library(folder: str) -> None:
    """`--help` ends well and imports nothing that takes a second."""
    asked = subprocess.run([sys.executable, "-c", HELP.format(folder=folder)], cwd=ROOT, capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"python -m {folder}" in asked.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_help_lists_every_command(folder: str) -> None:
    """Each module with a `main` under the folder is a command, and `--help` has its name and a sentence."""
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / folder).rglob("*.py")
        if "\ndef main(argv: " in path.read_text(encoding="utf-8")
    }
    assert set(commands(folder).values()) == found
    asked = subprocess.run([sys.executable, "-m", folder, "--help"], cwd=ROOT, capture_output=True, text=True)
    for name in commands(folder):
        assert re.search(rf"^    {name}\s+\w+ \w+", asked.stdout, re.M), name


def test_another_command_is_refused_with_the_list() -> None:
    """Exit 2, and the commands that there are."""
    refused = subprocess.run([sys.executable, "-m", "pipeline", "trian"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "invalid choice: 'trian'" in refused.stderr
    assert all(name in refused.stderr for name in commands("pipeline"))
