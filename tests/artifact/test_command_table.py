"""One `python -m PACKAGE` holds every command, and says so without loading what the commands need."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("pipeline", "release", "starter", "audit", "monitoring")
HELP = """
import runpy, sys
sys.argv = ["{folder}", "--help"]
try:
    runpy.run_module("{folder}", run_name="__main__")
finally:
    assert not {{"numpy", "pyarrow", "sklearn", "mlflow", "boto3", "yaml"}} & set(sys.modules), "--help loads libraries"
"""

OPTIONS = """
import contextlib, importlib, io, json, sys
from artifact import command_table
table, heavy, results = importlib.import_module("{folder}.__main__"), {heavy!r}, {{}}
for name in table.COMMANDS.keys() - {later!r}:
    for option in ("--help", "--no-such"):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), contextlib.suppress(SystemExit):
            command_table.main(
                "{folder}", None, table.COMMANDS, [name, option],
                without_options=getattr(table, "WITHOUT_OPTIONS", ()),
            )
        results[name + " " + option] = [output.getvalue(), sorted(heavy & sys.modules.keys())]
print(json.dumps(results))
"""
HEAVY = {"pandas", "pandera", "sklearn", "scipy", "mlflow", "kserve", "matplotlib", "onnx", "onnxruntime"}
LATER = {"gate", "cluster"}  # of pipeline: the one reads tables to judge, the other hands its words to dask


def commands(folder: str) -> dict[str, str]:
    """Command → its module."""
    declared: dict[str, str] = importlib.import_module(f"{folder}.__main__").COMMANDS
    return declared


@pytest.mark.parametrize("folder", [*FOLDERS, "scoring"])
def test_help_needs_no_library(folder: str) -> None:
    """`--help` ends well and imports nothing that takes a second."""
    process = subprocess.run(
        [sys.executable, "-c", HELP.format(folder=folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert f"python -m {folder}" in process.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_options_need_no_library(folder: str) -> None:
    """What a command says of its options, and of one that it has not, it says without a library that takes a second."""
    process = subprocess.run(
        [sys.executable, "-c", OPTIONS.format(folder=folder, heavy=HEAVY, later=LATER)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    for line, (output, libraries) in json.loads(process.stdout).items():
        name, option = line.split()
        assert libraries == [], line
        assert output.startswith(f"usage: python -m {folder} {name} ["), line
        assert (" error: " in output) == (option == "--no-such"), output


@pytest.mark.parametrize("folder", FOLDERS)
def test_help_lists_every_command(folder: str) -> None:
    """Each module with a `main` under the folder is a command, and `--help` has its name and a sentence."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / folder).rglob("*.py")
        if "\ndef main(argv: " in path.read_text(encoding="utf-8") and path.stem != "__main__"
    }
    assert set(commands(folder).values()) == modules
    process = subprocess.run([sys.executable, "-m", folder, "--help"], cwd=ROOT, capture_output=True, text=True)
    for name in commands(folder):
        assert re.search(rf"^    {name}\s+\w+ \w+", process.stdout, re.M), name


def test_another_command_is_refused_with_the_list() -> None:
    """Exit 2, and the commands that there are."""
    refused = subprocess.run([sys.executable, "-m", "pipeline", "trian"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "invalid choice: 'trian'" in refused.stderr
    assert all(name in refused.stderr for name in commands("pipeline"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_module_of_a_command_is_no_program(folder: str) -> None:
    """`python -m` with the module of a command does nothing, says what to run, and ends with 2."""
    name, module = next(iter(commands(folder).items()))
    refused = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"error: {module} is no program: run `python -m {folder} {name}`\n"
