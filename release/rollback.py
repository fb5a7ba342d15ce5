"""Make Git name an earlier release again, model and image together."""

from __future__ import annotations

from artifact.digest import ArtifactUri
from artifact.errors import GitError
from release import message, published, state
from release.clock import now
from release.place import Place
from release.record import Release
from release.remote import Change, Remote, Tip, update
from release.store import Store


def rollback(store: Store, remote: Remote, *, place: Place, to: str | None) -> str:
    """Give all traffic of `place` back to the release before, or to the one with the digest `to`; says what happened.

    That artifact must still be complete in the bucket. Raises ConfigurationError (10) when there is nothing to go back
    to, IntegrityError (20), StorageError (30), GitError (50).
    """
    outcome = ""
    seen: Release | None = None

    def decide(tip: Tip) -> Change | None:
        nonlocal outcome, seen
        _, before = place.read(tip)
        seen = seen or before.stable
        if before.stable != seen:
            # Decided again from here this would undo a release that nobody looked at.
            raise GitError(
                f"{place.model} in {place.environment} changed while it was rolled back: see `release status`, "
                "then run this again"
            )
        after = state.rollback(before, to, now())
        target, left = after.stable, before.stable
        assert target is not None  # the table lets only a stable environment roll back
        what = f"{message.short(target.digest)} in {place.environment}"
        published.find(store, ArtifactUri.parse(target.uri))
        files = place.changed(tip, after)
        if not files:
            outcome = f"nothing to do: {what} serves already"
            return None
        outcome = f"{place.model}: roll back to {what}"
        return Change(files, message.render(outcome, message.trailers(target, left)))

    commit = update(remote, decide)
    return outcome if commit is None else f"{outcome}, commit {commit[:12]}"
