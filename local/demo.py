"""The loop on one machine, told as it happens: a push trains, the gate decides, Git names what serves, it answers.

`make demo` runs this. All of it is real but the cluster, and all of it happens in .local/demo/: a clone of this
checkout's last commit, an S3, an MLflow, a Git origin, and a runner for the workflows in .github/. Your own tree is
never touched. Python here is the environment of the pipeline; the predictor gets the one of its own lock.
"""

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError
from local import demo_full, expect, ports, release_in_git, storage, venv
from local.deadlines import START_SECONDS
from local.demo_clone import DATA, ENVIRONMENT, MODEL, Demo, take_clone
from local.expect import DemoFailed
from local.narrator import Narrator
from local.process import Process
from local.release_in_git import ReleaseInGit
from local.serving import Predictor, Question
from local.state import DEFAULT, State
from local.supervisor import Supervisor, take_down

FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
FLOWERS = Question(FEATURES, [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 4.4, 1.4], [6.3, 3.3, 6.0, 2.5]])


def main(*, full: bool = False, stay: bool = False) -> int:
    """0 when every step showed what it should.

    It ends with the first answered prediction, or with `full` goes on (local/demo_full.py). With `stay` the platform
    and the predictor run until Ctrl-C; otherwise, and after `full`, nothing is left running.
    """
    with alone():
        state = State(DEFAULT / "demo")
        take_down(state)  # a platform that `make up` started on what the last demo stored
        shutil.rmtree(state.root, ignore_errors=True)
        tell = Narrator(state.root / "demo.log")
        try:
            # Whatever ends the demo, and wherever, ends all that it started.
            with tell.naming_the_log(), ExitStack() as cleanup:
                show(state, tell, cleanup, full=full, stay=stay)
        finally:
            tell.close()
    return 0


def show(state: State, tell: Narrator, cleanup: ExitStack, *, full: bool, stay: bool) -> None:
    os.environ["PATH"] += f"{os.pathsep}{venv.path('platform', tell.say) / 'bin'}"  # where act and SeaweedFS are found
    cleanup.enter_context(start(state, tell))
    demo = Demo(state, tell, take_clone(state, tell))
    fill_remote(demo)
    run = first_push(demo)
    first = read_from_git(demo)
    model = fetch(demo, first)
    predictor = cleanup.enter_context(serve(demo, first, model))
    ask(demo, first, predictor)
    if full:
        predictor.stop()
        demo_full.go_on(demo, first, run, model)
    elif stay:
        pages = start_pages(demo, predictor, run, cleanup)
        say_what_runs(demo, predictor, run, pages)
        wait_for_ctrl_c(tell)
    else:
        tell.say("on a terminal, or with `make demo DEMO_ARGS=--stay`, all of it would run on, to be asked with curl")
    tell.say(f"{tell.seconds:.0f} s. Nothing runs any more; the log: {tell.log}")


@contextmanager
def alone() -> Iterator[None]:
    """One demo a clone: ConfigurationError while another one lives."""
    DEFAULT.mkdir(exist_ok=True)
    with (DEFAULT / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(
                f"a demo runs in this clone already, as process {lock.read().strip()}: "
                "stop it with Ctrl-C in its terminal"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def start(state: State, tell: Narrator) -> Supervisor:
    tell.step("The platform", "S3, MLflow, and a Git origin that runs workflows; processes on 127.0.0.1")
    return Supervisor(state, tell.say)


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


def read_from_git(demo: Demo) -> ReleaseInGit:
    demo.tell.step(
        "What Git says", "from a fresh clone of origin, as Argo CD sees it: this is all that the cluster obeys"
    )
    release = release_in_git.read(demo.state, MODEL, ENVIRONMENT)
    for line in (
        f"release     {release.name}",
        f"storageUri  {release.uri}",
        f"commit      {release.commit[:12]}",
    ):
        demo.tell.say(line)
    for line in release.trailers:
        demo.tell.detail(f"            {line}")
    return release


def fetch(demo: Demo, release: ReleaseInGit) -> Path:
    demo.tell.step(
        "Storage initializer", "KServe's own code fetches that URI, as it does in a pod before the predictor starts"
    )
    folder = demo.state.root / "models" / release.digest
    storage.download(release.uri, folder, demo.clone.env, demo.tell.note)
    demo.tell.say(f"{len(list(folder.iterdir()))} files, not yet verified")
    return folder


def serve(demo: Demo, release: ReleaseInGit, folder: Path) -> Predictor:
    demo.tell.step(
        "Predictor", "verifies each byte against the digest in Git, loads, answers; beside it the model offline"
    )
    log = demo.state.root / "predictor.log"
    code, env = demo.clone.folder, demo.clone.env
    python = venv.path("serving", demo.tell.note) / "bin" / "python"
    return Predictor(MODEL, release.uri, release.name, folder, code=code, env=env, log=log, python=python)


def ask(demo: Demo, release: ReleaseInGit, predictor: Predictor) -> None:
    answers = {
        "v1": predictor.v1(FLOWERS),
        "v2 REST": predictor.v2(FLOWERS),
        "v2 gRPC": predictor.grpc(FLOWERS),
        "offline": predictor.offline(FLOWERS, "artifact"),
        "sklearn": predictor.offline(FLOWERS, "sklearn"),
    }
    for way, answer in answers.items():
        highest = ", ".join(
            f"{label} {max(row):.6f}" for label, row in zip(answer.labels, answer.probabilities, strict=True)
        )
        demo.tell.say(f"{way:<8} {highest}")
    demo.tell.say(expect.equal(answers, release))


def start_pages(demo: Demo, predictor: Predictor, run: dict[str, Any], cleanup: ExitStack) -> str:
    """`make ui` in the clone, with the report of the workflow's training and a form for the predictor; its URL."""
    for name in ("build", "reports"):
        for folder in (demo.state.runs / run["id"] / "uploads").glob(f"*/{name}"):
            shutil.copytree(folder, demo.clone.folder / name, dirs_exist_ok=True)
    (port,) = ports.free(1)
    command = [sys.executable, "-m", "release", "page", "--port", str(port), "--predictor", predictor.url]
    log = demo.state.root / "pages.log"
    process = cleanup.enter_context(Process("the pages", command, env=demo.clone.env, cwd=demo.clone.folder, log=log))
    process.wait_until(lambda: not ports.is_free(port), seconds=START_SECONDS)
    return f"http://{ports.LOOPBACK}:{port}/"


def say_what_runs(demo: Demo, predictor: Predictor, run: dict[str, Any], pages: str) -> None:
    demo.tell.step("Yours", "what runs now, and a request to try")
    body = json.dumps({"instances": FLOWERS.rows[:1], "probabilities": True})
    for line in (
        f"$ curl -H 'content-type: application/json' {predictor.url}/v1/models/{MODEL}:predict -d '{body}'",
        f"pages       {pages}   what serves, since when, from which commit; the gate's report; a form to ask it",
        f"predictor   {predictor.url}",
        f"MLflow      {demo.state.describe()['urls']['mlflow']}/#/experiments/1/runs?workflowType=machine_learning",
        f"report      {demo.state.runs / run['id'] / 'uploads/reports/reports/report.md'}",
    ):
        demo.tell.say(line)
    demo.tell.say("`make demo-full` goes on: another model, a change of nothing, a rollback, a model the gate stops")


def wait_for_ctrl_c(tell: Narrator) -> None:
    """Returns when somebody has had enough."""
    tell.say("all of it runs until Ctrl-C")
    tell.rest()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
