"""What `make demo-full` goes on to: a changed parameter, a change of nothing, a rollback, a model the gate stops."""

import json
from pathlib import Path
from typing import Any

from local import expect, git, release_in_git
from local.demo_clone import ENVIRONMENT, MODEL, Demo
from local.expect import DemoFailed
from local.release_in_git import ReleaseInGit


def go_on(demo: Demo, first: ReleaseInGit, run: dict[str, Any], model: Path) -> None:
    """All of it; `first` serves, `run` published it, and its artifact is in the folder `model`."""
    second = change_a_parameter(demo, first)
    change_nothing(demo, second)
    restored = roll_back(demo, first)
    push_a_bad_model(demo, restored)
    summarise(demo, restored, run, model)


def change_a_parameter(demo: Demo, first: ReleaseInGit) -> ReleaseInGit:
    demo.tell.step(
        "A parameter changes", "params.yaml: C from 1.0 to 10.0. Another model, another digest, another commit"
    )
    demo.clone.replace("params.yaml", "C: 1.0,", "C: 10.0,")
    expect.success(demo.clone.push("Regularise less"))
    second = release_in_git.read(demo.state, MODEL, ENVIRONMENT)
    if second.digest == first.digest or second.commit == first.commit:
        raise DemoFailed(f"another parameter still serves {first.digest}")
    demo.tell.say(f"{first.digest[:19]}… → {second.digest[:19]}…, commit {second.commit[:12]}")
    return second


def change_nothing(demo: Demo, second: ReleaseInGit) -> None:
    demo.tell.step(
        "Nothing of substance changes",
        "a comment in the training code: it trains, finds the same bytes, commits nothing",
    )
    source = demo.clone.folder / "pipeline" / "training" / "train.py"
    source.write_text(source.read_text(encoding="utf-8") + "# A comment.\n", encoding="utf-8")
    expect.success(demo.clone.push("Add a comment"))
    unchanged(demo, second)


def roll_back(demo: Demo, first: ReleaseInGit) -> ReleaseInGit:
    demo.tell.step("Roll back", "one command, one commit: the Route names the first release again; nothing retrains")
    command = ("-m", "release", "rollback", "--env", ENVIRONMENT)
    demo.tell.say(f"$ python {' '.join(command)}")
    demo.clone.python(*command, show=True)
    now = release_in_git.read(demo.state, MODEL, ENVIRONMENT)
    if now.uri != first.uri:
        raise DemoFailed(f"after the rollback Git names {now.uri}, not {first.uri}")
    for line in git.run(demo.state.origin, "show", "--stat", "--format=commit %h, %s", now.commit).splitlines():
        if line:
            demo.tell.say(line)
    return now


def push_a_bad_model(demo: Demo, serving: ReleaseInGit) -> None:
    demo.tell.step("A bad model", "C so small that the model hardly learns: the gate refuses it, and what serves stays")
    demo.clone.replace("params.yaml", "C: 10.0,", "C: 0.0001,")
    expect.refusal(demo.clone.push("Hardly learn"), step="Gate")
    unchanged(demo, serving)


def unchanged(demo: Demo, release: ReleaseInGit) -> None:
    expect.unchanged(release_in_git.read(demo.state, MODEL, ENVIRONMENT), release)
    demo.tell.say(f"no commit by the bot: {ENVIRONMENT} still names {release.digest[:19]}…")


def summarise(demo: Demo, serving: ReleaseInGit, run: dict[str, Any], model: Path) -> None:
    metrics = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    plots = sorted((demo.state.runs / run["id"]).rglob("*.png"))
    demo.tell.step("Done", f"what {ENVIRONMENT} names now, and where to look")
    for name, value in {
        "digest": serving.digest,
        "commit": f"{serving.commit[:12]} in {demo.state.origin}",
        "metrics": ", ".join(f"{name} {digits(value)}" for name, value in metrics.items()),
        "plots": f"{len(plots)} in {plots[0].parent}" if plots else "none",
        "runs": f"{demo.state.runs} (a log each)",
        "MLflow": demo.state.describe()["urls"]["mlflow"],
        "log": demo.tell.log,
    }.items():
        demo.tell.say(f"{name:<8} {value}")


def digits(value: object) -> str:
    """A metric, or one with its interval, in few digits."""
    if isinstance(value, dict):
        return " ".join(f"{name} {digits(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " to ".join(digits(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
