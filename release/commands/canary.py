"""The steps of a canary that is on its way: more traffic, all of it, its end after a rollback or on a new cluster."""

from __future__ import annotations

from release import commit_message, readiness, state
from release.change import HOLDING, Order, Outcome, Seen, Step, take
from release.clock import now
from release.git.branch import Remote
from release.gitops import quarantine
from release.gitops.folder import Place
from release.readiness import Address


def advance(remote: Remote, order: Order, *, place: Place, to: int) -> Outcome:
    """Give the candidate `to` percent. ConfigurationError (10), GateRefused (41), GitError (50)."""

    def decide(seen: Seen) -> Step:
        after = state.advance(seen.record, to)
        candidate = after.candidate
        assert candidate is not None  # the table lets only a canary advance
        quarantine.refuse(seen.quarantined, candidate.digest, candidate.inputs_digest)
        what = f"{commit_message.short(candidate.digest)} in {place.environment}"
        subject = f"{what} has {to} % already" if after == seen.record else f"advance {what} to {to} %"
        return Step(after, subject, candidate, reason="asked for by hand")

    return take(remote, place, order, decide)


def promote(remote: Remote, order: Order, *, place: Place) -> Outcome:
    """Give the candidate all traffic. ConfigurationError (10), GateRefused (41), GitError (50)."""

    def decide(seen: Seen) -> Step:
        after = state.promote(seen.record, seen.environment.keep, now())
        stable = after.stable
        assert stable is not None  # the table lets nothing empty be promoted
        what = f"{commit_message.short(stable.digest)} in {place.environment}"
        if after == seen.record:
            return Step(after, f"{what} serves already", stable)
        quarantine.refuse(seen.quarantined, stable.digest, stable.inputs_digest)
        return Step(after, f"promote {what}", stable, reason="asked for by hand")

    return take(remote, place, order, decide)


def settle(remote: Remote, order: Order, *, place: Place, where: Address, wait: float) -> Outcome:
    """Drop the percentage of a canary that was taken back, once the stable digest answers at `where`; else hold.

    Asked again for `wait` seconds, at least once.
    `order.evidence`, what a person saw, stands in for the answer. ConfigurationError (10), GitError (50).
    """

    def decide(seen: Seen) -> Step:
        after = state.settle(seen.record)
        stable = after.stable
        assert stable is not None  # the table lets nothing empty settle
        what = f"{commit_message.short(stable.digest)} in {place.environment}"
        if after == seen.record:
            return Step(after, f"{what} serves already", stable)
        if order.evidence:
            return Step(after, f"settle on {what}", stable, reason="a person saw it ready")
        if seen.record.left == stable.digest:
            problem: str | None = "model and canary have one digest, which cannot tell their images apart"
        else:
            problem = readiness.lacking(where, place.model, stable.digest)
        if problem is not None:
            held = (
                f"{what} keeps 0 %, which is safe: {problem}; run this again when it is ready, name --url or "
                "--gateway, or say with --evidence what you saw"
            )
            return Step(after, held, refused=HOLDING)
        return Step(after, f"settle on {what}", stable, reason=f"{stable.digest} answers at its own URL")

    return readiness.patiently(
        wait, lambda: take(remote, place, order, decide), lambda outcome: outcome.outcome != HOLDING
    )


def rebuild(remote: Remote, order: Order, *, place: Place) -> Outcome:
    """Name the stable release alone: what a cluster without a rolled-out revision has to start with.

    On a running cluster that would be a rollback that is not safe. ConfigurationError (10), GitError (50).
    """

    def decide(seen: Seen) -> Step:
        after = state.rebuild(seen.record)
        if after == seen.record:
            return Step(after, f"{place.model} in {place.environment} names no percentage", after.stable)
        stable, candidate = after.stable, seen.record.candidate
        assert stable is not None  # the table lets only a canary or its rollback be rebuilt
        subject = f"rebuild {place.environment} with {commit_message.short(stable.digest)} alone"
        left = "" if candidate is None else f"; the canary was {candidate.uri} in {candidate.image}"
        return Step(after, subject, stable, reason=f"the cluster was rebuilt{left}")

    return take(remote, place, order, decide)
