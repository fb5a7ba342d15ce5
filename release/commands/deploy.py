"""Make Git name an artifact and its image for one environment, with all traffic or as a canary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, GateRefused
from release import commit_message, readiness, state
from release.bucket import published
from release.bucket.store import Store
from release.change import SUPERSEDED, Order, Outcome, Seen, Step, take
from release.clock import now
from release.git.branch import Remote
from release.gitops import quarantine
from release.gitops.folder import Place
from release.gitops.record import Release, parse_image
from release.readiness import Address, Unseen
from release.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What to deploy: an artifact in an image on the commit `run_commit`, or what the environment `source` serves."""

    uri: str = ""
    image: str = ""
    run_commit: str = ""
    source: str | None = None
    canary: int | None = None  # percent of the traffic; None: all of it
    begins: bool = False  # as a canary, at the percentage of environment.yaml; the first release gets everything


@dataclass(frozen=True)
class Proof:
    """Where the environment that proved it answers (by default: by the domain), and for how long to wait for that."""

    url: str | None = None
    gateway: str | None = None
    wait: float = 0.0


def deploy(
    store: Store,
    settings: Settings,
    remote: Remote,
    order: Order,
    *,
    place: Place,
    wanted: Wanted,
    proof: Proof,
) -> Outcome:
    """Give `place` what is `wanted`.

    Nothing is committed when it serves already, or when what is there was deployed by a run on a newer source commit.
    Raises ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50).
    """
    given = None if wanted.source else _given(store, settings, place.model, wanted)
    proved: set[str] = set()

    def decide(seen: Seen) -> Step:
        before = seen.record
        source = wanted.source or seen.environment.takes
        release = given if source is None else _proved(seen, place, source, given)
        assert release is not None  # either it was given, or there is a source
        what = f"{commit_message.short(release.digest)} in {place.environment}"
        quarantine.refuse(seen.quarantined, release.digest, release.inputs_digest)
        for one in (before.stable, before.candidate):
            if one is not None and not release.same(one) and seen.tip.precedes(release.run_commit, one.run_commit):
                return Step(before, _newer(place, one), refused=SUPERSEDED)
        percent = wanted.canary
        if wanted.begins and before.stable is not None and not release.same(before.stable):
            percent = seen.environment.canary
        after = state.deploy(
            before, release, keep=seen.environment.keep, percent=percent, first=seen.environment.canary
        )
        if after == before:
            there = "serves already" if release.same(before.stable) else f"has {before.percent} % already"
            return Step(before, f"{what} {there}", release)
        if after.percent == 0:
            subject = f"roll the canary back to {what}: it was deployed again"
            return Step(after, subject, after.stable, reason="the challenger is the stable release")
        if source is not None and release.uri not in proved:
            proof_place = Place(place.model, source)
            where = readiness.address(proof_place, settings.domain, latest=False, url=proof.url, gateway=proof.gateway)
            _healthy(where, place.model, source, release)
            proved.add(release.uri)
        if given is None:
            published.find(store, ArtifactUri.parse(release.uri))
        subject = f"deploy {what}" if after.candidate is None else f"deploy {what} as a canary at {after.percent} %"
        return Step(after, subject, release, reason=f"the gate's verdict is {release.gate}")

    return readiness.patiently(proof.wait, lambda: take(remote, place, order, decide, again=True))


def _given(store: Store, settings: Settings, model: str, wanted: Wanted) -> Release:
    parse_image(wanted.image)
    uri = ArtifactUri.parse(wanted.uri)
    if (uri.bucket, uri.prefix, uri.model) != (settings.bucket, settings.prefix, model):
        home = f"s3://{settings.bucket}/{settings.prefix}/{model}/"
        raise ConfigurationError(
            f"the URI {wanted.uri!r} is not one of {home}: correct it, or --model, or the settings"
        )
    found = published.find(store, uri)
    return Release(
        digest=uri.digest,
        uri=wanted.uri,
        image=wanted.image,
        since=now(),
        inputs_digest=found.inputs_digest,
        data_digest=found.data_digest,
        source_commit=found.source_commit,
        run_commit=wanted.run_commit,
        gate=found.gate,
    )


def _proved(seen: Seen, place: Place, source: str, given: Release | None) -> Release:
    """What `source` serves, which has to be `given` when that is not None."""
    if source == place.environment:
        raise ConfigurationError(f"{source} cannot take from itself: name another environment after --from")
    stable = Place(place.model, source).read(seen.tip)[1].stable
    if stable is None:
        raise GateRefused(f"{place.model} in {source} serves nothing yet: deploy it there first")
    if given is not None and not given.same(stable):
        raise GateRefused(
            f"{place.environment} takes what {source} serves, {stable.uri} in {stable.image}: deploy {given.uri} in "
            f"{given.image} there first, or take `takes` out of {place.folder}/environment.yaml"
        )
    return dataclasses.replace(stable, since=now())


def _healthy(where: Address, model: str, source: str, release: Release) -> None:
    if (problem := readiness.lacking(where, model, release.digest)) is not None:
        raise Unseen(
            f"{release.digest} is not seen healthy in {source}: {problem}; wait until it is, "
            "or say where it answers with --from-url or --from-gateway"
        )


def _newer(place: Place, one: Release) -> str:
    return (
        f"{place.model} in {place.environment} serves {commit_message.short(one.digest)} of the newer commit "
        f"{one.run_commit[:12]}; `release rollback --to` leads back"
    )
