"""The whole loop on one machine, told as it happens: a push retrains, the gate decides, Git names what serves.

`make demo` runs this. All of it is real but the cluster, and all of it happens in .local/demo/: a clone of this
checkout's last commit, an S3, an MLflow, a Git origin, and a runner for the workflows in .github/. Your own tree is
never touched.
"""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import expect, git, served, storage, venv
from local.clone import Clone
from local.expect import DemoFailed
from local.narrator import Narrator
from local.served import Served
from local.serving import Predictor, Question
from local.state import DEFAULT, REPOSITORY, State
from local.supervisor import Supervisor, take_down

MODEL, ENVIRONMENT = "iris", "staging"
DATA = "data/iris.csv"
FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
FLOWERS = Question(FEATURES, [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 4.4, 1.4], [6.3, 3.3, 6.0, 2.5]])


@dataclass
class Demo:
    """What the steps share."""

    state: State
    tell: Narrator
    clone: Clone


def main(*, keep: bool = False) -> int:
    """0 when every step showed what it should. `keep` leaves the platform up at the end."""
    state = State(DEFAULT / "demo")
    take_down(state)  # an earlier demo's that was kept
    shutil.rmtree(state.root, ignore_errors=True)
    tell = Narrator(state.root / "demo.log")
    try:
        with ExitStack() as cleanup:  # whatever ends the demo, and wherever, ends all that it started
            installing = install(tell)
            platform = cleanup.enter_context(start(state, tell))
            demo = Demo(state, tell, take_clone(state, tell))
            fill_remote(demo)
            run = first_push(demo)
            first = read_from_git(demo)
            model = fetch(demo, first)
            ask(demo, first, model)
            second = change_a_parameter(demo, first)
            change_nothing(demo, second)
            restored = roll_back(demo, first)
            push_a_bad_model(demo, restored)
            summarise(demo, restored, run, model)
            tell.say(f"{tell.seconds:.0f} s, {installing:.0f} of them installing; {afterwards(state, keep=keep)}")
            if keep:
                platform.keep()
    except BaseException:
        print(f"\nthe demo stopped; the whole log: {tell.log}", flush=True)
        raise
    return 0


def install(tell: Narrator) -> float:
    tell.step("Environments", "what trains and what fetches models has a lock and an environment of its own, made once")
    for role in ("pipeline", "storage"):
        tell.say(f"requirements/{role}.txt: {venv.path(role, tell.say)}")
    return tell.seconds


def start(state: State, tell: Narrator) -> Supervisor:
    tell.step("The platform", "S3 with real keys, MLflow, and a Git origin that runs workflows; processes on 127.0.0.1")
    return Supervisor(state, tell.say)


def take_clone(state: State, tell: Narrator) -> Clone:
    tell.step("A clone", "so that your own tree is never touched; its origin is the platform's")
    if dirty := git.run(REPOSITORY, "status", "--porcelain").splitlines():
        tell.say(f"your tree has {len(dirty)} uncommitted changes: they are not part of this, only your last commit is")
    folder = state.root / "clone"
    git.run(state.root, "clone", "--quiet", "--no-local", str(REPOSITORY), str(folder))
    git.run(folder, "checkout", "--quiet", "-B", git.BRANCH)
    git.run(folder, "remote", "set-url", "origin", str(state.origin))
    if not (folder / f"{DATA}.dvc").exists():
        raise DemoFailed(f"{DATA}.dvc is not in the last commit: the demo is of the example as shipped")
    tell.say(git.run(folder, "log", "-1", "--format=%h %s").strip())
    description = state.describe()
    return Clone(state, folder, tell, {**description["s3"], **description["variables"]})


def fill_remote(demo: Demo) -> None:
    demo.tell.step("The data", "raw data is versioned by DVC: a small file in Git, the bytes in S3")
    demo.clone.python("-m", "local.example", DATA)
    demo.clone.python("-m", "dvc", "add", "--quiet", DATA)
    if demo.clone.git("status", "--porcelain"):
        raise DemoFailed(
            f"{DATA} from scikit-learn is not what {DATA}.dvc names: see `git diff` in {demo.clone.folder}"
        )
    demo.clone.python("-m", "dvc", "push", show=True)


def first_push(demo: Demo) -> dict[str, Any]:
    demo.tell.step("git push", "the workflow retrains, gates, publishes to S3, and commits the new digest to gitops/")
    return expect.success(demo.clone.push_head())


def read_from_git(demo: Demo) -> Served:
    demo.tell.step(
        "What Git says", "from a fresh clone of origin, as Argo CD sees it: this is all that the cluster obeys"
    )
    release = served.read(demo.state, MODEL, ENVIRONMENT)
    for line in (
        f"release     {release.name}",
        f"storageUri  {release.uri}",
        f"image       {release.image}",
        f"commit      {release.commit[:12]}",
    ):
        demo.tell.say(line)
    for line in release.trailers:
        demo.tell.say(f"            {line}")
    return release


