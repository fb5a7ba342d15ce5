"""Make Git name an artifact and its image for one environment."""

from __future__ import annotations

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError
from release import message, published, state
from release.clock import now
from release.place import Place
from release.record import Release, parse_image
from release.remote import Change, Remote, Tip, update
from release.settings import Settings
from release.store import Store


def deploy(
    store: Store, settings: Settings, remote: Remote, *, place: Place, uri: str, image: str, run_commit: str
) -> str:
    """Give all traffic of `place` to the artifact at `uri` in `image`; returns what happened, in one sentence.

    Nothing is committed when both serve already, or when the stable release was deployed by a run on a newer source
    commit than `run_commit`. Raises ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41),
    GitError (50).
    """
    parse_image(image)
    wanted = ArtifactUri.parse(uri)
    if (wanted.bucket, wanted.prefix, wanted.model) != (settings.bucket, settings.prefix, place.model):
        home = f"s3://{settings.bucket}/{settings.prefix}/{place.model}/"
        raise ConfigurationError(f"the URI {uri!r} is not one of {home}: correct it, or --model, or the settings")
    found = published.find(store, wanted)
    release = Release(
        digest=wanted.digest,
        uri=uri,
        image=image,
        since=now(),
        inputs_digest=found.inputs_digest,
        data_digest=found.data_digest,
        source_commit=found.source_commit,
        run_commit=run_commit,
        gate=found.gate,
    )
    what = f"{message.short(release.digest)} in {place.environment}"
    outcome = ""

    def decide(tip: Tip) -> Change | None:
        nonlocal outcome
        environment, before = place.read(tip)
        stable = before.stable
        if release.same(stable):
            after = before
            outcome = f"nothing to do: {what} serves already"
            subject = f"{place.model}: repair {what}"
        elif stable is not None and tip.precedes(run_commit, stable.run_commit):
            outcome = (
                f"superseded: {place.model} in {place.environment} serves {message.short(stable.digest)} of the newer "
                f"commit {stable.run_commit[:12]}; `release rollback --to` leads back"
            )
            return None
        else:
            after = state.deploy(before, release, environment.keep)
            subject = f"{place.model}: deploy {what}"
        files = place.changed(tip, after)
        if not files:
            return None
        outcome = subject
        return Change(files, message.render(subject, message.trailers(release, stable)))

    commit = update(remote, decide)
    return outcome if commit is None else f"{outcome}, commit {commit[:12]}"
