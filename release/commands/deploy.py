"""Make Git name an artifact in its image for one environment: its InferenceService first, then, proved, its traffic."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, GateRefused
from release import readiness, transitions
from release.bucket import published
from release.bucket.store import Store
from release.change import Decision, Outcome, Request, Situation, apply
from release.clock import now
from release.commands import traffic
from release.commands.proof import Prover
from release.git.branch import Branch
from release.gitops.folder import Folder
from release.gitops.release import Release, parse_image
from release.readiness import Address, Cluster, Unseen, patiently
from release.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What to deploy: an artifact in an image on the commit `run_commit`, or what the environment `source` serves."""

    uri: str = ""
    image: str = ""
    run_commit: str = ""
    source: str | None = None
    canary: int | None = None  # percent of the traffic once proved; None: all of it
    begins: bool = False  # as a canary, at the percentage of environment.yaml; the first release gets everything


@dataclass(frozen=True)
class Source:
    """Where the environment that is taken from answers: by the domain, unless a person says otherwise."""

    url: str | None = None
    gateway: str | None = None


def deploy(
    store: Store,
    settings: Settings,
    branch: Branch,
    request: Request,
    *,
    folder: Folder,
    wanted: Wanted,
    prover: Prover,
    source: Source = Source(),
    wait: float = 0.0,
) -> list[Outcome]:
    """Commit the InferenceService of what is `wanted`, and within `wait` seconds, proved, the Route that names it.

    Without `wait` the traffic is `release advance`'s. Where the environment asks for no proof both are one commit.
    Nothing is committed when it serves already, or when what is there was deployed by a run on a newer source commit.
    ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50).
    """
    direct = None if wanted.source else _published(store, settings, folder.model, wanted)
    seen_in_source: set[str] = set()
    deployed: list[str] = []

    def decide(situation: Situation) -> Decision:
        before = situation.record
        takes = wanted.source or situation.environment.takes
        release = direct if takes is None else _served_by(situation, takes, direct)
        assert release is not None  # either it is one of the bucket, or there is a source
        deployed[:] = [release.name]
        what = f"{release.name} in {folder.environment}"
        situation.refuse(release)
        for one in (before.stable, before.candidate):
            if one is not None and not release.same(one) and situation.tip.precedes(release.run_commit, one.run_commit):
                return Decision(before, _newer(folder, one), superseded=True)
        percent = wanted.canary
        if wanted.begins and before.stable is not None and not release.same(before.stable):
            percent = situation.environment.canary
        keep, first = situation.environment.keep, situation.environment.canary
        after = transitions.deploy(before, release, keep=keep, percent=percent, first=first)
        if after == before:
            waits = f"gets {before.share} % once proved: `release advance`, or --wait"
            there = waits if before.percent == 0 else f"has {before.percent} % already"
            return Decision(before, f"{what} {'serves already' if release.same(before.stable) else there}", release)
        if after.candidate is None:
            subject = f"take the candidate back from {what}: that was deployed again"
            return Decision(after, subject, after.stable, reason="the challenger is the stable release")
        if takes is not None and release.uri not in seen_in_source:
            cluster = Cluster(Folder(folder.model, takes), settings.domain, source.gateway)
            _require_seen(cluster.route() if source.url is None else Address(source.url), folder.model, takes, release)
            seen_in_source.add(release.uri)
        if direct is None:
            published.find(store, ArtifactUri.parse(release.uri))
        if situation.environment.proves:
            subject = f"deploy {what}, to be proved"
        else:
            after = transitions.advance(after, None, now())
            subject = f"deploy {what}" + (f" as a canary at {after.percent} %" if after.candidate else "")
        return Decision(after, subject, release, reason=f"the gate's verdict is {release.gate}")

    outcomes = [patiently(wait, lambda: apply(branch, folder, request, decide, again=True))]
    if wait and outcomes[0].state == "proving" and not (request.proposed or request.shown):
        outcomes.append(
            traffic.advance(branch, request, folder=folder, prover=prover, to=None, wait=wait, only=deployed[0])
        )
    return outcomes


def _published(store: Store, settings: Settings, model: str, wanted: Wanted) -> Release:
    parse_image(wanted.image)
    uri = ArtifactUri.parse(wanted.uri)
    if (uri.bucket, uri.prefix, uri.model) != (settings.bucket, settings.prefix, model):
        home = f"s3://{settings.bucket}/{settings.prefix}/{model}/"
        raise ConfigurationError(
            f"the URI {wanted.uri!r} is not one of {home}: correct it, or --model, or the settings"
        )
    artifact = published.find(store, uri)
    return Release(
        digest=uri.digest,
        uri=wanted.uri,
        image=wanted.image,
        since=now(),
        inputs_digest=artifact.inputs_digest,
        data_digest=artifact.data_digest,
        source_commit=artifact.source_commit,
        run_commit=wanted.run_commit,
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


def _require_seen(where: Address, model: str, source: str, release: Release) -> None:
    if (problem := readiness.lacking(where, model, release)) is not None:
        raise Unseen(
            f"{release.name} is not seen healthy in {source}: {problem}; wait until it is, "
            "or say where it answers with --from-url or --from-gateway"
        )


def _newer(folder: Folder, one: Release) -> str:
    return (
        f"{folder.model} in {folder.environment} serves {one.name} of the newer commit {one.run_commit[:12]}; "
        "`release rollback --to` leads back"
    )
