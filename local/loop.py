"""The loop that live traffic closes, on one machine: canaries that their traffic decides, drift, a training, a canary.

`make demo-loop` runs this in .local/loop/. Prometheus, the predictors, S3, Git and the commands are real; the cluster
and its gateway are played (local/splitter.py). Faults are in the process that answers (local/bad_image.py), or in the
model.
"""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from artifact.errors import ModelpinError
from local import bad_image, canary_demo, example, git, storage, variant
from local.canary_demo import Canary
from local.deadlines import ANSWER_SECONDS
from local.expect import DemoFailed
from local.knative import Revision
from local.narrator import Narrator
from local.prometheus import Prometheus
from local.scraped import Scraped
from local.serving import Predictor
from local.splitter import REQUESTS, Splitter, digest_of
from local.state import DEFAULT, State
from local.traffic import Traffic
from release.gitops.folder import Folder

FAULTS = {
    "0": None,
    "1": None,
    "a": bad_image.ERRORS,
    "b": bad_image.SLOW,
    "c": bad_image.DIES,
}  # by the image's digest
SHIFT = 0.6  # cm by which the inputs drift
PATIENCE = 600.0  # seconds for one canary
WINDOW, LEAST = 10, 500  # seconds and rows of a window of drift: a week and 2,000 on a real cluster
# What it is called, its model, the fault of its image, and how it has to end.
CANARIES = (
    ("B, a good model", "B", "0", "promoted"),
    ("an image with errors in 5 % of requests", "B", "a", "taken back"),
    ("a model with two classes swapped", "swapped", "0", "taken back"),
    ("an image that is some milliseconds slower", "B", "b", "taken back"),
    ("an image that kills its process", "B", "c", "taken back"),
)
_ANALYSIS = """
analysis:
  prometheus: {url}
  predictions: roll-back
  latency_ratio: 2
  least_minutes: 0.1
  slowest: 20
  deadline_hours: 0.15
  baking_minutes: 0.1
  interval: 1
  warm_up: 2
  source: {{requests: {requests}, code: code, release: release}}
"""


def image(fault: str) -> str:
    """An image whose digest says which fault it has."""
    return f"registry.example.com/modelpin/predictor@sha256:{fault * 64}"


