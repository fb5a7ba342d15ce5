"""A canary on one machine: real predictors, the load split by the Route that Git holds, every step one commit.

`make demo-canary` runs this in .local/canary/. The cluster is played (local/splitter.py), by Knative's rules; S3, the
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
from local.knative import Revision
from local.load import Load
from local.narrator import Narrator
from local.s3 import S3
from local.serving import Predictor
from local.splitter import FOLLOWING, HOLDING, Splitter, digest_of
from local.state import DEFAULT, REPOSITORY, State
from release import settings
from release.gitops.folder import Folder

IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'0' * 64}"
NAMES = {1.0: "A", 10.0: "B", 0.1: "C"}  # C of the regression → what the models are called here
ENOUGH = 50  # requests at each commit once its Route is applied
PATIENCE = 120.0  # seconds for a release to become ready


@dataclass
class Canary:
    """What the steps share."""

    state: State
    tell: Narrator
    clone: Clone
    begun: str  # the commit of this checkout
    cleanup: ExitStack
    uris: list[str] = field(default_factory=list)  # of A, B and C
    names: dict[str, str] = field(default_factory=dict)  # digest → A, B or C
    splitters: dict[str, Splitter] = field(default_factory=dict)  # by environment
    gone: list[Splitter] = field(default_factory=list)  # clusters that production had before
    errors: list[str] = field(default_factory=list)  # requests that were not answered with 200

    @property
    def staging(self) -> Splitter:
        return self.splitters["staging"]

    @property
    def production(self) -> Splitter:
        return self.splitters["production"]

    @property
    def enter(self) -> tuple[str, ...]:
        """A deploy of what staging serves, and where both environments answer."""
        return ("deploy", "--from", "staging", "--from-gateway", self.staging.url, "--gateway", self.production.url)

    def counts(self) -> Counter[tuple[str, str, str]]:
        """What production answered, whichever cluster it was: by commit, phase and digest."""
        return sum((one.counts() for one in (*self.gone, self.production)), Counter())


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
    begun = git.run(clone, "rev-parse", "HEAD").strip()
    demo = Canary(state, tell, Clone(state, clone, tell, s3.env), begun, cleanup)
    for environment in ("staging", "production"):
        demo.splitters[environment] = cluster(demo, environment)
    tell.say(f"production answers at {demo.production.url}, as the commits on {state.origin} say")
    return demo


def cluster(demo: Canary, environment: str) -> Splitter:
    """A cluster that follows Git from nothing."""
    folder = Folder(variant.NAME, environment)
    made = Splitter(demo.state.origin, folder, lambda one: start(demo, environment, one))
    return demo.cleanup.enter_context(made)


def start(demo: Canary, environment: str, revision: Revision) -> Predictor:
    """What a pod of the revision does: the storage initializer, then the predictor."""
    folder = demo.state.root / "models" / digest_of(revision.uri)
    if not folder.exists():  # each pod fetches for itself; here a model that is there saves a second
        storage.download(revision.uri, folder, demo.clone.env, demo.tell.note)
    log = demo.state.root / "revisions" / f"{environment}-{revision.name}-{len(demo.gone)}.log"
    code, env = demo.clone.folder, demo.clone.env
    return Predictor(variant.NAME, revision.uri, revision.release, folder, code=code, env=env, log=log)


def under_load(demo: Canary, steps: Callable[[], object]) -> None:
    """Run `steps` while somebody asks production's Route without a pause."""
    with Load(f"{demo.production.url}/v1/models/{variant.NAME}:predict") as load:
        steps()
    demo.errors += load.failed


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
        digests.append(digest_of(uri))
        demo.names[digests[-1]] = name
        demo.tell.say(f"{name}  {uri}")
    return digests


