"""Put a model into quarantine, or lift it: for every environment of that model."""

from __future__ import annotations

from collections.abc import Callable

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, IntegrityError
from artifact.manifest import FILE as MANIFEST
from release import commit_message
from release.bucket import published
from release.bucket.store import Store
from release.change import DONE, NOTHING, SHOWN, Order, Outcome, Shown, barriers, push, trailers_of
from release.clock import now
from release.commands import status
from release.git.branch import Change, Remote, Tip
from release.gitops.folder import MODELS, Place
from release.gitops.quarantine import Quarantined
from release.settings import Settings

_Decide = Callable[[Tip, tuple[Quarantined, ...]], tuple[Quarantined, ...]]


def quarantine(
    store: Store, settings: Settings, remote: Remote, order: Order, *, model: str, model_digest: str
) -> Outcome:
    """Keep `model_digest`, and whatever comes of its inputs, from being deployed or promoted.

    ConfigurationError (10), IntegrityError (20) when neither Git nor the bucket knows it, StorageError (30), GitError
    (50). What serves goes on serving: rolling back is a command of its own.
    """

    def decide(tip: Tip, before: tuple[Quarantined, ...]) -> tuple[Quarantined, ...]:
        if any(one.model_digest == model_digest for one in before):
            return before
        inputs = _inputs(tip, store, settings, model, model_digest)
        return (*before, Quarantined(model_digest, inputs, order.reason, order.evidence, now(), order.by))

    return _take(remote, order, model, decide, model_digest, "quarantine {}", "is in quarantine")


def unquarantine(remote: Remote, order: Order, *, model: str, model_digest: str) -> Outcome:
    """Lift the quarantine of `model_digest`, an artifact's or its inputs'. ConfigurationError (10), GitError (50)."""

    def decide(tip: Tip, before: tuple[Quarantined, ...]) -> tuple[Quarantined, ...]:
        return tuple(one for one in before if model_digest not in (one.model_digest, one.inputs_digest))

    return _take(remote, order, model, decide, model_digest, "lift the quarantine of {}", "is not in quarantine")


def _take(remote: Remote, order: Order, model: str, decide: _Decide, named: str, verb: str, there: str) -> Outcome:
    said = ""
    subject = verb.format(commit_message.short(named))

    def change(tip: Tip) -> Change | None:
        nonlocal said
        if model not in tip.folders(MODELS):
            raise ConfigurationError(f"the branch releases are pushed to holds no model {model!r}: correct --model")
        before = Place(model, "staging").quarantined(tip)
        files = barriers(model, before, after := decide(tip, before))
        trailers = trailers_of(
            order, "asked for by hand", f"{len(before)} in quarantine", f"{len(after)} in quarantine"
        )
        said = commit_message.render(f"{model}: {subject}", {"Model-Digest": named, **trailers})
        return Change(files, said) if files else None

    commit = push(remote, change, order.shown)
    if isinstance(commit, Shown):
        return Outcome(SHOWN, f"{model}: {subject}", message=said, diff=commit.diff)
    if commit is None:
        return Outcome(NOTHING, f"nothing to do: {commit_message.short(named)} of {model} {there}")
    return Outcome(DONE, f"{model}: {subject}", commit=commit, message=said)


def _inputs(tip: Tip, store: Store, settings: Settings, model: str, model_digest: str) -> str:
    """Digest of the inputs that made the model: from a record that knows it, else from the bucket."""
    for record in status.records_of(tip, model):
        for one in (record.candidate, *record.releases):
            if one is not None and one.digest == model_digest:
                return one.inputs_digest
    uri = ArtifactUri(settings.bucket, settings.prefix, model, model_digest)
    stored = store.head(uri.key + MANIFEST)
    if stored is None or published.INPUTS not in stored.metadata:
        raise IntegrityError(f"neither Git nor the bucket knows {uri}: correct the digest, or --model")
    return digest.parse(stored.metadata[published.INPUTS])
