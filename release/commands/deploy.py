"""Commit that an environment gets a published artifact in an image, or what another environment serves.

Its InferenceService comes first. The traffic follows once the release is proved.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, GateRefused, UsageError
from release import command_line, readiness, transitions
from release.bucket import attested, published
from release.bucket.store import Store
from release.change import Decision, Outcome, Request, Situation, apply, situation_of
from release.checkout import Checkout
from release.clock import now
from release.commands import status, traffic
from release.commands.proof import Prover, elsewhere
from release.commands.publish import uri_of
from release.evidence import sources
from release.git.batch import AnyBranch
from release.git.tip import Tip
from release.gitops import signers
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.gitops.release import Release, parse_image
from release.readiness import Address, Cluster, Unseen, patiently
from release.settings import Settings


@dataclass(frozen=True)
class Target:
    """What to deploy: an artifact in an image on the commit `run_commit`, or what the environment `source` serves."""

    uri: str = ""
    image: str = ""
    run_commit: str = ""
    source: str | None = None
    canary: int | None = None  # percent of the traffic once proved; None: all of it
    begins: bool = False  # as a canary, at the percentage of environment.yaml; the first release gets everything


@dataclass(frozen=True)
class Source:
    """Where the environment after --from answers, if not at the host that the domain gives it."""

    url: str | None = None
    gateway: str | None = None


def deploy(
    store: Store,
    settings: Settings,
    branch: AnyBranch,
    request: Request,
    *,
    folder: Folder,
    target: Target,
    prover: Prover,
    source: Source = Source(),
    wait: float = 0.0,
) -> list[Outcome]:
    """Commit the InferenceService of `target`, and within `wait` seconds, proved, the Route that names it.

    Without `wait` the traffic is `release advance`'s. Where the environment asks for no proof both are one commit.
    Nothing is committed when it serves already, or when what is there was deployed by a run on a newer source commit.
    ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50).
    """
    direct = None if target.source else _published(store, settings, folder.model, target)
    deployment = _Deployment(store, settings, folder, target, source, direct)
    outcomes = [patiently(wait, lambda: apply(branch, folder, request, deployment.decide, again=True))]
    if wait and outcomes[0].state == "proving" and not (request.proposed or request.dry_run):
        only = deployment.release
        outcomes.append(traffic.advance(branch, request, folder=folder, prover=prover, to=None, wait=wait, only=only))
    return outcomes


@dataclass
class _Deployment:
    """One deploy, decided again for each state of the branch; `release`: the name of what the last decision was about.

    `direct` is the release of the bucket that was asked for, None where it is what another environment serves.
    """

    store: Store
    settings: Settings
    folder: Folder
    target: Target
    source: Source
    direct: Release | None
    release: str = ""
    _healthy: set[str] = dataclasses.field(default_factory=set)  # URIs that answered in the source environment

    def decide(self, situation: Situation) -> Decision:
        """What becomes of the record in `situation`."""
        before = situation.record
        takes = self.target.source or situation.environment.takes
        release = self.direct if takes is None else _served_by(situation, takes, self.direct)
        assert release is not None  # either it is one of the bucket, or there is a source
        release = self._attested(situation, release)
        self.release = release.name
        title = f"{release.name} in {self.folder.environment}"
        situation.refuse(release)
        for other in (before.stable, before.candidate):
            if (
                other is not None
                and not release.same(other)
                and situation.tip.precedes(release.run_commit, other.run_commit)
            ):
                return Decision(before, _newer(self.folder, other), superseded=True)
        keep, first, percent = situation.environment.keep, situation.environment.canary, self.target.canary
        if self.target.begins and before.stable is not None and not release.same(before.stable):
            percent = first
        after = transitions.deploy(before, release, keep=keep, percent=percent, first=first)
        if after == before:
            return _there_already(before, release, title)
        if after.candidate is None:
            subject = f"take the candidate back from {title}: that was deployed again"
            return Decision(after, subject, after.stable, reason="the challenger is the stable release")
        if takes is not None:
            self._require_healthy(situation.tip, situation_of(situation.tip, Folder(self.folder.model, takes)), release)
        if self.direct is None:
            published.find(self.store, ArtifactUri.parse(release.uri))
        if situation.environment.proves:
            subject = f"deploy {title}, to be proved"
        else:
            after = transitions.advance(after, None, now())
            subject = f"deploy {title}" + (f" as a canary at {after.percent} %" if after.candidate else "")
        return Decision(after, subject, release, reason=f"the gate's verdict is {release.gate}")

    def _attested(self, situation: Situation, release: Release) -> Release:
        """`release` as a trusted signer states it; as it is where the environment asks for no signature."""
        if not situation.environment.signed:
            return release
        uri = ArtifactUri.parse(release.uri)
        statement = attested.find(self.store, uri, signers.of(situation.tip)).statement
        return dataclasses.replace(
            release,
            inputs_digest=statement.inputs_digest,
            data_digest=statement.data_digest,
            source_commit=statement.source_commit,
            gate=statement.gate,
        )

    def _require_healthy(self, tip: Tip, there: Situation, release: Release) -> None:
        """Unseen (41) unless `release`, which Git names in `there`, is seen to serve there; asked once."""
        if release.uri in self._healthy:
            return
        # The branch that takes the release says how its health is observed, not the branch that it comes from.
        source = sources.of(tip, there.folder.environment)
        by_person = self.source.url is not None or self.source.gateway is not None
        if by_person or elsewhere(source, there, release) is None:
            chosen = self.settings
            address = Cluster(there.folder, chosen.domain, self.source.gateway, source.access, chosen.joint).route()
            if self.source.url is not None:
                address = Address(self.source.url, access=source.access)
            if (problem := readiness.lacking(address, there.folder.model, release)) is not None:
                raise Unseen(
                    f"{release.name} is not seen healthy in {there.folder.environment}: {problem}; wait until it is, "
                    "or say where it answers with --from-url or --from-gateway"
                )
        self._healthy.add(release.uri)


def _there_already(before: Record, release: Release, title: str) -> Decision:
    waits = f"gets {before.share} % once proved: `release advance`, or --wait"
    there = waits if before.percent == 0 else f"has {before.percent} % already"
    return Decision(before, f"{title} {'serves already' if release.same(before.stable) else there}", release)


def _published(store: Store, settings: Settings, model: str, target: Target) -> Release:
    parse_image(target.image)
    uri = ArtifactUri.parse(target.uri)
    if (uri.bucket, uri.prefix, uri.model) != (settings.bucket, settings.prefix, model):
        home = f"s3://{settings.bucket}/{settings.prefix}/{model}/"
        raise ConfigurationError(
            f"the URI {target.uri!r} is not one of {home}: correct it, or --model, or the settings"
        )
    artifact = published.find(store, uri)
    return Release(
        digest=uri.digest,
        uri=target.uri,
        image=target.image,
        since=now(),
        inputs_digest=artifact.inputs_digest,
        data_digest=artifact.data_digest,
        source_commit=artifact.source_commit,
        run_commit=target.run_commit,
        gate=artifact.gate,
    )


def _served_by(situation: Situation, source: str, direct: Release | None) -> Release:
    """What `source` serves, as a release that is new here; it has to be `direct` when that is not None."""
    folder = situation.folder
    if source == folder.environment:
        raise ConfigurationError(f"{source} cannot take from itself: name another environment after --from")
    stable = Folder(folder.model, source).read(situation.tip)[1].champion
    if stable is None:
        raise GateRefused(f"{folder.model} in {source} serves nothing yet: deploy it there first")
    if direct is not None and not direct.same(stable):
        raise GateRefused(
            f"{folder.environment} takes what {source} serves, {stable.uri} in {stable.image}: deploy {direct.uri} in "
            f"{direct.image} there first, or take `takes` out of {folder.path}/environment.yaml"
        )
    return dataclasses.replace(stable, since=now(), rendered=False, served=False, rejected=False, left=None, proof=None)


def _newer(folder: Folder, release: Release) -> str:
    return (
        f"{folder.model} in {folder.environment} serves {release.name} of the newer commit {release.run_commit[:12]}; "
        "`release rollback --to` leads back"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """As `deploy`; UsageError (2) for options that exclude each other."""
    arguments, checkout = command_line.parse(_command_line(), argv), Checkout.current()
    _require_consistent(arguments)
    folder = checkout.folder(arguments)
    store = checkout.store
    request = dataclasses.replace(checkout.request("deploy", arguments), proposed=arguments.propose)
    outcomes = deploy(
        store,
        checkout.settings,
        checkout.branch(folder.environment),
        request,
        folder=folder,
        target=_target(arguments, checkout, folder.model),
        prover=Prover.of(checkout, folder, arguments),
        source=Source(arguments.from_url, arguments.from_gateway),
        wait=arguments.wait,
    )
    command_line.show(outcomes, arguments)


def _command_line() -> argparse.ArgumentParser:
    line = command_line.parser("deploy", __doc__)
    command_line.add_environment(line)
    line.add_argument("--uri", help="URI that publish printed (default: that of the artifact in --artifact)")
    command_line.add_artifact(line)
    line.add_argument("--image", help="image of the predictor: <repository>@sha256:<hex>; with --from it is that")
    line.add_argument("--from", dest="source", metavar="ENV", help="promote what ENV serves, if it answers there")
    line.add_argument(
        "--canary",
        nargs="?",
        type=int,
        const=0,
        metavar="N",
        help="percent of the traffic once proved (100: all of it; without N: `canary` of environment.yaml)",
    )
    line.add_argument("--from-url", metavar="URL", help="where --from answers (default: by the domain)")
    line.add_argument("--from-gateway", metavar="URL", help="what to connect to for it, before DNS knows its name")
    command_line.add_release_host(line)
    line.add_argument(
        "--propose", action="store_true", help="push to a branch for a pull request instead, and print its name alone"
    )
    command_line.add_request(line)
    return line


def _require_consistent(arguments: argparse.Namespace) -> None:
    if arguments.source and (arguments.uri or arguments.image):
        raise UsageError("--from takes URI and image of that environment: leave out --uri and --image")
    if arguments.propose and arguments.dry_run:
        raise UsageError("--propose pushes a branch, --dry-run pushes nothing: leave out one of them")
    if not arguments.source and not arguments.image:
        raise UsageError("the following arguments are required: --image (or --from)")


def _target(arguments: argparse.Namespace, checkout: Checkout, model: str) -> Target:
    canary, begins = None if arguments.canary in (0, 100) else arguments.canary, arguments.canary == 0
    if arguments.source:
        return Target(source=arguments.source, canary=canary, begins=begins)
    if arguments.uri:
        uri = status.uri_of(checkout.remote, arguments.uri)
    else:
        uri = str(uri_of(checkout.settings, model, arguments.artifact))
    return Target(uri=uri, image=arguments.image, run_commit=checkout.commit(), canary=canary, begins=begins)