def stage(demo: Canary, digest: str) -> None:
    """Deploy to staging, which asks for no proof, and wait until that digest answers there."""
    uri = next(line for line in demo.uris if digest in line)
    run(demo, "deploy", "--env", "staging", "--uri", uri, "--image", IMAGE)
    wait(demo.staging, lambda: demo.staging.settled() and demo.staging.status()[1] == {digest: 100})
    demo.tell.say(f"staging answers with {demo.names[digest]}")


def step(demo: Canary, command: str, *options: str) -> None:
    """One command for production."""
    run(demo, command, "--env", "production", *options)


def run(demo: Canary, command: str, *options: str) -> None:
    shown = " ".join(option if len(option) < 40 else f"…{option[-20:]}" for option in (command, *options))
    demo.tell.say(f"$ python -m release {shown}")
    demo.clone.python("-m", "release", command, *options, show=True)


def wait(splitter: Splitter, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"{splitter.folder.environment} did not get there in {PATIENCE:.0f} s: {splitter.status()}"
            )
        time.sleep(0.05)


def expect(demo: Canary, percent: Mapping[str, int]) -> None:
    """Wait for ENOUGH requests under this commit once its Route is applied, and hold the shares to one request."""
    splitter = demo.production

    def found() -> Counter[str]:
        commit = splitter.status()[0]
        counted = splitter.counts().items()
        return Counter(
            {digest: count for (one, phase, digest), count in counted if (one, phase) == (commit, FOLLOWING)}
        )

    wait(splitter, lambda: splitter.settled() and found().total() >= ENOUGH)
    commit, counted = splitter.status()[0], found()
    for digest in {*counted, *percent}:
        if abs(counted[digest] - counted.total() * percent.get(digest, 0) / 100) > 2:  # one by rounding, one in flight
            raise DemoFailed(f"at {commit[:12]} {dict(counted)} answered, not {dict(percent)} percent")
    shares = ", ".join(f"{demo.names[digest]} {count}" for digest, count in counted.most_common())
    demo.tell.say(f"commit {commit[:12]}: of {counted.total()} requests {shares}")


def nothing(demo: Canary, *digests: str) -> None:
    """Hold that the models got no request under this commit."""
    commit = demo.production.status()[0]
    for digest in digests:
        got = [demo.production.counts()[commit, phase, digest] for phase in (HOLDING, FOLLOWING)]
        if any(got):
            raise DemoFailed(f"{demo.names[digest]} got {got} requests at {commit[:12]}, after it was taken back")
        demo.tell.say(f"{demo.names[digest]}: 0 requests since this commit")


def refused(demo: Canary, digest: str) -> None:
    demo.tell.step("C again", "what was taken back is in quarantine: nothing brings it back, and the reason is said")
    uri = next(line for line in demo.uris if digest in line)
    try:
        run(demo, "deploy", "--env", "production", "--uri", uri, "--image", IMAGE)
    except ModelpinError:
        demo.tell.say("refused")
    else:
        raise DemoFailed(f"{digest} was rolled back, and was deployed again")


def summarise(demo: Canary) -> None:
    demo.tell.step(
        "What production answered", "requests by model at each commit: before its Route was applied, and after"
    )
    made = f"{demo.begun}..{git.BRANCH}"
    folder, names = demo.production.folder.path, sorted(demo.names.values())
    counts = demo.counts()
    for line in git.run(demo.state.origin, "log", "--reverse", "--format=%H %s", made, "--", folder).splitlines():
        commit, _, subject = line.partition(" ")
        for phase in (HOLDING, FOLLOWING):
            row = {name: counts[commit, phase, digest] for digest, name in demo.names.items()}
            if any(row.values()):
                cells = "  ".join(f"{name} {row[name] or '-':>5}" for name in names)
                demo.tell.say(f"{commit[:12]}  {phase:<9}  {cells}   {subject}")
    demo.tell.say(f"errors {len(demo.errors)}")
    demo.tell.step("The history", "git log of what was pushed, the newest first")
    for line in git.run(demo.state.origin, "log", "--format=%h %s", made).splitlines():
        demo.tell.say(line)
