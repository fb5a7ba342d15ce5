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
from release import params, settings
from release.change import Outcome, Request
from release.command_line import checked, parser
from release.commands import adopt, configure
from release.git.branch import Branch
from release.git.client import Caller
from release.gitops.folder import Folder
from release.gitops.worktree import RECORDS_FROM, Worktree, reader
from release.settings import Settings


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run one command at the root of the repository (the working directory)."""
    arguments = checked(parser().parse_args(argv))
    root = Path.cwd()
    match arguments.command:
        case "publish":
            _publish(root, arguments)
        case "deploy":
            _deploy(root, arguments)
        case "advance" | "promote" | "prove" | "rollback" | "retire" | "migrate":
            _step(root, arguments)
        case "quarantine" | "unquarantine":
            _quarantine(root, arguments)
        case "status":
            _status(root, arguments)
        case "fetch" | "show":
            _look(root, arguments)
        case "champion":
            _champion(root, arguments)
        case "check":
            from release.commands.check import check

            print("\n".join(check(Worktree(root), arguments.model)))
        case "references":
            from release.commands.references import references

            print("\n".join(references(_branch(root, settings.read(root)))))
        case "adopt":
            for path in adopt.adopt(root, arguments.model):
                print(path)
        case "settings":
            chosen = settings.read(root)
            for item in dataclasses.fields(Settings):
                print(f"{settings.key(item.name)}={getattr(chosen, item.name)}")
        case "configure":
            print("\n".join(configure.configure(root, configure.values(vars(arguments)))) or "nothing to change")
    return 0


def _publish(root: Path, arguments: argparse.Namespace) -> None:
    # Here and below: each command imports what it uses, so that `--help` and `status` answer at once.
    from release.bucket.store import Store
    from release.commands.publish import LOCK, publish

    chosen = settings.read(root)
    model = arguments.model or params.model(root)
    with reader(root, lambda: _branch(root, chosen)) as here:
        quarantined = Folder(model, "staging").quarantined(here)
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
    from release.commands.deploy import Source, Wanted, deploy
    from release.commands.proof import Prover
    from release.commands.publish import uri_of
    from release.readiness import Cluster

    uri, image = arguments.uri or "", arguments.image or ""
    if arguments.source and (uri or image):
        raise UsageError("--from takes URI and image of that environment: leave out --uri and --image")
    if arguments.propose and arguments.dry_run:
        raise UsageError("--propose pushes a branch, --dry-run pushes nothing: leave out one of them")
    if not arguments.source and not image:
        raise UsageError("the following arguments are required: --image (or --from)")
    chosen, folder = settings.read(root), _folder(root, arguments)
    if not arguments.source:
        uri = uri or str(uri_of(chosen, folder.model, arguments.artifact))
    store = Store(chosen)
    outcomes = deploy(
        store,
        chosen,
        _branch(root, chosen),
        dataclasses.replace(_request(root, arguments), proposed=arguments.propose),
        folder=folder,
        wanted=Wanted(
            uri=uri,
            image=image,
            run_commit="" if arguments.source else Caller(root).commit(),
            source=arguments.source,
            canary=arguments.canary or None,
            begins=arguments.canary == 0,
        ),
        prover=Prover(store, Cluster(folder, chosen.domain, arguments.gateway), arguments.url),
        source=Source(arguments.from_url, arguments.from_gateway),
        wait=arguments.wait,
    )
    _print(outcomes, arguments)


def _step(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands import migrate, retire, rollback, traffic
    from release.commands.proof import Prover
    from release.readiness import Cluster

    chosen, folder = settings.read(root), _folder(root, arguments)
    branch, request = _branch(root, chosen), _request(root, arguments)
    cluster, wait = Cluster(folder, chosen.domain, arguments.gateway), arguments.wait
    if arguments.command == "retire":
        min_age = arguments.min_age
        outcome = retire.retire(branch, request, folder=folder, cluster=cluster, min_age=min_age, wait=wait)
        _print([outcome], arguments)
        return
    prover = Prover(Store(chosen), cluster, arguments.url)
    match arguments.command:
        case "advance":
            to = arguments.to
            outcomes = [traffic.advance(branch, request, folder=folder, prover=prover, to=to, wait=wait)]
        case "promote":
            outcomes = [traffic.promote(branch, request, folder=folder, prover=prover, wait=wait)]
        case "prove":
            release = arguments.release
            outcomes = [traffic.prove(branch, request, folder=folder, prover=prover, release=release, wait=wait)]
        case "migrate":
            finish = arguments.finish
            outcomes = [migrate.migrate(branch, request, folder=folder, prover=prover, finish=finish, wait=wait)]
        case _:
            outcomes = rollback.rollback(branch, request, folder=folder, prover=prover, to=arguments.to, wait=wait)
    _print(outcomes, arguments)


def _quarantine(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket.store import Store
    from release.commands import quarantine

    chosen = settings.read(root)
    branch, request = _branch(root, chosen), _request(root, arguments)
    model, release = arguments.model or params.model(root), arguments.release
    if arguments.command == "quarantine":
        outcome = quarantine.quarantine(
            Store(chosen),
            chosen,
            branch,
            request,
            model=model,
            release=release,
            environments=[Folder(model, name).environment for name in arguments.environments],
            stop=arguments.stop,
        )
    else:
        outcome = quarantine.unquarantine(branch, request, model=model, release=release)
    _print([outcome], arguments)


def _request(root: Path, arguments: argparse.Namespace) -> Request:
    person = Caller(root).person()
    return Request(arguments.command, person, arguments.reason or "", arguments.evidence or "", arguments.dry_run)


def _folder(root: Path, arguments: argparse.Namespace) -> Folder:
    return Folder(arguments.model or params.model(root), arguments.env)


def _print(outcomes: Sequence[Outcome], arguments: argparse.Namespace) -> None:
    """A line for each; as JSON the last one, which says how things stand."""
    if arguments.json:
        print(json.dumps(outcomes[-1].as_json(), indent=2))
    elif getattr(arguments, "propose", False):
        print(outcomes[-1].says, file=sys.stderr)
        print(outcomes[-1].branch or "", end="\n" if outcomes[-1].branch else "")
    else:
        print("\n".join(map(str, outcomes)))


def _status(root: Path, arguments: argparse.Namespace) -> None:
    from release.commands import status

    if arguments.tree:
        environments = status.read_from(Worktree(root), arguments.model)
    else:
        environments = status.read(_branch(root, settings.read(root)), arguments.model)
    if arguments.json:
        print(json.dumps(status.as_json(environments), indent=2))
    else:
        print(status.table(environments, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))


def _look(root: Path, arguments: argparse.Namespace) -> None:
    from release.bucket import published
    from release.bucket.store import Store
    from release.commands.fetch import fetch
    from release.commands.status import uri_of

    chosen = settings.read(root)
    uri = ArtifactUri.parse(uri_of(lambda: _branch(root, chosen), arguments.uri))
    store = Store(dataclasses.replace(chosen, bucket=uri.bucket))
    if arguments.command == "fetch":
        new = fetch(store, uri, arguments.out)
        print(f"{uri.digest} {'fetched into' if new else 'is already in'} {arguments.out}")
        return
    artifact = published.find(store, uri)
    content = {"digest": uri.digest} | dataclasses.asdict(artifact) | {"uri": str(uri)}
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        content["files"] = ", ".join(f"{file.path} ({file.size} bytes)" for file in artifact.files)
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in content.items()))


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
    with reader(root, lambda: _branch(root, chosen)) as here:
        print(champion(Store(chosen), here, **wanted))


def _branch(root: Path, chosen: Settings) -> Branch:
    caller = Caller(root)
    return Branch(chosen.gitops_remote or caller.origin(), chosen.gitops_branch, caller, chosen.gitops_path)


if __name__ == "__main__":
    run(main)
