"""Carry out what live traffic has proved: give the candidate its next share, promote it, or take it back.

A candidate without traffic is proved and gets its first share. A canary is analysed, and so is a release that was given
all traffic a while ago. Each step is one commit, with its evidence, or none. Run it as often as you like; killed at any
point and run again it decides the same.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import GateRefused, StorageError
from monitoring.canary import Action
from release import command_line, state
from release.change import NOTHING, Outcome, Request
from release.checkout import Checkout
from release.commands import traffic
from release.commands.analyse import Analysis, analyse, shadow, write_page
from release.commands.proof import Prover
from release.commands.rollback import rollback
from release.git.branch import Branch, opened, tip
from release.gitops.folder import Folder
from release.readiness import Unseen

WAITS, HOLDS = "wait", "hold"


def step(
    branch: Branch,
    request: Request,
    *,
    folder: Folder,
    prover: Prover,
    url: str | None,
    now: float,
    wait: float = 0.0,
    shadow_file: Path | None = None,
) -> tuple[Outcome, Analysis | None]:
    """The next step of `folder` at `now`, with the analysis it follows from.

    ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50). Nothing is
    committed where environment.yaml has no `analysis`. GateRefused, too, where it asks for shadow evidence before the
    first share, and `shadow_file` is not enough; without that file the candidate waits.
    """
    with opened(branch) as git:
        environment, record = folder.read(tip(git, branch))
    if environment.analysis is None:
        off = f"the analysis is off in {folder.path}/environment.yaml: no step is taken by itself"
        return Outcome(NOTHING, off, state.of(record)), None
    comparison = shadow(shadow_file, record)
    if comparison is not None:
        request = dataclasses.replace(request, trailers={**request.trailers, "Shadow": str(comparison)})
    if state.of(record) == "proving":
        assert record.candidate_name is not None
        limits = environment.analysis.shadow if record.stable is not None else None
        if limits is not None and comparison is None:
            waits = f"{record.candidate_name} waits for --shadow: what `python -m monitoring shadow` says of it"
            return Outcome(WAITS, waits, "proving"), None
        if limits is not None and comparison is not None and (refusals := comparison.refusals(limits)):
            raise GateRefused(f"{record.candidate_name} gets no traffic by its shadow requests: {'; '.join(refusals)}")
        try:
            only = record.candidate_name
            return traffic.advance(branch, request, folder=folder, prover=prover, to=None, wait=wait, only=only), None
        except Unseen as unseen:
            return Outcome(WAITS, str(unseen), "proving"), None
    analysis = analyse(branch, folder, url, now)
    if analysis is None:
        return Outcome(NOTHING, f"nothing to watch in {folder.environment}", state.of(record)), None
    return _carry_out(branch, request, analysis, prover=prover, wait=wait), analysis


def _carry_out(branch: Branch, request: Request, analysis: Analysis, *, prover: Prover, wait: float) -> Outcome:
    decision, folder, name = analysis.decision, analysis.folder, analysis.period.release.name
    with_evidence = dataclasses.replace(
        request,
        reason=request.reason or decision.why,
        evidence=request.evidence or analysis.trailers()["Analysis-Requests"],
        trailers={**request.trailers, **analysis.trailers()},
    )
    match decision.action:
        case Action.ADVANCE:
            return traffic.advance(
                branch, with_evidence, folder=folder, prover=prover, to=decision.to, wait=wait, only=name
            )
        case Action.PROMOTE:
            return traffic.promote(branch, with_evidence, folder=folder, prover=prover, wait=wait, only=name)
        case Action.ROLL_BACK:
            bars = decision.harm  # a canary that only came late may come again
            outcomes = rollback(
                branch, with_evidence, folder=folder, prover=prover, to=None, wait=wait, only=name, bars=bars
            )
            return dataclasses.replace(outcomes[0], says="; ".join(outcome.says for outcome in outcomes))
        case Action.HOLD:
            return Outcome(HOLDS, f"{name} in {folder.environment} is held: {decision.why}", "canary")
        case _:
            return Outcome(WAITS, f"{name} in {folder.environment} waits: {decision.why}")


def main(argv: Sequence[str] | None = None) -> int:
    """As `step`; 30 when a canary is held because there is no data, 41 when a person has to look at its predictions."""
    line = command_line.parser("step", __doc__)
    command_line.add_environment(line)
    command_line.add_prometheus(line)
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    outcome, analysis = step(
        checkout.remote(arguments.env),
        checkout.request("step", arguments),
        folder=folder,
        prover=Prover.of(checkout, folder, arguments),
        url=arguments.prometheus,
        now=time.time(),
        wait=arguments.wait,
        shadow_file=arguments.shadow,
    )
    write_page(analysis, arguments.page)
    command_line.show([outcome], arguments)
    if analysis is None or analysis.decision.action != Action.HOLD:
        return 0
    return StorageError.exit_code if analysis.decision.missing else GateRefused.exit_code
