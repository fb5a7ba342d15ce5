"""Make Git name an earlier release again, model and image together, and keep what was left from coming back."""

from __future__ import annotations

from artifact.digest import ArtifactUri
from release import commit_message, state
from release.bucket import published
from release.bucket.store import Store
from release.change import Order, Outcome, Seen, Step, take
from release.clock import now
from release.git.branch import Remote
from release.gitops import quarantine
from release.gitops.folder import Place
from release.gitops.quarantine import Quarantined
from release.gitops.record import Release


def rollback(store: Store, remote: Remote, order: Order, *, place: Place, to: str | None) -> Outcome:
    """Take a canary back, or all traffic back to the release before, or to the one with the digest `to`.

    An earlier release must still be complete in the bucket; the stable one of a canary still serves, and is gone back
    to whatever the bucket says. What was left goes into quarantine in the same commit, unless only the image changes.
    ConfigurationError (10) when there is nothing to go back to, IntegrityError (20), StorageError (30), GateRefused
    (41), GitError (50).
    """

    def decide(seen: Seen) -> Step:
        before = seen.record
        digests = {one.model_digest for one in seen.quarantined}
        after = state.rollback(before, to, now(), lambda one: one.digest in digests)
        target, left = after.stable, before.candidate or before.stable
        assert target is not None  # the table lets nothing empty roll back
        assert left is not None
        what = f"{commit_message.short(target.digest)} in {place.environment}"
        if after == before:
            return Step(before, f"{what} serves already", target)
        if before.candidate is None:
            if target.digest in digests:
                quarantine.refuse(seen.quarantined, target.digest, target.inputs_digest)
            published.find(store, ArtifactUri.parse(target.uri))
        reason = f"rolled back in {place.environment}"
        subject = f"roll back to {what}"
        if before.candidate is not None:
            subject = f"roll the canary back to {what}"
        entries = _with(seen.quarantined, left, order, reason) if left.digest != target.digest else None
        return Step(after, subject, target, entries, reason=reason)

    return take(remote, place, order, decide)


def _with(entries: tuple[Quarantined, ...], left: Release, order: Order, reason: str) -> tuple[Quarantined, ...]:
    if any(one.model_digest == left.digest for one in entries):
        return entries
    return (
        *entries,
        Quarantined(left.digest, left.inputs_digest, order.reason or reason, order.evidence, now(), order.by),
    )
