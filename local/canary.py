"""A canary on one machine: two real predictors, the load split by what Git says, every step one commit.

`make demo-canary` runs this in .local/canary/. The cluster is played (local/splitter.py), by KServe's rules; S3, the
artifacts, the storage initializer, the predictors and the commands are real.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from artifact.errors import ModelpinError
from local import git, storage, variant, venv
from local.clone import Clone
from local.expect import DemoFailed
from local.load import Load
from local.narrator import Narrator
from local.rollout import Revision
from local.s3 import S3
from local.serving import Predictor
from local.splitter import READY, STARTING, Splitter, digest_of
from local.state import DEFAULT, REPOSITORY, State
from release import settings
from release.gitops.folder import Place

IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'0' * 64}"
NAMES = {1.0: "A", 10.0: "B", 0.1: "C"}  # C of the regression → what the models are called here
FROM_STAGING = ("deploy", "--from", "staging")
ENOUGH = 50  # requests at each commit once its revision is ready
PATIENCE = 120.0  # seconds for a revision to become ready


@dataclass
class Canary:
    """What the steps share."""

    state: State
    tell: Narrator
    clone: Clone
    begun: str  # the commit of this checkout
    uris: list[str] = field(default_factory=list)  # of A, B and C
    names: dict[str, str] = field(default_factory=dict)  # digest → A, B or C
    splitters: dict[str, Splitter] = field(default_factory=dict)  # by environment

    @property
    def staging(self) -> Splitter:
        return self.splitters["staging"]

    @property
    def production(self) -> Splitter:
        return self.splitters["production"]


def main() -> int:
    """0 when every step showed what it should."""
    state = State(DEFAULT / "canary")
    shutil.rmtree(state.root, ignore_errors=True)
    tell = Narrator(state.root / "canary.log")
    try:
        show(state, tell)
    except BaseException:
        print(f"\nthe demo stopped; the whole log: {tell.log}", flush=True)
        raise
    return 0


def show(state: State, tell: Narrator) -> Canary:
    """The whole story in the folder of `state`; DemoFailed for a step that did not show what it should."""
    with ExitStack() as cleanup:
        demo = begin(state, tell, cleanup)
        a, b, c = publish(demo)
        tell.step("The first release", "A in staging, then in production: production takes what answers in staging")
        stage(demo, a)
        step(demo, *FROM_STAGING, "--from-gateway", demo.staging.url)
        wait(demo.production, lambda: demo.production.status()[1] == [(a, 100)])
        with Load(f"{demo.production.url}/v1/models/{variant.NAME}:predict") as load:
            expect(demo, {a: 100})
            tell.step("A canary of B", "10 percent, half, everything: each step is a commit, and the load follows Git")
            stage(demo, b)
            step(demo, *FROM_STAGING, "--from-gateway", demo.staging.url, "--canary", "10")
            expect(demo, {b: 10, a: 90})
            step(demo, "advance", "--to", "50")
            expect(demo, {b: 50, a: 50})
            step(demo, "promote")
            expect(demo, {b: 100})
            tell.step("A canary of C, taken back", "the stable model at 0 percent first: C gets nothing from then on")
            stage(demo, c)
            step(demo, *FROM_STAGING, "--from-gateway", demo.staging.url, "--canary", "10")
            expect(demo, {c: 10, b: 90})
            for back in (
                ("rollback", "--reason", "shown to be taken back"),
                ("settle", "--gateway", demo.production.url),
            ):
                step(demo, *back)
                expect(demo, {b: 100})
                nothing(demo, c)
        if load.failed:
            raise DemoFailed(f"{len(load.failed)} requests were not answered, the first: {load.failed[0]}")
        refused(demo, c)
        summarise(demo)
    tell.say(f"{tell.seconds:.0f} s; nothing runs any more")
    return demo


def begin(state: State, tell: Narrator, cleanup: ExitStack) -> Canary:
    tell.step("The platform", "an S3, a Git origin with this checkout's last commit, a clone of it")
    venv.path("storage", tell.say)
    owned = settings.read(REPOSITORY)
    s3 = cleanup.enter_context(S3(state.s3, buckets=(owned.bucket,), region=owned.region))
    git.make_origin(state, owned.gitops_remote)
    (state.origin / "hooks/post-receive").unlink()  # no workflow: this is about what comes after them
    clone = state.root / "clone"
    git.run(state.root, "clone", "--quiet", "--no-local", str(REPOSITORY), str(clone))
    git.run(clone, "checkout", "--quiet", "-B", git.BRANCH)
    git.run(clone, "remote", "set-url", "origin", str(state.origin))
    git.run(clone, "push", "--quiet", "origin", git.BRANCH)
    demo = Canary(state, tell, Clone(state, clone, tell, s3.env), git.run(clone, "rev-parse", "HEAD").strip())
    for environment in ("staging", "production"):
        demo.splitters[environment] = cleanup.enter_context(
            Splitter(state.origin, Place(variant.NAME, environment), lambda one, e=environment: start(demo, e, one))  # type: ignore[misc]
        )
    tell.say(f"production answers at {demo.production.url}, as the commits on {state.origin} say")
    return demo


def start(demo: Canary, environment: str, revision: Revision) -> Predictor:
    """What a pod of the revision does: the storage initializer, then the predictor."""
    folder = demo.state.root / "models" / digest_of(revision.uri)
    if not folder.exists():  # each pod fetches for itself; here a model that is there saves a second
        storage.download(revision.uri, folder, demo.clone.env, demo.tell.note)
    log = demo.state.root / "revisions" / f"{environment}-{revision.name}.log"
    return Predictor(variant.NAME, revision.uri, folder, code=demo.clone.folder, env=demo.clone.env, log=log)


def publish(demo: Canary) -> list[str]:
    """The digests of A, B and C."""
    demo.tell.step("Three models", "of the example's data; published under their digests")
    digests = []
    for strength, name in NAMES.items():
        artifact = variant.make(demo.state.root / "variants" / name, strength)
        verdict = artifact.with_name("verdict.json")
        said = demo.clone.python("-m", "release", "publish", "--artifact", str(artifact), "--verdict", str(verdict))
        uri = next(line for line in said if line.startswith("s3://"))
        demo.uris.append(uri)
        digests.append(uri.rstrip("/").rpartition("/")[2])
        demo.names[digests[-1]] = name
        demo.tell.say(f"{name}  {uri}")
    return digests


def stage(demo: Canary, digest: str) -> None:
    """Deploy to staging, and wait until that digest answers there."""
    uri = next(line for line in demo.uris if digest in line)
    run(demo, "deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
    wait(demo.staging, lambda: demo.staging.status()[1] == [(digest, 100)])
    demo.tell.say(f"staging answers with {demo.names[digest]}")


def step(demo: Canary, command: str, *options: str) -> None:
    """One command for production, which makes one commit."""
    run(demo, command, "--env", "production", *options)


def run(demo: Canary, command: str, *options: str) -> None:
    shown = " ".join(option if len(option) < 40 else f"…{option[-20:]}" for option in (command, *options))
    demo.tell.say(f"$ python -m release {shown}")
    demo.clone.python("-m", "release", command, *options, show=True)


def wait(splitter: Splitter, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (splitter.settled() and ready()):
        if time.monotonic() > deadline:
            raise DemoFailed(f"{splitter.place.environment} did not get there in {PATIENCE:.0f} s: {splitter.status()}")
        time.sleep(0.05)


def expect(demo: Canary, percent: Mapping[str, int]) -> None:
    """Wait for ENOUGH requests under this commit with its revision ready, and hold the shares to one request."""
    splitter = demo.production

    def ready() -> Counter[str]:
        commit = splitter.status()[0]
        with_commit = {key: count for key, count in splitter.counts().items() if key[0] == commit}
        return Counter({digest: count for (_, phase, digest), count in with_commit.items() if phase == READY})

    wait(splitter, lambda: ready().total() >= ENOUGH)
    commit, found = splitter.status()[0], ready()
    for digest in {*found, *percent}:
        if abs(found[digest] - found.total() * percent.get(digest, 0) / 100) > 2:  # one by rounding, one in flight
            raise DemoFailed(f"at {commit[:12]} {dict(found)} answered, not {dict(percent)} percent")
    shares = ", ".join(f"{demo.names[digest]} {count}" for digest, count in found.most_common())
    demo.tell.say(f"commit {commit[:12]}: of {found.total()} requests {shares}")


def nothing(demo: Canary, digest: str) -> None:
    """Hold that the model got no request under this commit, neither while its revision started nor after."""
    commit = demo.production.status()[0]
    got = [demo.production.counts()[commit, phase, digest] for phase in (STARTING, READY)]
    if any(got):
        raise DemoFailed(f"{demo.names[digest]} got {got} requests at {commit[:12]}, after it was taken back")
    demo.tell.say(f"{demo.names[digest]}: 0 requests since this commit")


def refused(demo: Canary, digest: str) -> None:
    demo.tell.step("C again", "what was taken back is in quarantine: nothing brings it back, and the reason is said")
    uri = next(line for line in demo.uris if digest in line)
    try:
        run(demo, "deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
    except ModelpinError:
        demo.tell.say("refused")
    else:
        raise DemoFailed(f"{digest} was rolled back, and was deployed again")


def summarise(demo: Canary) -> None:
    demo.tell.step(
        "What production answered", "requests by model at each commit: while its revision started, and after"
    )
    made = f"{demo.begun}..{git.BRANCH}"
    folder, names = demo.production.place.folder, sorted(demo.names.values())
    counts = demo.production.counts()
    for line in git.run(demo.state.origin, "log", "--reverse", "--format=%H %s", made, "--", folder).splitlines():
        commit, _, subject = line.partition(" ")
        for phase in (STARTING, READY):
            row = {name: counts[commit, phase, digest] for digest, name in demo.names.items()}
            if any(row.values()):
                cells = "  ".join(f"{name} {row[name] or '-':>5}" for name in names)
                demo.tell.say(f"{commit[:12]}  {phase:<8}  {cells}   {subject}")
    demo.tell.step("The history", "git log of what the commands pushed, the newest first")
    for line in git.run(demo.state.origin, "log", "--format=%h %s", made).splitlines():
        demo.tell.say(line)
