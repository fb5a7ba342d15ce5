"""The commands of a folder behind one `python -m FOLDER COMMAND`: `pipeline`, `starter` and `audit`.

A command is the `main` of one module. Only the module that is asked for is imported, so that `--help` answers at once;
what `--help` says of a command is the first line of its module's docstring.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from artifact import command
from pipeline.shared import determinism

_ROOT = Path(__file__).parents[2]


def run(folder: str, description: str | None, modules: Mapping[str, str], *, deterministic: bool) -> NoReturn:
    """Run the command that the arguments name, one of `modules` (name → module), and exit as `artifact.command` does.

    A `deterministic` one runs in `determinism.ENVIRONMENT`, which is fixed before its module, and numpy with it, is
    imported.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {folder}", description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, module in modules.items():
        commands.add_parser(name, help=_summary(module, name).replace("%", "%%"), add_help=False)
    name = parser.parse_args(sys.argv[1:2]).command
    if deterministic:
        determinism.fix()

    def main(argv: Sequence[str] | None) -> int | None:
        code: int | None = importlib.import_module(modules[name]).main(argv)
        return code

    command.run(main, sys.argv[2:])


def _summary(module: str, name: str) -> str:
    source = _ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return line.removeprefix(f"Stage {name}: ")
