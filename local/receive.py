"""The origin's post-receive hook: decides as GitHub would which workflows a push starts, says why, and runs them.

    python -m local.receive --state .local        (standard input: `<old> <new> <ref>` a line, as git gives it)

A push that a workflow makes comes through here too: only the workflow's own filters keep it from starting again.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from artifact.command import run as run_command
from artifact.errors import ConfigurationError, ModelpinError
from artifact.quantity import quantity
from local import git, runner
from local.concurrency import Group
from local.runner import Push
from local.state import State
from local.workflow import FOLDER, Workflow


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 when a workflow failed (git shows the output; the push itself stands)."""
    parser = argparse.ArgumentParser(prog="python -m local.receive", description=__doc__.partition("\n")[0])
    parser.add_argument("--state", type=Path, required=True)
    state = State(parser.parse_args(argv).state.resolve())
    outcomes: list[bool] = []
    for push in pushes(sys.stdin):
        for workflow in decide(state, push):
            start(state, workflow, push, outcomes)
    return 0 if all(outcomes) else 1


def pushes(lines: Iterable[str]) -> list[Push]:
    """What git tells the hook; a deleted ref starts nothing."""
    parts = [line.split(maxsplit=2) for line in lines]
    return [Push(ref.strip(), old, new) for old, new, ref in parts if set(new) != {"0"}]


def decide(state: State, push: Push) -> list[Workflow]:
    """The workflows of the pushed commit that start; says of each why, or why not."""
    paths = git.changed(state.origin, push.before, push.after)
    message = git.run(state.origin, "log", "-1", "--format=%B", push.after)
    starting = []
    files = quantity(len(paths), "file")
    say(f"{push.ref.removeprefix('refs/heads/')} is {push.after[:12]}: {files} changed")
    for path in git.files(state.origin, push.after, FOLDER):
        if not path.endswith((".yml", ".yaml")):
            continue
        try:
            workflow = Workflow.parse(path, git.show(state.origin, push.after, path) or "")
            starts, why = workflow.decide(push.ref, paths, message)
            if starts and (switches := workflow.switched_off(state.describe()["variables"])):
                starts, why = False, f"its jobs wait for the variable {' and '.join(switches)} to be true"
        except ConfigurationError as error:
            say(f"✗ {error}")
            continue
        say(f"{path} {'starts' if starts else 'does not start'}: {why}")
        if starts:
            starting.append(workflow)
    return starting


def start(state: State, workflow: Workflow, push: Push, outcomes: list[bool]) -> None:
    """Runs the workflow, now or after the run its concurrency group has in progress."""
    if not state.is_up():
        say(f"the platform is down, so {workflow.path} does not run: `make up`, then push again")
        return

    def execute(spec: str) -> None:
        path, *rest = json.loads(spec)
        try:
            outcomes.append(runner.run(state, path, Push(*rest), say))
        except ModelpinError as error:
            say(f"✗ {path}: {error}")
            outcomes.append(False)

    spec = json.dumps([workflow.path, push.ref, push.before, push.after])
    group = workflow.concurrency(push.ref)
    if group is None:
        execute(spec)
    else:
        Group(state.runner / "groups", group).submit(spec, execute, say)


def say(line: str) -> None:
    """To whoever pushed; git puts `remote:` before it. If nobody listens any more the run goes on, as on GitHub."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run_command(main)
