"""Commit that a model must not come back, and take it out of the traffic.

It holds for every environment of the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, IntegrityError
from artifact.manifest import FILE as MANIFEST
from release import command_line, commit_message, state, transitions
from release.bucket import published
from release.bucket.store import Store
from release.change import (
    DONE,
    DRY_RUN,
    NOTHING,
    Outcome,
    Preview,
    Request,
    push,
    quarantine_change,
    situation_of,
    trailers_of,
)
from release.checkout import Checkout
from release.clock import now
from release.git.batch import AnyBranch
from release.git.branch import Change
from release.git.tip import Tip
from release.gitops import folder as folders
from release.gitops.folder import MODELS, Folder
from release.gitops.quarantine import Quarantined
from release.gitops.record import only
from release.settings import Settings


def quarantine(
    store: Store,
    settings: Settings,
    branch: AnyBranch,
    request: Request,
    *,
    model: str,
    release: str,
    environments: Sequence[str] = (),
    stop: bool = False,
) -> Outcome:
    """Keep the model of `release`, a name or a digest, and whatever comes of its inputs, from serving.

    In the same commit it leaves the Route of those of `environments` (default: all) that `branch` holds, for the newest
    proved release that is not in quarantine; others are named, for whoever may write there. Without such a release
    GateRefused (41), unless it may `stop`. ConfigurationError (10), IntegrityError (20) when neither Git nor the bucket
    knows it, StorageError (30), GitError (50).
    """
    notes: list[str] = []

    def decide(tip: Tip, before: tuple[Quarantined, ...]) -> _Decision:
        barred = _digest(tip, model, release)
        everywhere = Folder(model, "staging").quarantined(tip)
        entry = next((entry for entry in everywhere if entry.model_digest == barred), None)
        if entry is None:
            inputs = _inputs(tip, store, settings, model, barred)
            entry = Quarantined(barred, inputs, request.reason, request.evidence, now(), request.by)
        entries = before if any(entry.model_digest == barred for entry in before) else (*before, entry)
        files: dict[str, str] = {}
        steps, notes[:] = [], []
        for folder in folders.all_of(tip, model):
            included = not environments or folder.environment in environments
            if included and tip.of(folder.environment) is not tip:
                continue  # its branch takes a commit of its own
            situation = dataclasses.replace(situation_of(tip, folder), quarantined=(*everywhere, entry))
            record = situation.record
            if not record.migrated or not included:
                if record.champion is not None and situation.barred(record.champion):
                    first = "" if record.migrated else "migrate, then "
                    notes.append(f"{folder.environment} serves it: {first}quarantine it there too")
                continue
            after = transitions.leave(record, now(), situation.barred, stop=stop)
            if after != record:
                files |= folder.changed(tip, record, after)
                steps.append((folder, state.described(record), state.described(after)))
        return _Decision(barred, entries, files, steps)

    outcome = _commit(branch, request, model, decide, "quarantine {}", "is in quarantine")
    return dataclasses.replace(outcome, says="; ".join([outcome.says, *notes]))


def unquarantine(branch: AnyBranch, request: Request, *, model: str, release: str) -> Outcome:
    """Lift the quarantine of `release`, a name, or the digest of an artifact or of its inputs.

    ConfigurationError (10), GitError (50).
    """

    def decide(tip: Tip, before: tuple[Quarantined, ...]) -> _Decision:
        lifted = _digest(tip, model, release)
        rest = tuple(entry for entry in before if lifted not in (entry.model_digest, entry.inputs_digest))
        return _Decision(lifted, rest, {}, [])

    return _commit(branch, request, model, decide, "lift the quarantine of {}", "is not in quarantine")


@dataclasses.dataclass(frozen=True)
class _Decision:
    """The digest, the quarantine afterwards, the files of environments, and of each its folder, old and new state."""

    model_digest: str
    entries: tuple[Quarantined, ...]
    files: dict[str, str]
    steps: list[tuple[Folder, str, str]]


def _commit(
    branch: AnyBranch,
    request: Request,
    model: str,
    decide: Callable[[Tip, tuple[Quarantined, ...]], _Decision],
    verb: str,
    done_already: str,
) -> Outcome:
    message, subject = "", ""

    def change(tip: Tip) -> Change | None:
        nonlocal message, subject
        if model not in tip.folders(MODELS):
            raise ConfigurationError(f"the branch releases are pushed to holds no model {model!r}: correct --model")
        before = folders.entries(tip, model)
        decision = decide(tip, before)
        files = {**decision.files, **quarantine_change(model, before, decision.entries)}
        subject = verb.format(_names(tip, model, decision.model_digest))
        before_states = [
            f"{len(before)} in quarantine",
            *(f"{folder.environment} {state}" for folder, state, _ in decision.steps),
        ]
        after_states = [
            f"{len(decision.entries)} in quarantine",
            *(f"{folder.environment} {state}" for folder, _, state in decision.steps),
        ]
        trailers = trailers_of(request, "asked for by hand", "; ".join(before_states), "; ".join(after_states))
        message = commit_message.render(f"{model}: {subject}", {"Model-Digest": decision.model_digest, **trailers})
        return Change(files, message) if files else None

    commit = push(branch, change, request.dry_run)
    if isinstance(commit, Preview):
        return Outcome(DRY_RUN, f"{model}: {subject}", message=message, diff=commit.diff)
    if commit is None:
        return Outcome(NOTHING, f"nothing to do: it {done_already}")
    return Outcome(DONE, f"{model}: {subject}", commit=commit, message=message)


def _digest(tip: Tip, model: str, text: str) -> str:
    """The digest that `text` is, or that of the release which it names in any environment."""
    named = [match for each in folders.all_of(tip, model) if (match := each.read(tip)[1].find(text)) is not None]
    release = only(text, named)
    return digest.parse(text) if release is None else release.digest


def _names(tip: Tip, model: str, model_digest: str) -> str:
    """The releases of that digest, for people; the digest when Git remembers none."""
    names = [
        release.name
        for folder in folders.all_of(tip, model)
        for release in folder.read(tip)[1].releases
        if release.digest == model_digest
    ]
    return ", ".join(dict.fromkeys(names)) or model_digest


def _inputs(tip: Tip, store: Store, settings: Settings, model: str, model_digest: str) -> str:
    """Digest of the inputs that made the model: from a record that knows it, else from the bucket."""
    for folder in folders.all_of(tip, model):
        if (release := folder.read(tip)[1].find(model_digest)) is not None:
            return release.inputs_digest
    uri = ArtifactUri(settings.bucket, settings.prefix, model, model_digest)
    head = store.head(uri.key + MANIFEST)
    if head is None or published.INPUTS not in head.metadata:
        raise IntegrityError(f"neither Git nor the bucket knows {uri}: correct the digest, or --model")
    return digest.parse(head.metadata[published.INPUTS])


def main(argv: Sequence[str] | None = None) -> None:
    """As `quarantine`."""
    line = command_line.parser("quarantine", __doc__)
    line.add_argument("release", metavar="RELEASE", help="its name, or the digest of the artifact")
    line.add_argument(
        "--env",
        dest="environments",
        action="append",
        default=[],
        help="where it leaves the traffic (default: all)",
    )
    line.add_argument("--stop", action="store_true", help="let nothing serve where no other release was proved")
    command_line.add_model(line)
    command_line.add_request(line, required=True)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    model = checkout.model(arguments)
    environments = [Folder(model, name).environment for name in arguments.environments]
    request = checkout.request("quarantine", arguments)
    # Production's branch first: killed in between, it is barred everywhere, and the same command does the rest.
    outcomes = [
        quarantine(
            checkout.store,
            checkout.settings,
            branch,
            request,
            model=model,
            release=arguments.release,
            environments=environments,
            stop=arguments.stop,
        )
        for branch in checkout.branches(environments)
    ]
    command_line.show(outcomes, arguments)
