"""`python -m release`: what may serve, published to the bucket and named in Git."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, UsageError
from release import adopt, configure, params, settings
from release.git import Caller
from release.place import Place
from release.remote import Remote
from release.settings import Settings

# Whether a champion is what gitops/ of the working tree names (a laptop) or the branch (a workflow: it may have moved).
RECORDS_FROM = "RECORDS_FROM"


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run one command at the root of the repository (the working directory)."""
    arguments = _parser().parse_args(argv)
    root = Path.cwd()
    match arguments.command:
        case "publish":
            _publish(root, arguments)
        case "deploy":
            _deploy(root, arguments)
        case "rollback":
            _rollback(root, arguments)
        case "status":
            _status(root, arguments)
        case "fetch":
            _fetch(root, arguments)
        case "show":
            _show(root, arguments)
        case "champion":
            _champion(root, arguments)
        case "adopt":
            for path in adopt.adopt(root, arguments.model):
                print(path)
        case "settings":
            chosen = settings.read(root)
            for item in dataclasses.fields(Settings):
                print(f"{settings.key(item.name)}={getattr(chosen, item.name)}")
        case "configure":
            print("\n".join(configure.configure(root, _values(arguments))) or "nothing to change")
    return 0


def _publish(root: Path, arguments: argparse.Namespace) -> None:
    # Here and below: each command imports what it uses, so that `--help` and `status` answer at once.
    from release.publish import LOCK, publish
    from release.store import Store

    chosen = settings.read(root)
    uri = publish(
        Store(chosen),
        chosen,
        artifact=arguments.artifact,
        verdict_path=arguments.verdict,
        model=arguments.model or params.model(root),
        source_commit=Caller(root).commit(),
        lock=root / LOCK,
    )
    print(uri)


def _deploy(root: Path, arguments: argparse.Namespace) -> None:
    from release.deploy import deploy
    from release.publish import uri_of
    from release.store import Store

    chosen = settings.read(root)
    model = arguments.model or params.model(root)
    print(
        deploy(
            Store(chosen),
            chosen,
            _remote(root, chosen),
            place=Place(model, arguments.env),
            uri=arguments.uri or str(uri_of(chosen, model, arguments.artifact)),
            image=arguments.image,
            run_commit=Caller(root).commit(),
        )
    )


def _rollback(root: Path, arguments: argparse.Namespace) -> None:
    from artifact import digest
    from release.rollback import rollback
    from release.store import Store

    chosen = settings.read(root)
    place = Place(arguments.model or params.model(root), arguments.env)
    to = None if arguments.to is None else digest.parse(arguments.to)
    print(rollback(Store(chosen), _remote(root, chosen), place=place, to=to))


def _status(root: Path, arguments: argparse.Namespace) -> None:
    from release import status
    from release.tree import Tree

    if arguments.tree:
        found = status.records_of(Tree(root), arguments.model)
    else:
        found = status.records(_remote(root, settings.read(root)), arguments.model)
    if arguments.json:
        print(json.dumps(status.as_json(found), indent=2))
    else:
        print(status.table(found, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))


def _fetch(root: Path, arguments: argparse.Namespace) -> None:
    from release.fetch import fetch
    from release.store import Store

    uri = ArtifactUri.parse(arguments.uri)
    new = fetch(Store(_of_bucket(root, uri)), uri, arguments.out)
    print(f"{uri.digest} {'fetched into' if new else 'is already in'} {arguments.out}")


def _show(root: Path, arguments: argparse.Namespace) -> None:
    from release import published
    from release.store import Store

    uri = ArtifactUri.parse(arguments.uri)
    found = published.find(Store(_of_bucket(root, uri)), uri)
    told = {"digest": uri.digest} | dataclasses.asdict(found) | {"uri": str(uri)}
    if arguments.json:
        print(json.dumps(told, indent=2))
    else:
        told["files"] = ", ".join(f"{file.path} ({file.size} bytes)" for file in found.files)
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))


def _champion(root: Path, arguments: argparse.Namespace) -> None:
    from release.champion import champion
    from release.remote import opened, tip
    from release.store import Store
    from release.tree import Tree

    chosen = settings.read(root)
    wanted = {"model": arguments.model or params.model(root), "out": arguments.out, "record": arguments.record}
    source = os.environ.get(RECORDS_FROM) or "tree"
    if source == "tree":
        print(champion(Store(chosen), Tree(root), **wanted))
    elif source == "branch":
        remote = _remote(root, chosen)
        with opened(remote) as git:
            print(champion(Store(chosen), tip(git, remote), **wanted))
    else:
        raise ConfigurationError(f"{RECORDS_FROM} is {source!r}: set it to `tree` or `branch`")


def _of_bucket(root: Path, uri: ArtifactUri) -> Settings:
    return dataclasses.replace(settings.read(root), bucket=uri.bucket)


def _values(arguments: argparse.Namespace) -> dict[str, str]:
    names = [item.name for item in dataclasses.fields(Settings)]
    values = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    for assignment in arguments.set:
        name, equals, value = assignment.partition("=")
        field = name.lower().replace("-", "_")
        if field not in names or not equals:
            raise UsageError(f"--set {assignment!r} is not one of {', '.join(map(str.upper, names))} with =VALUE")
        values[field] = value
    return values


def _remote(root: Path, chosen: Settings) -> Remote:
    caller = Caller(root)
    return Remote(chosen.gitops_remote or caller.origin(), chosen.gitops_branch, caller)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m release", description="Publish artifacts to the bucket and name them in Git."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help)

    command = add("publish", "put the artifact into the bucket under its digest and print its URI")
    _artifact(command)
    command.add_argument(
        "--verdict", type=Path, default=Path("build/verdict.json"), help="the gate's file (%(default)s)"
    )
    _model(command)
    command = add("deploy", "commit that an environment serves a published artifact in an image")
    command.add_argument("--env", required=True, help="environment, as staging")
    command.add_argument("--uri", help="URI that publish printed (default: that of the artifact in --artifact)")
    _artifact(command)
    command.add_argument("--image", required=True, help="image of the predictor: <repository>@sha256:<hex>")
    _model(command)
    command = add("rollback", "commit that an environment serves an earlier release again, model and image together")
    command.add_argument("--env", required=True, help="environment, as staging")
    command.add_argument(
        "--to", metavar="DIGEST", help="digest of the artifact to go back to (default: the one before)"
    )
    _model(command)
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
    return parser


def _artifact(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--artifact", type=Path, default=Path("build/artifact"), help="directory of the artifact (%(default)s)"
    )


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", help="name of the model (default: model.name of params.yaml)")


if __name__ == "__main__":
    run(main)
