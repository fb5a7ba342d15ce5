"""The steps of a candidate: proved, a share of the traffic, more of it, all of it."""

from __future__ import annotations

from artifact.errors import ConfigurationError
from release import state, transitions
from release.change import Decision, Outcome, Request, Situation, apply
from release.clock import now
from release.commands.proof import Prover
from release.git.batch import AnyBranch
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.readiness import patiently


def advance(
    branch: AnyBranch,
    request: Request,
    *,
    folder: Folder,
    prover: Prover,
    to: int | None,
    wait: float = 0.0,
    only: str | None = None,
) -> Outcome:
    """Give the candidate `to` percent, or what it was deployed for; first of all it has to be proved.

    `only`: the candidate that is meant; another one is left alone. Asked again for `wait` seconds.
    ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50).
    """

    def decide(situation: Situation) -> Decision:
        return elsewhere(situation, only) or _step(situation, prover, "advance", to)

    return patiently(wait, lambda: apply(branch, folder, request, decide))


def promote(
    branch: AnyBranch,
    request: Request,
    *,
    folder: Folder,
    prover: Prover,
    wait: float = 0.0,
    only: str | None = None,
) -> Outcome:
    """Give the candidate all traffic, proved. `only` and errors as of `advance`."""

    def decide(situation: Situation) -> Decision:
        return elsewhere(situation, only) or _step(situation, prover, "promote", None)

    return patiently(wait, lambda: apply(branch, folder, request, decide))


def elsewhere(situation: Situation, only: str | None) -> Decision | None:
    """Nothing to do, where `only` is given and is not the candidate."""
    candidate, environment = situation.record.candidate, situation.folder.environment
    if only is None or (candidate is not None and candidate.name == only):
        return None
    return Decision(situation.record, f"{only} is not on its way in {environment} any more", superseded=True)


def prove(
    branch: AnyBranch, request: Request, *, folder: Folder, prover: Prover, release: str | None, wait: float = 0.0
) -> Outcome:
    """Prove the candidate, the stable release and what a rollback may lead to, or the one called `release`.

    What is proved as it is rendered now is not asked again. The same errors as `advance`.
    """

    def decide(situation: Situation) -> Decision:
        record = situation.record
        state.arrived(record, "prove")
        if release is None:
            candidates = [record.candidate, record.stable, *state.eligible(record, situation.barred)]
        else:
            candidates = [record.find(release)]
            if candidates == [None]:
                raise ConfigurationError(
                    f"{folder.model} in {folder.environment} has no release {release!r}: see status"
                )
        releases = [entry for entry in candidates if entry is not None and entry.rendered]
        for entry in releases:
            record = transitions.replaced(record, prover.prove(situation, entry))
        names = ", ".join(entry.name for entry in releases) or "nothing"
        title = f"{names} in {folder.environment}"
        if record == situation.record:
            return Decision(record, f"{title} is proved")
        return Decision(record, f"prove {title}", releases[0], reason="asked for by hand")

    return patiently(wait, lambda: apply(branch, folder, request, decide))


def _step(situation: Situation, prover: Prover, command: str, to: int | None) -> Decision:
    """The candidate's next share, with its proof."""

    def after(record: Record) -> Record:
        return transitions.advance(record, to, now()) if command == "advance" else transitions.promote(record, now())

    record = after(situation.record)
    candidate, environment = situation.record.candidate, situation.folder.environment
    if candidate is None:
        assert record.stable is not None  # the table lets nothing empty be promoted
        return Decision(record, f"{record.stable.name} in {environment} has all traffic already", record.stable)
    situation.refuse(candidate)
    proved = prover.required(situation, candidate)
    record = after(transitions.replaced(situation.record, proved))
    title = f"{candidate.name} in {environment}"
    if record == situation.record:
        return Decision(record, f"{title} has {record.percent} % already", candidate)
    share = f"{record.percent} %" if record.candidate else "all traffic"
    reason = "asked for by hand" if proved.proof is None else proved.proof.evidence
    return Decision(record, f"give {title} {share}", proved, reason=reason)