@dataclass
class Loop:
    """What the acts share."""

    demo: Canary
    prometheus: Prometheus
    page: Path
    decisions: list[str] = field(default_factory=list)

    def start(self, revision: Revision) -> Scraped:
        """What a pod of the revision does; Prometheus finds it."""
        folder = self.demo.state.root / "models" / digest_of(revision.uri)
        if not folder.exists():
            storage.download(revision.uri, folder, self.demo.clone.env, self.demo.tell.note)
        fault = FAULTS[revision.image[-1]]
        predictor = Predictor(
            variant.NAME,
            revision.uri,
            revision.release,
            folder,
            code=self.demo.clone.folder,
            env=self.demo.clone.env,
            log=self.demo.state.root / "revisions" / f"{revision.name}.log",
            program=("predictor",) if fault is None else ("local.bad_image", fault),
        )
        return Scraped(predictor, revision, self.prometheus, self.demo.production.folder.namespace)

    def release(self, name: str, uri: str, chosen: str) -> None:
        """Deploy a model in an image as a canary of 10 percent."""
        more = ("--uri", uri, "--image", chosen, "--gateway", self.demo.production.url)
        self.demo.tell.say(f"a canary: {name}")
        canary_demo.step(self.demo, "deploy", *more, "--canary", "10")

    def decided(self, name: str, differs: str = "") -> str:
        """Run `release step` until it has promoted the candidate or taken it back: which of both.

        `differs`: why a person promotes it when its predictions differ, and `step` asks.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            options = ("--env", "production", "--gateway", self.demo.production.url, "--page", str(self.page), "--json")
            try:
                lines = self.demo.clone.python("-m", "release", "step", *options)
            except ModelpinError as error:  # held, or a proof that is not there yet
                self.demo.tell.note(str(error))
                self.prometheus.check()
                if differs and "exit code 41" in str(error):
                    self.demo.tell.say(f"step asks: {str(error).rpartition(': {')[0][:160]}")
                    self.demo.tell.say("a person has looked at the page, and promotes it")
                    canary_demo.step(self.demo, "promote", "--gateway", self.demo.production.url, "--reason", differs)
                    self.decisions.append(f"{name}: promoted by a person, who was asked")
                    return "promoted"
                time.sleep(1)
                continue
            outcome = json.loads("\n".join(lines[lines.index("{") :]))
            if outcome["outcome"] == "done":
                self.demo.tell.say(f"step: {outcome['says']}")
                self.demo.tell.say(_evidence(outcome["message"]))
            if outcome["outcome"] == "done" and outcome["state"] == "stable":
                action = "taken back" if " back in " in outcome["says"] else "promoted"
                self.decisions.append(f"{name}: {action}")
                return action
            time.sleep(1)
        raise DemoFailed(f"{name} was not decided in {PATIENCE:.0f} s")


def main() -> int:
    """0 when every canary ended as it should."""
    state = State(DEFAULT / "loop")
    shutil.rmtree(state.root, ignore_errors=True)
    tell = Narrator(state.root / "loop.log")
    with tell.naming_the_log():
        show(state, tell)
    return 0


def show(
    state: State, tell: Narrator, chosen: Sequence[tuple[str, str, str, str]] = CANARIES, *, drifts: bool = True
) -> Loop:
    """The story in the folder of `state`, of the canaries `chosen`; DemoFailed for one that ends as it should not."""
    with ExitStack() as cleanup:
        loop = begin(state, tell, cleanup)
        demo = loop.demo
        tell.say(f"the evidence, to be watched: {loop.page}; Prometheus: {loop.prometheus.url}")
        uris = {name: publish(demo, name, **options) for name, options in _MODELS.items()}
        tell.step("The first release", "it has all of the traffic; its counters are what canaries are compared with")
        canary_demo.step(
            demo, "deploy", "--uri", uris["A"], "--image", image("0"), "--gateway", demo.production.url, "--wait", "120"
        )
        canary_demo.wait(demo.production, demo.production.settled)
        path = f"/v1/models/{variant.NAME}:predict"
        with Traffic(demo.production.url, path) as traffic:
            pause(traffic, 2000)
            canaries(loop, uris, chosen)
            if drifts:
                close(loop, traffic)
        tell.say(f"answers by status: {dict(sorted(traffic.codes.items()))}")
        history(loop)
    tell.say(f"{tell.seconds:.0f} s; nothing runs any more")
    return loop


_MODELS: dict[str, dict[str, float | bool]] = {
    "A": {"strength": 1.0},
    "B": {"strength": 1.2},
    "swapped": {"strength": 1.1, "swapped": True},
}


def canaries(loop: Loop, uris: dict[str, str], chosen: Sequence[tuple[str, str, str, str]]) -> None:
    """Each of `chosen`, decided by its traffic."""
    for name, model, fault, expected in chosen:
        loop.demo.tell.step(f"A canary: {name}", "nobody looks; release step decides from what Prometheus counted")
        loop.release(name, uris[model], image(fault))
        if (decision := loop.decided(name)) != expected:
            raise DemoFailed(f"{name} was {decision}, it should have been {expected}")


def close(loop: Loop, traffic: Traffic) -> None:
    """Drifted inputs, the alarm, the training that it asks for, and a canary of what was trained."""
    demo = loop.demo
    demo.tell.step("The inputs drift", f"every length is {SHIFT} cm longer from now on; nobody is told")
    traffic.shift = SHIFT
    alarm = drifted(loop)
    ask = ("-m", "release", "retrain", "--env", "production", "--kind", "drift", "--alarm", str(alarm))
    demo.tell.step("The alarm asks for a training", "there are new data: the drifted flowers, labelled")
    new_data(demo)
    answers = [json.loads("\n".join(demo.clone.python(*ask))) for _ in range(2)]
    for answer in answers:
        demo.tell.say(f"retrain: {answer['outcome']}: {answer['why']}")
    if [answer["outcome"] for answer in answers] != ["train", "nothing"]:
        raise DemoFailed(f"an alarm with new data was answered by {answers}")
    demo.tell.step("What was trained is a canary like any other", "its commit says what asked for it")
    demo.clone.env["RETRAIN_TRIGGER"] = answers[0]["trigger"]
    demo.clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
    demo.clone.replace(f"{demo.production.folder.path}/environment.yaml", "predictions: roll-back", "predictions: ask")
    demo.clone.push("Ask when predictions differ: what was trained on drifted rows has to answer otherwise")
    loop.release("C, trained on the new rows", publish(demo, "C", strength=1.0, shift=SHIFT), image("1"))
    if loop.decided("C, trained on the new rows", differs="it was trained on the drifted rows") != "promoted":
        raise DemoFailed("what was trained on the drifted rows was taken back")


def drifted(loop: Loop) -> Path:
    """The alarm that the drift raises, as `monitoring drift --json` writes it."""
    demo, since = loop.demo, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    listed = json.loads("\n".join(demo.clone.python("-m", "release", "status", "--json")))
    (serving,) = (entry["stable"]["name"] for entry in listed if entry["environment"] == "production")
    words = ["-m", "monitoring", "drift", "--prometheus", loop.prometheus.url, "--since", since, "--release", serving]
    words += ["--namespace", demo.production.folder.namespace, "--window", str(WINDOW), "--least", str(LEAST)]
    end = time.monotonic() + ANSWER_SECONDS
    while True:
        drift = json.loads("\n".join(demo.clone.python(*words, "--json")))
        if drift["alarm"]:
            break
        if time.monotonic() > end:
            raise DemoFailed(f"no alarm of drift: {drift}")
        time.sleep(2)
    demo.clone.python(*words, "--page", str(demo.state.root / "drift.html"), show=True)
    path = demo.state.root / "alarm.json"
    path.write_text(json.dumps(drift))
    return path


def new_data(demo: Canary) -> None:
    """Commit a table with the drifted rows, as a person does."""
    import pandas as pd

    demo.clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
    table = pd.read_csv(StringIO(example.iris().decode()))
    longer = table.copy()
    longer[longer.columns[:-1]] += SHIFT
    pd.concat([table, longer]).round(1).to_csv(demo.clone.folder / "data/iris.csv", index=False)
    demo.clone.python("-m", "dvc", "add", "data/iris.csv")
    demo.clone.push("Add the longer flowers, labelled")


def history(loop: Loop) -> None:
    demo = loop.demo
    demo.tell.step("The history", "git log of what was pushed, the oldest first, with the evidence of each decision")
    form = "--format=%h %s%n%(trailers:key=Retrain-Trigger)%(trailers:key=Release-Reason)"
    log = git.run(demo.state.origin, "log", "--reverse", form, f"{demo.begun}..{git.BRANCH}")
    for line in filter(None, log.splitlines()):
        demo.tell.say(line[:220])
    for decision in loop.decisions:
        demo.tell.say(decision)


def begin(state: State, tell: Narrator, cleanup: ExitStack) -> Loop:
    demo = canary_demo.begin(state, tell, cleanup)
    prometheus = cleanup.enter_context(Prometheus(state.root / "prometheus"))
    loop = Loop(demo, prometheus, state.root / "evidence.html")
    demo.production.stop()
    folder = Folder(variant.NAME, "production")
    splitter = cleanup.enter_context(Splitter(state.origin, folder, loop.start))
    demo.splitters["production"] = splitter
    prometheus.target(splitter.url.removeprefix("http://"), {"namespace": folder.namespace, "instance": "gateway"})
    path = f"{folder.path}/environment.yaml"
    demo.clone.replace(path, "takes: staging\n", _ANALYSIS.format(url=prometheus.url, requests=REQUESTS))
    demo.clone.push("Let production's canaries be decided by their traffic")
    return loop


def publish(demo: Canary, name: str, **options: float | bool) -> str:
    """The URI of a model that was trained with `options` of variant.make."""
    artifact = variant.make(demo.state.root / "variants" / name, **options)  # type: ignore[arg-type]
    words = ("--artifact", str(artifact), "--verdict", str(artifact.with_name("verdict.json")))
    lines = demo.clone.python("-m", "release", "publish", *words)
    return next(line for line in lines if line.startswith("s3://"))


def pause(traffic: Traffic, requests: int) -> None:
    """Until so many more were answered: what canaries are compared with needs a history."""
    goal, end = traffic.codes[200] + requests, time.monotonic() + ANSWER_SECONDS
    while traffic.codes[200] < goal:
        if time.monotonic() > end:
            raise DemoFailed(f"{traffic.codes} answers in {ANSWER_SECONDS:.0f} s")
        time.sleep(0.2)


def _evidence(message: str) -> str:
    """The reason in a commit's message."""
    return next((line for line in message.splitlines() if line.startswith("Release-Reason: ")), "")[:200]
