"""Commit that the candidate is taken back, or that an earlier release serves again.

The release that loses the traffic goes into quarantine, so that it does not come back.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, GateRefused, StorageError
from release import command_line, readiness, state, transitions
from release.bucket import published
from release.change import DONE, Decision, Outcome, Request, Situation, apply
from release.checkout import Checkout
from release.clock import now
from release.commands import traffic
from release.commands.proof import Prover, elsewhere
from release.commands.retire import not_following
from release.evidence.sources import HOSTS
from release.git.batch import AnyBranch
from release.gitops.folder import Folder
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.release import Release
from release.readiness import NO_ANSWER, Unseen, patiently

_SECONDS = 10.0  # a rollback waits no longer for a target that does not answer


def rollback(
    branch: AnyBranch,
    request: Request,
    *,
    folder: Folder,
    prover: Prover,
    to: str | None,
    wait: float = 0.0,
    only: str | None = None,
    bars: bool = True,
    traffic_only: bool = False,
) -> list[Outcome]:
    """Take a candidate back, or all traffic to the release before, or to the one called `to`: one commit.

    The target is asked at its own host, and the commit made whatever it answers; within `wait` seconds the cluster is
    asked whether it followed. A target that was retired is proved first, as a candidate. What was left goes into
    quarantine in the same commit, unless it never had traffic, or the target is made of the same inputs, or not `bars`.
    `only`: the candidate, or without one the stable release, that is meant; another one is left alone.
    `traffic_only` puts nothing into quarantine, and refuses (41) a target that was not proved as it is rendered now, is
    in quarantine, or was taken back before: what an identity without reviewers may do.
    ConfigurationError (10) when there is nothing to go back to, IntegrityError (20), GateRefused (41), GitError (50).
    """
    decision = _Rollback(request, folder, prover, to, only, bars, traffic_only)
    outcome = apply(branch, folder, request, decision.decide)
    outcomes = [dataclasses.replace(outcome, says="; ".join([outcome.says, *decision.notes]))]
    if wait and outcome.outcome == DONE:
        situation, after = decision.decided
        if after.candidate is not None:
            name = after.candidate.name
            outcomes.append(
                traffic.advance(branch, request, folder=folder, prover=prover, to=None, wait=wait, only=name)
            )
        else:
            outcomes.append(_followed(prover, situation, after, wait))
    return outcomes


@dataclasses.dataclass
class _Rollback:
    """The arguments of `rollback`, with `notes` for people, and `decided`: the situation and the record after it.

    Both are of the last decision: where the branch moved, it is decided again.
    """

    request: Request
    folder: Folder
    prover: Prover
    to: str | None
    only: str | None
    bars: bool
    traffic_only: bool
    notes: list[str] = dataclasses.field(default_factory=list)
    decided: tuple[Situation, Record] = dataclasses.field(init=False)

    def decide(self, situation: Situation) -> Decision:
        """What becomes of the record in `situation`."""
        before, environment = situation.record, self.folder.environment
        self.notes.clear()
        if self.only is not None and self.only != (before.candidate_name or before.stable_name):
            return Decision(before, f"{self.only} is not what a rollback in {environment} leaves", superseded=True)
        after = transitions.rollback(before, self.to, now(), situation.barred)
        if after == before:
            there = before.candidate or before.stable
            return Decision(before, f"{there.name if there else self.folder.model} in {environment} is gone back to")
        target = after.candidate or after.stable
        if self.traffic_only:
            _require_proved(situation, after, target)
        if before.candidate is not None:
            consequence = f"go on with {target.name}" if target else "serve nothing yet"
            subject = f"take {before.candidate.name} back in {environment}, {consequence}"
            left, barred = before.candidate, self.bars and bool(before.percent)
        else:
            assert target is not None  # the table lets nothing empty roll back
            assert before.stable is not None
            after = self._go_back(situation, after, target)
            left, barred = before.stable, self.bars and after.candidate is None
            subject = f"roll back to {target.name} in {environment}"
            if after.candidate is not None:
                subject += ", to be proved"
                self.notes.append(f"{left.name} serves until then: quarantine it afterwards")
        if target is not None and after.candidate is None:
            self.notes.extend(_answer_of(situation, self.prover, after, target))
        self.decided = situation, after
        reason = f"rolled back in {environment}"
        barred = barred and self._may_bar(left, target)
        entries = barring(situation.quarantined, left, self.request, reason) if barred else None
        return Decision(after, subject, target or left, entries, reason=reason)

    def _go_back(self, situation: Situation, after: Record, target: Release) -> Record:
        """`after`, once `target` may serve; it gets the traffic at once where the environment asks for no proof."""
        situation.refuse(target)
        with contextlib.suppress(StorageError):  # an S3 that is down for us may be up for the cluster
            published.find(self.prover.store, ArtifactUri.parse(target.uri))
        if after.candidate is not None and not situation.environment.proves:
            return transitions.advance(after, None, now())
        return after

    def _may_bar(self, left: Release, target: Release | None) -> bool:
        """Whether `left` goes into quarantine, with a note that says so, or why not."""
        if self.traffic_only:
            self.notes.append(f"{left.name} is not in quarantine: put it there once somebody may")
            return False
        if target is not None and left.inputs_digest == target.inputs_digest:
            # What is made of its inputs is barred with it: that is the target too.
            if left.digest != target.digest:
                self.notes.append(f"{left.name} is not in quarantine, since {target.name} is made of the same inputs")
            return False
        self.notes.append(f"{left.name} goes into quarantine, which `release unquarantine {left.name}` lifts")
        return True


def _require_proved(situation: Situation, after: Record, target: Release | None) -> None:
    """GateRefused (41) unless `target` has an InferenceService, was proved or serves now, and was never taken back."""
    record, environment = situation.record, situation.folder.environment
    entry = None if target is None else record.find(target.name)
    if entry is None or target is None or after.candidate is not None:
        raise GateRefused(
            f"{environment} has no release that is ready to serve: roll back there without --traffic-only"
        )
    situation.refuse(target)
    if entry == record.stable:
        return  # of a candidate that is taken back: it has the rest of the traffic
    if entry.rejected:
        raise GateRefused(
            f"{target.name} was taken back in {environment}: name another, or go there without --traffic-only"
        )
    if situation.environment.proves and not situation.folder.proved(situation.tip, entry):
        raise GateRefused(
            f"{target.name} is not proved as {environment} renders it now: "
            f"`release prove --env {environment} {target.name}`, or go there without --traffic-only"
        )


def barring(entries: tuple[Quarantined, ...], left: Release, request: Request, reason: str) -> tuple[Quarantined, ...]:
    """The quarantine with `left` in it."""
    if any(entry.model_digest == left.digest for entry in entries):
        return entries
    return (
        *entries,
        Quarantined(left.digest, left.inputs_digest, request.reason or reason, request.evidence, now(), request.by),
    )


def _answer_of(situation: Situation, prover: Prover, after: Record, target: Release) -> list[str]:
    """What the target answers at its own host, for people: a Route is not applied while a release is not ready."""
    problem = _lacking(situation, prover, target)
    if problem is None:
        return [f"{target.name} answers"]
    others = [release.name for release in state.eligible(after, situation.barred) if release.rendered]
    offer = f"`--to {others[0]}` is the next that served" if others else "there is no other that served"
    return [f"{target.name} is not seen ready ({problem}): if the cluster does not follow, {offer}"]


def _lacking(situation: Situation, prover: Prover, target: Release) -> str | None:
    """None when the target is ready, else why not, in a sentence. A failure to find out does not stop the commit."""
    try:
        source = prover.source(situation)
        if elsewhere(source, situation, target) is not None:
            return None
    except (GateRefused, StorageError, ConfigurationError) as error:
        return str(error)
    address = prover.cluster.by(source.access).release(target.name)
    return readiness.lacking(address, situation.folder.model, target, _SECONDS)


def _followed(prover: Prover, situation: Situation, record: Record, wait: float) -> Outcome:
    """Whether the cluster serves what was committed, asked for `wait` seconds; once, where nothing answers at all."""
    try:
        source = prover.source(situation)
    except ConfigurationError as error:
        return Outcome(DONE, f"the cluster cannot be asked whether it follows: {error}", state.of(record))
    if source.kind != HOSTS:
        return Outcome(DONE, f"whether the cluster follows is for {source.kind} to say", state.of(record))

    def attempt() -> Outcome:
        problem = not_following(prover.cluster.by(source.access), record)
        if problem is None:
            return Outcome(DONE, "the cluster follows", state.of(record))
        if NO_ANSWER in problem:
            return Outcome(DONE, f"the cluster cannot be asked whether it follows: {problem}", state.of(record))
        raise Unseen(problem)

    try:
        return patiently(wait, attempt)
    except Unseen as unseen:
        return Outcome(DONE, f"the cluster does not follow yet: {unseen}", state.of(record))


def main(argv: Sequence[str] | None = None) -> None:
    """As `rollback`."""
    line = command_line.parser("rollback", __doc__)
    command_line.add_environment(line)
    line.add_argument("--to", metavar="RELEASE", help="name or digest to go back to (default: the one before)")
    line.add_argument(
        "--traffic-only",
        action="store_true",
        help="only to a release that was proved and never taken back, and put nothing into quarantine",
    )
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch, prover = checkout.branch(folder.environment), Prover.of(checkout, folder, arguments)
    request = checkout.request("rollback", arguments)
    how = {"to": arguments.to, "traffic_only": arguments.traffic_only, "wait": arguments.wait}
    outcomes = rollback(branch, request, folder=folder, prover=prover, **how)
    command_line.show(outcomes, arguments)