def fetch(demo: Demo, release: Served) -> Path:
    demo.tell.step(
        "Storage initializer", "KServe's own code fetches that URI, as it does in a pod before the predictor starts"
    )
    folder = demo.state.root / "models" / release.digest
    storage.download(release.uri, folder, demo.clone.env, demo.tell.note)
    demo.tell.say(f"{len(list(folder.iterdir()))} files in {folder}")
    return folder


def ask(demo: Demo, release: Served, folder: Path) -> None:
    demo.tell.step(
        "Predictor", "verifies every byte against the digest in Git, loads, answers; beside it the model offline"
    )
    log = demo.state.root / "predictor.log"
    code, env = demo.clone.folder, demo.clone.env
    with Predictor(MODEL, release.uri, release.name, folder, code=code, env=env, log=log) as predictor:
        answers = {
            "sklearn": predictor.offline(FLOWERS, "sklearn"),
            "offline": predictor.offline(FLOWERS, "artifact"),
            "v1": predictor.v1(FLOWERS),
            "v2 REST": predictor.v2(FLOWERS),
            "v2 gRPC": predictor.grpc(FLOWERS),
        }
    for way, answer in answers.items():
        highest = ", ".join(
            f"{label} {max(row):.6f}" for label, row in zip(answer.labels, answer.probabilities, strict=True)
        )
        demo.tell.say(f"{way:<8} {highest}")
    demo.tell.say(expect.equal(answers, release))


def change_a_parameter(demo: Demo, first: Served) -> Served:
    demo.tell.step(
        "A parameter changes", "params.yaml: C from 1.0 to 10.0. Another model, another digest, another commit"
    )
    demo.clone.replace("params.yaml", "C: 1.0,", "C: 10.0,")
    expect.success(demo.clone.push("Regularise less"))
    second = served.read(demo.state, MODEL, ENVIRONMENT)
    if second.digest == first.digest or second.commit == first.commit:
        raise DemoFailed(f"another parameter still serves {first.digest}")
    demo.tell.say(f"{first.digest[:19]}… → {second.digest[:19]}…, commit {second.commit[:12]}")
    return second


def change_nothing(demo: Demo, second: Served) -> None:
    demo.tell.step(
        "Nothing of substance changes",
        "a comment in the training code: it trains, finds the same bytes, commits nothing",
    )
    source = demo.clone.folder / "pipeline" / "training" / "train.py"
    source.write_text(source.read_text(encoding="utf-8") + "# A comment.\n", encoding="utf-8")
    expect.success(demo.clone.push("Add a comment"))
    unchanged(demo, second)


def roll_back(demo: Demo, first: Served) -> Served:
    demo.tell.step("Roll back", "one command, one commit: the Route names the first release again; nothing retrains")
    command = ("-m", "release", "rollback", "--env", ENVIRONMENT)
    demo.tell.say(f"$ python {' '.join(command)}")
    demo.clone.python(*command, show=True)
    now = served.read(demo.state, MODEL, ENVIRONMENT)
    if now.uri != first.uri:
        raise DemoFailed(f"after the rollback Git names {now.uri}, not {first.uri}")
    for line in git.run(demo.state.origin, "show", "--stat", "--format=commit %h, %s", now.commit).splitlines():
        if line:
            demo.tell.say(line)
    return now


def push_a_bad_model(demo: Demo, serving: Served) -> None:
    demo.tell.step("A bad model", "C so small that the model hardly learns: the gate refuses it, and what serves stays")
    demo.clone.replace("params.yaml", "C: 10.0,", "C: 0.0001,")
    expect.refusal(demo.clone.push("Hardly learn"), step="Gate")
    unchanged(demo, serving)


def unchanged(demo: Demo, release: Served) -> None:
    expect.unchanged(served.read(demo.state, MODEL, ENVIRONMENT), release)
    demo.tell.say(f"no commit by the bot: {ENVIRONMENT} still names {release.digest[:19]}…")


def summarise(demo: Demo, serving: Served, run: dict[str, Any], model: Path) -> None:
    metrics = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    plots = sorted((demo.state.runs / run["id"]).rglob("*.png"))
    demo.tell.step("Done", f"what {ENVIRONMENT} names now, and where to look")
    for name, value in {
        "digest": serving.digest,
        "commit": f"{serving.commit[:12]} in {demo.state.origin}",
        "metrics": ", ".join(f"{name} {shown(value)}" for name, value in metrics.items()),
        "plots": f"{len(plots)} in {plots[0].parent}" if plots else "none",
        "runs": f"{demo.state.runs} (a log each)",
        "MLflow": demo.state.describe()["urls"]["mlflow"],
        "log": demo.tell.log,
    }.items():
        demo.tell.say(f"{name:<8} {value}")


def afterwards(state: State, *, keep: bool) -> str:
    where = f"STATE={state.root.relative_to(REPOSITORY)}"
    return f"still up: `make down {where}`" if keep else f"nothing runs any more. To look at MLflow: `make up {where}`"


def shown(value: object) -> str:
    """A metric, or one with its interval, in few digits."""
    if isinstance(value, dict):
        return " ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " to ".join(shown(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
