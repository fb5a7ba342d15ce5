"""What the acts of the canary demo use: the platform, both environments, and what is held after each step."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from artifact.errors import ModelpinError
from local import git, storage, variant, venv
from local.clone import Clone
from local.deadlines import ANSWER_SECONDS
from local.expect import DemoFailed
from local.knative import Revision
from local.load import Load
from local.narrator import Narrator
from local.s3 import S3
from local.serving import Predictor
from local.splitter import FOLLOWING, HOLDING, Splitter, digest_of
from local.state import REPOSITORY, State
from release import settings
from release.gitops.folder import Folder

IMAGE = f"registry.example.com/modelpin/predictor@sha256:{'0' * 64}"
NAMES = {1.0: "A", 10.0: "B", 0.1: "C"}  # C of the regression → what the models are called here
ENOUGH = 50  # requests at each commit once its Route is applied


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
        return sum((splitter.counts() for splitter in (*self.gone, self.production)), Counter())


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
    commit = git.run(clone, "rev-parse", "HEAD").strip()
    demo = Canary(state, tell, Clone(state, clone, tell, s3.env), commit, cleanup)
    for environment in ("staging", "production"):
        demo.splitters[environment] = cluster(demo, environment)
    tell.say(f"production answers at {demo.production.url}, as the commits on {state.origin} say")
    return demo


def cluster(demo: Canary, environment: str) -> Splitter:
    """A cluster that follows Git from nothing."""
    folder = Folder(variant.NAME, environment)
    splitter = Splitter(demo.state.origin, folder, lambda revision: start(demo, environment, revision))
    return demo.cleanup.enter_context(splitter)


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
        output = demo.clone.python("-m", "release", "publish", "--artifact", str(artifact), "--verdict", str(verdict))
        uri = next(line for line in output if line.startswith("s3://"))
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
    text = " ".join(option if len(option) < 40 else f"…{option[-20:]}" for option in (command, *options))
    demo.tell.say(f"$ python -m release {text}")
    demo.clone.python("-m", "release", command, *options, show=True)


def wait(splitter: Splitter, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"{splitter.folder.environment} did not get there in {ANSWER_SECONDS:.0f} s: {splitter.status()}"
            )
        time.sleep(0.05)


def expect(demo: Canary, percent: Mapping[str, int]) -> None:
    """Wait for ENOUGH requests under this commit once its Route is applied, and hold the shares to one request."""
    splitter = demo.production

    def answers() -> Counter[str]:
        commit = splitter.status()[0]
        counts = splitter.counts().items()
        return Counter(
            {digest: count for (label, phase, digest), count in counts if (label, phase) == (commit, FOLLOWING)}
        )

    wait(splitter, lambda: splitter.settled() and answers().total() >= ENOUGH)
    commit, by_digest = splitter.status()[0], answers()
    for digest in {*by_digest, *percent}:
        if (
            abs(by_digest[digest] - by_digest.total() * percent.get(digest, 0) / 100) > 2
        ):  # one by rounding, one in flight
            raise DemoFailed(f"at {commit[:12]} {dict(by_digest)} answered, not {dict(percent)} percent")
    shares = ", ".join(f"{demo.names[digest]} {count}" for digest, count in by_digest.most_common())
    demo.tell.say(f"commit {commit[:12]}: of {by_digest.total()} requests {shares}")


def nothing(demo: Canary, *digests: str) -> None:
    """Hold that the models got no request under this commit."""
    commit = demo.production.status()[0]
    for digest in digests:
        counts = [demo.production.counts()[commit, phase, digest] for phase in (HOLDING, FOLLOWING)]
        if any(counts):
            raise DemoFailed(f"{demo.names[digest]} got {counts} requests at {commit[:12]}, after it was taken back")
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
