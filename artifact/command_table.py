"""The commands of a package behind one `python -m PACKAGE COMMAND`: `pipeline`, `release`, `starter` and `audit`.

A table in the package's `__main__` maps the name of each command to a module. The command is that module's
`main(argv)`, and what `--help` says of it is the first line of the module's docstring. Only the module of the command
that was typed is imported, so that `--help` answers at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from artifact import command
from artifact.errors import UsageError

_ROOT = Path(__file__).parents[1]


def main(
    package: str,
    description: str | None,
    modules: Mapping[str, str],
    argv: Sequence[str] | None = None,
    before: Callable[[], None] = lambda: None,
    without_options: Collection[str] = (),
) -> int | None:
    """Run the command that `argv` begins with, one of `modules` (name → module), and return its exit code.

    `argv` are the arguments of this process, unless others are given.
    `before` is called when the command line named a command and its module is not imported yet.
    What follows the name of a command in `without_options` is read before that: its `--help`, and the refusal of what
    it does not take, need no library.
    """
    argv = sys.argv[1:] if argv is None else argv
    name = argv[0] if argv and argv[0] in modules else _parsed(package, description, modules, argv[:1])
    if name in without_options and argv[1:]:
        _refuse_options(package, name, modules[name], argv[1:])
    before()
    code: int | None = importlib.import_module(modules[name]).main(argv[1:])
    return code


def run(
    package: str,
    description: str | None,
    modules: Mapping[str, str],
    before: Callable[[], None] = lambda: None,
    without_options: Collection[str] = (),
) -> NoReturn:
    """As `main` with the arguments of this process, and exit as `artifact.command` does."""
    command.run(lambda _: main(package, description, modules, before=before, without_options=without_options))


def refuse_module(package: str) -> None:
    """End the process with 2 where it was started as `python -m` and the module of a command of `package`.

    Such a module only defines its `main`, so that Python would end with 0 and nothing done. Called while `package` is
    imported: until runpy has found the module that it shall run, `sys.argv[0]` is `-m`.
    """
    if sys.argv[:1] != ["-m"]:
        return
    started = sys.orig_argv[-len(sys.argv)]
    if not started.startswith(f"{package}.") or started == f"{package}.__main__":
        return
    modules: Mapping[str, str] = importlib.import_module(f"{package}.__main__").COMMANDS
    for name, module in modules.items():
        if started == module:
            raise SystemExit(command.fail(UsageError(f"{module} is no program: run `python -m {package} {name}`")))


def _parsed(package: str, description: str | None, modules: Mapping[str, str], argv: Sequence[str]) -> str:
    """What argparse makes of a first argument that is no command: the help, or what is wrong."""
    import argparse  # here, as `ast` is below: a command that runs needs neither

    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, module in modules.items():
        commands.add_parser(name, help=_summary(module, name).replace("%", "%%"), add_help=False)
    named: str = parser.parse_args(argv).command
    return named


def _refuse_options(package: str, name: str, module: str, argv: Sequence[str]) -> None:
    """Print the help of a command that has no options, or refuse those in `argv`; both end the process."""
    import argparse

    argparse.ArgumentParser(prog=f"python -m {package} {name}", description=_docstring(module)).parse_args(argv)


def _summary(module: str, name: str) -> str:
    return _docstring(module).partition("\n")[0].removeprefix(f"Stage {name}: ")


def _docstring(module: str) -> str:
    import ast

    source = _ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""
