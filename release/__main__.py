"""`python -m release`: what may serve, published to the bucket and named in Git."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact import digest
from artifact.command import run
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, UsageError
from release import params, settings
from release.change import Order, Outcome
from release.command_line import given, parser
from release.commands import adopt, configure
from release.git.branch import Remote
from release.git.client import Caller
from release.gitops.folder import Place
from release.gitops.worktree import RECORDS_FROM, Tree, holder
from release.settings import Settings


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run one command at the root of the repository (the working directory)."""
    arguments = given(parser().parse_args(argv))
    root = Path.cwd()
    match arguments.command:
        case "publish":
            _publish(root, arguments)
        case "deploy":
            _deploy(root, arguments)
        case "advance" | "promote" | "rollback" | "settle" | "rebuild":
            _move(root, arguments)
        case "quarantine" | "unquarantine":
            _exclude(root, arguments)
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
    from release.bucket.store import Store
    from release.commands.publish import LOCK, publish

    chosen = settings.read(root)
    model = arguments.model or params.model(root)
    with holder(root, lambda: _remote(root, chosen)) as held:
        quarantined = Place(model, "staging").quarantined(held)
    uri = publish(
        Store(chosen),
        chosen,
        artifact=arguments.artifact,
        verdict_path=arguments.verdict,
        model=model,
        source_commit=Caller(root).commit(),
        lock=root / LOCK,
        quarantined=quarantined,
    )
    print(uri)


def _deploy(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands.deploy import Proof, Wanted, deploy
    from release.commands.publish import uri_of

    uri, image = arguments.uri or "", arguments.image or ""
    if arguments.source and (uri or image):
        raise UsageError("--from takes URI and image of that environment: leave out --uri and --image")
    if arguments.propose and arguments.dry_run:
        raise UsageError("--propose pushes a branch, --dry-run pushes nothing: leave out one of them")
    if not arguments.source and not image:
        raise UsageError("the following arguments are required: --image (or --from)")
    chosen = settings.read(root)
    place = _place(root, arguments)
    if not arguments.source:
        uri = uri or str(uri_of(chosen, place.model, arguments.artifact))
    wanted = Wanted(
        uri=uri,
        image=image,
        run_commit="" if arguments.source else Caller(root).commit(),
        source=arguments.source,
        canary=arguments.canary or None,
        begins=arguments.canary == 0,
    )
    outcome = deploy(
        Store(chosen),
        chosen,
        _remote(root, chosen),
        dataclasses.replace(_order(root, arguments), proposed=arguments.propose),
        place=place,
        wanted=wanted,
        proof=Proof(arguments.from_url, arguments.from_gateway, arguments.wait),
    )
    _tell(outcome, arguments)


def _move(root: Path, arguments: argparse.Namespace) -> None:
    from release import readiness
    from release.bucket.store import Store
    from release.commands import canary
    from release.commands.rollback import rollback

    chosen = settings.read(root)
    remote, order, place = _remote(root, chosen), _order(root, arguments), _place(root, arguments)
    match arguments.command:
        case "advance":
            outcome = canary.advance(remote, order, place=place, to=arguments.to)
        case "promote":
            outcome = canary.promote(remote, order, place=place)
        case "rollback":
            to = None if arguments.to is None else digest.parse(arguments.to)
            outcome = rollback(Store(chosen), remote, order, place=place, to=to)
        case "settle":
            where = readiness.address(place, chosen.domain, latest=True, url=arguments.url, gateway=arguments.gateway)
            outcome = canary.settle(remote, order, place=place, where=where, wait=arguments.wait)
        case _:
            outcome = canary.rebuild(remote, order, place=place)
    _tell(outcome, arguments)


def _exclude(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands import quarantine

    chosen = settings.read(root)
    remote, order = _remote(root, chosen), _order(root, arguments)
    model, named = arguments.model or params.model(root), digest.parse(arguments.digest)
    if arguments.command == "quarantine":
        outcome = quarantine.quarantine(Store(chosen), chosen, remote, order, model=model, model_digest=named)
    else:
        outcome = quarantine.unquarantine(remote, order, model=model, model_digest=named)
    _tell(outcome, arguments)


def _order(root: Path, arguments: argparse.Namespace) -> Order:
    person = Caller(root).person()
    return Order(arguments.command, person, arguments.reason or "", arguments.evidence or "", arguments.dry_run)


def _place(root: Path, arguments: argparse.Namespace) -> Place:
    return Place(arguments.model or params.model(root), arguments.env)


def _tell(outcome: Outcome, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(outcome.as_json(), indent=2))
    elif getattr(arguments, "propose", False):
        print(outcome.says, file=sys.stderr)
        print(outcome.branch or "", end="\n" if outcome.branch else "")
    else:
        print(outcome)


def _status(root: Path, arguments: argparse.Namespace) -> None:
    from release.commands import status

    if arguments.tree:
        found = status.records_of(Tree(root), arguments.model)
    else:
        found = status.records(_remote(root, settings.read(root)), arguments.model)
    if arguments.json:
        print(json.dumps(status.as_json(found), indent=2))
    else:
        print(status.table(found, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))


def _fetch(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands.fetch import fetch

    uri = ArtifactUri.parse(arguments.uri)
    new = fetch(Store(_of_bucket(root, uri)), uri, arguments.out)
    print(f"{uri.digest} {'fetched into' if new else 'is already in'} {arguments.out}")


def _show(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket import published
    from release.bucket.store import Store

    uri = ArtifactUri.parse(arguments.uri)
    found = published.find(Store(_of_bucket(root, uri)), uri)
    told = {"digest": uri.digest} | dataclasses.asdict(found) | {"uri": str(uri)}
    if arguments.json:
        print(json.dumps(told, indent=2))
    else:
        told["files"] = ", ".join(f"{file.path} ({file.size} bytes)" for file in found.files)
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))


def _champion(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands.champion import champion

    chosen = settings.read(root)
    wanted = {"model": arguments.model or params.model(root), "out": arguments.out, "record": arguments.record}
    if os.environ.get(RECORDS_FROM) == "kept":
        # A workflow asks the remote in a step of its own, so that the step that trains needs no token.
        if not arguments.record.is_file():
            raise ConfigurationError(f"{RECORDS_FROM} is kept, and there is no {arguments.record}: set it to `branch`")
        print(f"{arguments.record} is kept as it is")
        return
    with holder(root, lambda: _remote(root, chosen)) as held:
        print(champion(Store(chosen), held, **wanted))


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
    return Remote(chosen.gitops_remote or caller.origin(), chosen.gitops_branch, caller, chosen.gitops_path)


if __name__ == "__main__":
    run(main)
