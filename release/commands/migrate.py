"""Commit the next step from a record of schema 1 or 2 to an InferenceService for each release, and a Route.

Those schemas have one InferenceService, named after the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from artifact.errors import ConfigurationError
from release import command_line, quoted_yaml, readiness, state, transitions
from release.change import Decision, Outcome, Request, Situation, apply
from release.checkout import Checkout
from release.clock import now
from release.commands import adopt
from release.commands.proof import Prover
from release.git.batch import AnyBranch
from release.gitops.folder import Folder
from release.gitops.record import SCHEMA_VERSION, Record
from release.readiness import Unseen, patiently

_KUSTOMIZATION = "kustomization.yaml"
# What `release adopt` wrote before schema 3; what people added stands after it.
_OLD = """\
resources:
  - ../../../base
  - record.yaml
patches:
  - path: release.yaml
    target: {kind: InferenceService}
    options: {allowNameChange: true}
"""


def migrate(
    branch: AnyBranch, request: Request, *, folder: Folder, prover: Prover, finish: bool, wait: float = 0.0
) -> Outcome:
    """The next step of three, each a commit. Asked again for `wait` seconds.

    1. The stable release gets an InferenceService of its own beside the old one, which keeps serving. An old canary
       ends: the old one names the stable model with 0 percent, as its rollback did.
    2. Proved there, it gets the Route; the old one follows the stable release from then on.
    3. With `finish`, once no caller asks its host any more, the old one goes.
    ConfigurationError (10), IntegrityError (20), StorageError (30), GateRefused (41), GitError (50).
    """

    def decide(situation: Situation) -> Decision:
        record, environment = situation.record, folder.environment
        if record.schema != SCHEMA_VERSION:
            return _begin(situation)
        if record.old_percent is None:
            return Decision(record, f"{folder.model} in {environment} is of schema {SCHEMA_VERSION}", record.stable)
        if record.stable is None:
            return _take_over(situation, prover)
        if not finish:
            old = f"{folder.model}-predictor.{folder.namespace}"
            text = f"the Route serves in {environment}; when no caller asks {old}… any more: migrate --finish"
            return Decision(record, text, record.stable)
        after = dataclasses.replace(record, old_percent=None)
        subject = f"migrate {environment}, step 3 of 3: remove the InferenceService {folder.model}"
        return Decision(after, subject, record.stable, reason="its callers have moved to the Route")

    return patiently(wait, lambda: apply(branch, folder, request, decide))


def begun(record: Record, since: str) -> Record:
    """The record after the first step: what served is the candidate, to be proved, beside the old InferenceService."""
    stable = record.stable
    assert stable is not None  # an empty record of an old schema is read as one of this
    own = dataclasses.replace(stable, rendered=True, since=since)
    return Record(
        record.model,
        record.environment,
        candidate_name=stable.name,
        percent=0,
        share=100,
        releases=transitions.replaced(record, own).releases,
        old_percent=100 if record.percent is None else 0,
    )


def _begin(situation: Situation) -> Decision:
    after, folder = begun(situation.record, now()), situation.folder
    if not situation.environment.proves and after.old_percent == 100:
        after = transitions.advance(after, None, now())
    path = f"{folder.path}/{_KUSTOMIZATION}"
    text = kustomization(situation.tip.read(path) or "", path)
    own = after.candidate or after.stable
    assert own is not None  # it is what served
    subject = (
        f"migrate {folder.environment}, step 1 of 3: an InferenceService {own.name} beside {folder.model}; run this "
        "again once the cluster has it"
    )
    return Decision(
        after,
        subject,
        own,
        reason=f"from schema {situation.record.schema}, {state.of(situation.record)}",
        files={} if text == situation.tip.read(path) else {path: text},
    )


def _take_over(situation: Situation, prover: Prover) -> Decision:
    record, folder = situation.record, situation.folder
    candidate = record.candidate
    assert candidate is not None  # what served before the migration is on its way until the Route names it
    situation.refuse(candidate)
    proved = prover.required(situation, candidate)
    if record.old_percent == 0:
        # Without its 0 percent the old one gives all to its newest revision: that has to be the stable model.
        old = prover.cluster.by(prover.source(situation).access).label(f"latest-{folder.model}-predictor")
        if (problem := readiness.lacking(old, folder.model, candidate)) is not None:
            raise Unseen(f"the InferenceService {folder.model} keeps 0 %, which is safe: {problem}; run this again")
    after = dataclasses.replace(transitions.advance(transitions.replaced(record, proved), 100, now()), old_percent=100)
    subject = f"migrate {folder.environment}, step 2 of 3: the Route gives {candidate.name} all traffic"
    reason = "no proof is asked for" if proved.proof is None else proved.proof.evidence
    return Decision(after, subject, proved, reason=reason)


def kustomization(text: str, path: str) -> str:
    """kustomization.yaml as this modelpin reads it, people's patches kept; ConfigurationError says what to write."""
    read = quoted_yaml.load(text, path)
    if "release.yaml" in read.get("resources", ()) and "../../../base" in read.get("components", ()):
        return text
    if text.count(_OLD) != 1:
        raise ConfigurationError(
            f"{path} is not as `release adopt` wrote it: name record.yaml and release.yaml under `resources:`, "
            "../../../base under `components:` and no more under `resources:`, take out the patch release.yaml, push "
            "that, then run this again"
        )
    before, _, patches = text.partition(_OLD)
    section = f"patches:\n{patches}" if patches.lstrip().startswith("-") else patches
    return before + adopt.FILES_OF_KUSTOMIZATION + section


def main(argv: Sequence[str] | None = None) -> None:
    """As `migrate`."""
    line = command_line.parser("migrate", __doc__)
    command_line.add_environment(line)
    line.add_argument("--finish", action="store_true", help="the last step: no caller asks the old host any more")
    command_line.add_release_host(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    branch, prover = checkout.branch(folder.environment), Prover.of(checkout, folder, arguments)
    request = checkout.request("migrate", arguments)
    finish, wait = arguments.finish, arguments.wait
    outcomes = [migrate(branch, request, folder=folder, prover=prover, finish=finish, wait=wait)]
    command_line.show(outcomes, arguments)
