"""Command lines of `python -m release`: options that several commands have, and how a command prints its outcome."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ConfigurationError
from monitoring import arguments
from release.change import Outcome

_LONGEST_WAIT = 86400.0


def parser(command: str, description: str | None) -> argparse.ArgumentParser:
    """An empty command line of `python -m release COMMAND`; `description`: the docstring of its module."""
    return argparse.ArgumentParser(prog=f"python -m release {command}", description=description)


def parse(
    line: argparse.ArgumentParser, argv: Sequence[str] | None, *, may_be_empty: bool = False
) -> argparse.Namespace:
    """The arguments; ConfigurationError (10) for an empty one, unless they `may_be_empty`.

    `--model "$MODEL"` without a MODEL must not mean the default.
    """
    arguments = line.parse_args(argv)
    for name, value in vars(arguments).items():
        empty = "" in value if name == "environments" else value in ("", [])  # argparse makes [] of `--env=--`
        if empty and not may_be_empty:
            raise ConfigurationError(f"--{name} has no value: give it one, or leave it out")
    return arguments


def add_artifact(line: argparse.ArgumentParser) -> None:
    line.add_argument(
        "--artifact", type=Path, default=Path("build/artifact"), help="directory of the artifact (%(default)s)"
    )


def add_model(line: argparse.ArgumentParser) -> None:
    line.add_argument("--model", help="name of the model (default: model.name of params.yaml)")


def add_environment(line: argparse.ArgumentParser) -> None:
    line.add_argument("--env", required=True, help="environment, as staging")
    add_model(line)


def add_request(line: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Options of every command that commits; `required`: it takes no commit without a reason."""
    line.add_argument("--reason", required=required, help="why, for the commit and the quarantine")
    line.add_argument("--evidence", help="what shows it: a link, a figure, a sentence")
    line.add_argument("--dry-run", action="store_true", help="print the commit and its diff, push nothing")
    line.add_argument("--json", action="store_true", help="for programs")


def add_release_host(line: argparse.ArgumentParser) -> None:
    """Options of a command that sends requests to a release at its own host."""
    line.add_argument("--url", help="where the release to be proved answers (default: its own host by the domain)")
    add_gateway(line)
    add_wait(line)


def add_prometheus(line: argparse.ArgumentParser) -> None:
    """Options of a command that looks at live traffic."""
    line.add_argument("--prometheus", metavar="URL", help="in place of the one in environment.yaml")
    line.add_argument("--page", type=arguments.page, metavar="FILE", help="write the evidence as one HTML page")
    line.add_argument("--shadow", type=Path, metavar="FILE", help="what `monitoring shadow` printed of the candidate")


def add_gateway(line: argparse.ArgumentParser) -> None:
    line.add_argument("--gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")


def add_wait(line: argparse.ArgumentParser) -> None:
    line.add_argument("--wait", type=seconds, default=0.0, metavar="SECONDS", help="keep asking (default: ask once)")


def seconds(text: str) -> float:
    """A time of at most a day; ValueError, which argparse turns into a usage error, for anything else."""
    value = float(text)
    if not 0 <= value <= _LONGEST_WAIT:
        raise ValueError
    return value


def show(outcomes: Sequence[Outcome], arguments: argparse.Namespace) -> None:
    """Print a line for each outcome; with `--json` the last one alone, which says how things stand."""
    if arguments.json:
        print(json.dumps(outcomes[-1].as_json(), indent=2))
    elif getattr(arguments, "propose", False):
        print(outcomes[-1].says, file=sys.stderr)
        print(outcomes[-1].branch or "", end="\n" if outcomes[-1].branch else "")
    else:
        print("\n".join(map(str, outcomes)))
