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


def checked(arguments: argparse.Namespace) -> argparse.Namespace:
    """`arguments`, none of them empty: `--model "$MODEL"` without a MODEL must not mean the default."""
    for name, value in vars(arguments).items():
        empty = "" in value if name == "environments" else value in ("", [])  # argparse makes [] of `--env=--`
        if empty and arguments.command != "configure":
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
    command = add("deploy", "commit that an environment gets a published artifact in an image")
    _environment(command)
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
        help="percent of the traffic once proved (without N: `canary` of environment.yaml)",
    )
    command.add_argument("--from-url", metavar="URL", help="where --from answers (default: by the domain)")
    command.add_argument("--from-gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")
    _asking(command)
    command.add_argument(
        "--propose", action="store_true", help="push to a branch for a pull request instead, and print its name alone"
    )
    _request(command)
    command = add("advance", "commit that a candidate gets its first share, once proved, or more of the traffic")
    _environment(command)
    command.add_argument("--to", type=int, metavar="N", help="percent (default: what it was deployed for)")
    _asking(command)
    _request(command)
    command = add("promote", "commit that a candidate gets all the traffic, proved")
    _environment(command)
    _asking(command)
    _request(command)
    command = add("prove", "commit that releases answer at their own hosts, as they are rendered now")
    _environment(command)
    command.add_argument("release", nargs="?", metavar="RELEASE", help="name or digest (default: all that matter)")
    _asking(command)
    _request(command)
    command = add("rollback", "commit that a candidate is taken back, or that an earlier release serves again")
    _environment(command)
    command.add_argument("--to", metavar="RELEASE", help="name or digest to go back to (default: the one before)")
    _asking(command)
    _request(command)
    command = add("retire", "commit the removal of InferenceServices that nothing names any more")
    _environment(command)
    command.add_argument(
        "--min-age", type=_seconds, default=3600.0, metavar="SECONDS", help="since its last traffic (%(default)s)"
    )
    _gateway(command)
    _wait(command)
    _request(command)
    command = add("quarantine", "commit that a model must not come back, and that it leaves the traffic")
    command.add_argument("release", metavar="RELEASE", help="its name, or the digest of the artifact")
    command.add_argument(
        "--env",
        dest="environments",
        action="append",
        default=[],
        help="where it leaves the traffic (default: all)",
    )
    command.add_argument("--stop", action="store_true", help="let nothing serve where no other release was proved")
    _model(command)
    _request(command, required=True)
    command = add("unquarantine", "commit that a model may come back")
    command.add_argument("release", metavar="RELEASE", help="its name, or the digest of the artifact or its inputs")
    _model(command)
    _request(command)
    command = add("migrate", "commit the next step from a record of schema 1 or 2 to a release each and a Route")
    _environment(command)
    command.add_argument("--finish", action="store_true", help="the last step: no caller asks the old host any more")
    _asking(command)
    _request(command)
    command = add("check", "say whether gitops/ here names only what may serve, for CI")
    command.add_argument("--model", help="only this model")
    command = add("references", "list every URI and image that a record on any branch names: what no expiry may remove")
    command = add("status", "show what Git names for each model and environment")
    command.add_argument("--json", action="store_true", help="the whole records, for programs")
    command.add_argument("--model", help="only this model")
    command.add_argument("--tree", action="store_true", help="of gitops/ here, without asking the remote")
    command = add("fetch", "bring a published artifact into a folder, verified")
    command.add_argument("uri", metavar="URI|RELEASE", help="its storageUri, or the name of a release")
    command.add_argument("--out", type=Path, required=True, help="the folder")
    command = add("show", "say what the bucket holds of a published artifact, verified")
    command.add_argument("uri", metavar="URI|RELEASE", help="its storageUri, or the name of a release")
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


def _environment(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", required=True, help="environment, as staging")
    _model(command)


def _request(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    command.add_argument("--reason", required=required, help="why, for the commit and the quarantine")
    command.add_argument("--evidence", help="what shows it: a link, a figure, a sentence")
    command.add_argument("--dry-run", action="store_true", help="print the commit and its diff, push nothing")
    command.add_argument("--json", action="store_true", help="for programs")


def _asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", help="where the release to be proved answers (default: its own host by the domain)")
    _gateway(command)
    _wait(command)


def _gateway(command: argparse.ArgumentParser) -> None:
    command.add_argument("--gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")


def _wait(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="keep asking (default: ask once)"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise ValueError
    return seconds
