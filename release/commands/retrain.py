"""Decide whether something asks for a training of the model that serves, and commit what was followed.

Prints what is to be done, as JSON: `train` starts a training, `issue` refreshes the one issue of its kind, `nothing`
neither. The workflow retrain.yml carries that out; the gate decides what becomes of the model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError, UsageError
from monitoring import drift
from monitoring import retraining as rules
from monitoring.input_counts import Source
from monitoring.prometheus import Prometheus
from monitoring.retraining import DRIFT, KINDS, NOTHING, PERFORMANCE, Cause, Trigger
from release import command_line, commit_message
from release.change import Request, push
from release.checkout import Checkout
from release.clock import now
from release.git.branch import Branch, Change, opened, tip
from release.git.tip import Tip
from release.gitops import retraining
from release.gitops.folder import MODELS, Folder

_DATA = "data"  # the folder with the .dvc files


def retrain(
    branch: Branch, request: Request, *, folder: Folder, kind: str, alarm: dict[str, Any] | None
) -> dict[str, Any]:
    """What is to be done about `kind`: outcome, why, and the trigger that a training carries on.

    `alarm`: what `python -m monitoring drift --json` or `labels --json` printed. ConfigurationError (10) where nothing
    serves in `folder`, GitError (50).
    """
    decided: dict[str, Any] = {}

    def change(tip: Tip) -> Change | None:
        environment, record = folder.read(tip)
        served = record.champion
        if served is None:
            raise ConfigurationError(f"nothing serves in {folder.environment}: there is no model to train again")
        if alarm is not None and alarm.get("release") not in (None, served.name):
            raise UsageError(f"the alarm is of {alarm.get('release')}, {served.name} serves: watch that one")
        if alarm is not None and alarm.get("digest") not in (None, served.digest):
            raise UsageError(f"the alarm is of {alarm.get('digest')}, {served.digest} serves: watch that one")
        path = f"{MODELS}/{folder.model}/{retraining.FILE}"
        text = tip.read(path)
        before = () if text is None else retraining.parse(text, path)
        changed = branch.caller.differs(served.source_commit, _DATA)
        cause = Cause(
            kind,
            served.digest,
            _reason(kind, alarm, request),
            bool(alarm and alarm.get("alarm")),
            changed,
            served.since,
        )
        outcome, why = rules.decide(before, cause, environment.retrain, now())
        trigger = f"{kind} of {served.name}"
        decided.update(outcome=outcome, why=why, trigger=trigger, model=folder.model, release=served.name)
        if outcome == NOTHING:
            return None
        entry = Trigger(kind, served.digest, outcome, now(), why)
        trailers = commit_message.trailers(served, record.stable) | {
            "Release-Command": request.command,
            "Release-By": request.by,
            "Retrain-Trigger": trigger,
            "Retrain-Outcome": outcome,
            "Retrain-Reason": why,
        }
        subject = f"{folder.model}: {trigger} asks for {'a training' if outcome == rules.TRAIN else 'new data'}"
        return Change({path: retraining.render((*before, entry))}, commit_message.render(subject, trailers))

    push(branch, change, request.dry_run)
    return decided


def _reason(kind: str, alarm: dict[str, Any] | None, request: Request) -> str:
    if request.reason:
        return request.reason
    if kind == DRIFT and alarm:
        return f"drift of {', '.join(alarm.get('features') or ['?'])} in {alarm.get('windows')} windows"
    if kind == PERFORMANCE and alarm:
        return f"loss {alarm.get('loss')} of {alarm.get('labels')} labels, {alarm.get('bound')} was promised"
    return f"asked for by {kind}"


def watched(branch: Branch, folder: Folder, url: str | None, now: float) -> dict[str, Any] | None:
    """What the counters of the release that serves say of its drift at `now`; None where nothing serves.

    ConfigurationError (10) where no Prometheus is named, StorageError (30).
    """
    with opened(branch) as git:
        environment, record = folder.read(tip(git, branch))
    served, thresholds = record.champion, environment.analysis
    if served is None:
        return None
    prometheus = url or (thresholds.prometheus if thresholds else "")
    source = Source(Prometheus(prometheus), folder.namespace, served.name)
    return drift.watch(source, datetime.fromisoformat(served.since).timestamp(), now).as_json()


def _read(path: Path, kind: str) -> dict[str, Any]:
    try:
        alarm = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}): write it with --json") from error
    if not isinstance(alarm, dict) or alarm.get("kind") != kind:
        raise UsageError(f"{path} is no alarm of the kind {kind}: write it with --json")
    return alarm


def main(argv: Sequence[str] | None = None) -> None:
    """As `retrain`."""
    line = command_line.parser("retrain", __doc__)
    command_line.add_environment(line)
    line.add_argument("--kind", required=True, choices=KINDS, help="what asks")
    line.add_argument("--alarm", type=Path, metavar="FILE", help="what `monitoring … --json` printed (drift: optional)")
    line.add_argument("--prometheus", metavar="URL", help="for drift without --alarm (default: of environment.yaml)")
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder, branch = checkout.folder(arguments), checkout.remote(arguments.env)
    alarm = None
    if arguments.kind in (DRIFT, PERFORMANCE):
        if arguments.alarm is not None:
            alarm = _read(arguments.alarm, arguments.kind)
        elif arguments.kind == DRIFT:
            alarm = watched(branch, folder, arguments.prometheus, time.time())
        else:
            raise UsageError(f"--kind {arguments.kind} needs --alarm FILE: an alarm is evidence, not a wish")
    request = checkout.request("retrain", arguments)
    print(json.dumps(retrain(branch, request, folder=folder, kind=arguments.kind, alarm=alarm), indent=2))
