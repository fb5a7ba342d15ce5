"""The command line of `python -m release`: every command with its options, and what may stand in none of them."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from artifact.errors import ConfigurationError
from release import settings
from release.gitops.worktree import RECORDS_FROM
from release.settings import Settings

_LONGEST_WAIT = 86400.0


def given(arguments: argparse.Namespace) -> argparse.Namespace:
    """`arguments`, none of them empty: `--model "$MODEL"` without a MODEL must not mean the default."""
    for name, value in vars(arguments).items():
        if value in ("", []) and arguments.command != "configure":  # argparse makes [] of `--env=--`
            raise ConfigurationError(f"--{name} has no value: give it one, or leave it out")
    return arguments


def parser() -> argparse.ArgumentParser:
    line = argparse.ArgumentParser(
        prog="python -m release", description="Publish artifacts to the bucket and name them in Git."
    )
    commands = line.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help)

    command = add("publish", "put the artifact into the bucket under its digest and print its URI")
    _artifact(command)
    command.add_argument(
        "--verdict", type=Path, default=Path("build/verdict.json"), help="the gate's file (%(default)s)"
    )
    _model(command)
    command = add("deploy", "commit that an environment serves a published artifact in an image")
    _place(command)
    command.add_argument("--uri", help="URI that publish printed (default: that of the artifact in --artifact)")
    _artifact(command)
    command.add_argument("--image", help="image of the predictor: <repository>@sha256:<hex>; with --from it is that")
    command.add_argument("--from", dest="source", metavar="ENV", help="what this environment serves, healthy there")
    command.add_argument(
        "--canary",
        nargs="?",
        type=int,
        const=0,
        metavar="N",
        help="percent of the traffic (without N: `canary` of environment.yaml)",
    )
    command.add_argument("--from-url", metavar="URL", help="where --from answers (default: by the domain)")
    command.add_argument("--from-gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")
    _wait(command)
    command.add_argument(
        "--propose", action="store_true", help="push to a branch for a pull request instead, and print its name alone"
    )
    _order(command)
    command = add("advance", "commit that a canary gets more of the traffic")
    _place(command)
    command.add_argument("--to", type=int, required=True, metavar="N", help="percent of the traffic")
    _order(command)
    command = add("promote", "commit that a canary gets all the traffic")
    _place(command)
    _order(command)
    command = add("rollback", "commit that a canary is taken back, or that an earlier release serves again")
    _place(command)
    command.add_argument(
        "--to", metavar="DIGEST", help="digest of the artifact to go back to (default: the one before)"
    )
    _order(command)
    command = add("settle", "commit that a canary's rollback is over, once the stable model answers")
    _place(command)
    command.add_argument("--url", help="the newest revision's own URL (default: by the domain, tag `latest`)")
    command.add_argument("--gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")
    _wait(command)
    _order(command)
    command = add("rebuild", "commit that a cluster that was made anew starts with the stable release alone")
    _place(command)
    _order(command)
    command = add("quarantine", "commit that a model must not come back")
    command.add_argument("digest", metavar="DIGEST", help="of the artifact")
    _model(command)
    _order(command, required=True)
    command = add("unquarantine", "commit that a model may come back")
    command.add_argument("digest", metavar="DIGEST", help="of the artifact, or of its inputs")
    _model(command)
    _order(command)
    command = add("status", "show what Git names for each model and environment")
    command.add_argument("--json", action="store_true", help="the whole records, for programs")
    command.add_argument("--model", help="only this model")
    command.add_argument("--tree", action="store_true", help="of gitops/ here, without asking the remote")
    command = add("fetch", "bring a published artifact into a folder, verified")
    command.add_argument("uri", metavar="URI", help="its storageUri")
    command.add_argument("--out", type=Path, required=True, help="the folder")
    command = add("show", "say what the bucket holds of a published artifact, verified")
    command.add_argument("uri", metavar="URI", help="its storageUri")
    command.add_argument("--json", action="store_true", help="for programs")
    command = add("champion", f"bring what serves into a folder, for the gate ({RECORDS_FROM}=branch asks the remote)")
    command.add_argument("--out", type=Path, required=True, help="folder of its artifact; none without a champion")
    command.add_argument("--record", type=Path, required=True, help="JSON file of what Git says of it")
    _model(command)
    command = add("adopt", "create a model's folder under gitops/models in the working tree")
    command.add_argument("--model", required=True, help="its name")
    add("settings", f"print the values of {settings.PATH} as NAME=VALUE lines, as $GITHUB_OUTPUT takes them")
    command = add("configure", f"set the values you own in {settings.PATH} and the DVC remote that follows")
    for item in dataclasses.fields(Settings):
        command.add_argument(f"--{settings.key(item.name)}", metavar="VALUE", help=item.metadata["help"])
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="the same, as make takes it: BUCKET=mine"
    )
    return line


def _artifact(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--artifact", type=Path, default=Path("build/artifact"), help="directory of the artifact (%(default)s)"
    )


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", help="name of the model (default: model.name of params.yaml)")


def _place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", required=True, help="environment, as staging")
    _model(command)


def _order(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    command.add_argument("--reason", required=required, help="why, for the commit and the quarantine")
    command.add_argument("--evidence", help="what shows it: a link, a figure, a sentence")
    command.add_argument("--dry-run", action="store_true", help="print the commit and its diff, push nothing")
    command.add_argument("--json", action="store_true", help="for programs")


def _wait(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="keep asking (default: ask once)"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise ValueError
    return seconds
