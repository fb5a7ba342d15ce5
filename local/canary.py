"""A canary on one machine: real predictors, the load split by the Route that Git holds, every step one commit.

`make demo-canary` runs this in .local/canary/. The cluster is played (local/splitter.py), by Knative's rules; S3, the
artifacts, the storage initializer, the predictors and the commands are real.
"""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack

from local import git
from local.canary_demo import (
    Canary,
    begin,
    cluster,
    expect,
    nothing,
    publish,
    refused,
    stage,
    step,
    under_load,
    wait,
)
from local.expect import DemoFailed
from local.narrator import Narrator
from local.splitter import FOLLOWING, HOLDING
from local.state import DEFAULT, State


def main() -> int:
    """0 when every step showed what it should."""
    state = State(DEFAULT / "canary")
    shutil.rmtree(state.root, ignore_errors=True)
    tell = Narrator(state.root / "canary.log")
    with tell.naming_the_log():
        show(state, tell)
    return 0


def show(state: State, tell: Narrator) -> Canary:
    """The whole story in the folder of `state`; DemoFailed for a step that did not show what it should."""
    with ExitStack() as cleanup:
        demo = begin(state, tell, cleanup)
        a, b, c = publish(demo)
        tell.step("The first release", "A in staging, then in production: its object, its proof, then the Route")
        stage(demo, a)
        step(demo, *demo.enter, "--wait", "120")
        wait(demo.production, demo.production.settled)
        under_load(demo, lambda: promote(demo, a, b))
        rebuild(demo, {a: 50, b: 50})
        under_load(demo, lambda: after_the_rebuild(demo, a, b, c))
        if demo.errors:
            raise DemoFailed(f"{len(demo.errors)} requests were not answered, the first: {demo.errors[0]}")
        refused(demo, c)
        summarise(demo)
    tell.say(f"{tell.seconds:.0f} s; nothing runs any more")
    return demo


def promote(demo: Canary, a: str, b: str) -> None:
    demo.tell.step("A canary of B", "proved at 0 percent, then 10, then half: each step is a commit, the load follows")
    expect(demo, {a: 100})
    stage(demo, b)
    step(demo, *demo.enter, "--canary", "10")
    expect(demo, {a: 100})
    step(demo, "advance", "--gateway", demo.production.url, "--wait", "120")
    expect(demo, {a: 90, b: 10})
    step(demo, "advance", "--to", "50")
    expect(demo, {a: 50, b: 50})


def rebuild(demo: Canary, percent: Mapping[str, int]) -> None:
    demo.tell.step("The cluster is gone", "a new one follows the same commit: nobody is asked, the split is the same")
    demo.gone.append(demo.production)
    demo.production.stop()
    demo.splitters["production"] = cluster(demo, "production")
    wait(demo.production, demo.production.settled)
    under_load(demo, lambda: expect(demo, percent))


def after_the_rebuild(demo: Canary, a: str, b: str, c: str) -> None:
    revert(demo, a, b)
    take_back(demo, a, b, c)
    retire(demo, b, c)


def revert(demo: Canary, a: str, b: str) -> None:
    demo.tell.step(
        "B is promoted, and a person reverts that", "git revert, no command: half again; then reverted again"
    )
    step(demo, "promote")
    expect(demo, {b: 100})
    for percent in ({a: 50, b: 50}, {b: 100}):
        demo.clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
        demo.clone.git("revert", "--no-edit", "HEAD")
        demo.tell.say(f"$ git revert HEAD: {demo.clone.git('log', '-1', '--format=%s').strip()}")
        demo.clone.python("-m", "release", "check", show=True)
        demo.clone.push_head()
        expect(demo, percent)


def take_back(demo: Canary, a: str, b: str, c: str) -> None:
    demo.tell.step("A canary of C, taken back", "one commit, of the Route alone: C gets nothing from then on")
    stage(demo, c)
    step(demo, *demo.enter, "--canary", "10", "--wait", "120")
    expect(demo, {c: 10, b: 90})
    back = ("rollback", "--reason", "shown to be taken back", "--gateway", demo.production.url, "--wait", "60")
    step(demo, *back)
    expect(demo, {b: 100})
    nothing(demo, a, c)


def retire(demo: Canary, b: str, c: str) -> None:
    demo.tell.step("What nothing names is retired", "C's object goes in a commit of its own; A's stays for a rollback")
    step(demo, "retire", "--min-age", "0", "--gateway", demo.production.url)
    expect(demo, {b: 100})
    nothing(demo, c)


def summarise(demo: Canary) -> None:
    demo.tell.step(
        "What production answered", "requests by model at each commit: before its Route was applied, and after"
    )
    commits = f"{demo.begun}..{git.BRANCH}"
    folder, names = demo.production.folder.path, sorted(demo.names.values())
    counts = demo.counts()
    for line in git.run(demo.state.origin, "log", "--reverse", "--format=%H %s", commits, "--", folder).splitlines():
        commit, _, subject = line.partition(" ")
        for phase in (HOLDING, FOLLOWING):
            row = {name: counts[commit, phase, digest] for digest, name in demo.names.items()}
            if any(row.values()):
                cells = "  ".join(f"{name} {row[name] or '-':>5}" for name in names)
                demo.tell.say(f"{commit[:12]}  {phase:<9}  {cells}   {subject}")
    demo.tell.say(f"errors {len(demo.errors)}")
    demo.tell.step("The history", "git log of what was pushed, the newest first")
    for line in git.run(demo.state.origin, "log", "--format=%h %s", commits).splitlines():
        demo.tell.say(line)
