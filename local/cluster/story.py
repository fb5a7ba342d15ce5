"""The whole loop on a real cluster, act by act: push, retrain, deploy, canary, promote, roll back, rebuild, rest.

Every act asks Git, Argo CD and the model's host, and ends with DemoFailed or StorageError where one of them says
something else. It begins with what is there, so that it can be told again on the same cluster.
"""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable

from artifact import manifest
from local import variant
from local.cluster import names
from local.cluster.act import EndToEnd
from local.expect import DemoFailed

PROOF_SECONDS = "600"  # a candidate's image is there, its model has to load


def tell(e2e: EndToEnd, push: Callable[[], None]) -> None:
    """All of it. `push` changes the model and pushes, which trains and deploys to staging: another model each time."""
    first = staged(e2e, push)
    enter(e2e)
    e2e.settled("production")
    e2e.shares("production", {first: 100})
    second = staged(e2e, push)
    canary(e2e, first, second)
    back(e2e, first)
    rebuild(e2e, first)
    broken(e2e, second)
    rest(e2e, first)
    summarise(e2e)


def staged(e2e: EndToEnd, push: Callable[[], None]) -> str:
    """Push a change of the model; the digest that serves in staging afterwards."""
    e2e.tell.step("git push", "the workflow retrains, gates, publishes, commits; Argo CD applies; KServe serves")
    push()
    release = e2e.in_git("staging")
    e2e.settled("staging")
    if (digest := e2e.answer("staging")) != release.digest:
        raise DemoFailed(f"staging answers with {digest}, and Git names {release.digest}")
    e2e.tell.say(f"staging answers with {digest}")
    return digest


def enter(e2e: EndToEnd, *options: str) -> None:
    """What staging serves enters production, proved at its own host before it gets traffic."""
    e2e.tell.step("Into production", "its object, its proof at its own host, then the Route: two commits")
    gateways = ("--from-gateway", e2e.gateways["staging"], "--gateway", e2e.gateways["production"])
    e2e.release("deploy", "--env", "production", "--from", "staging", *gateways, "--wait", PROOF_SECONDS, *options)


def canary(e2e: EndToEnd, first: str, second: str) -> None:
    """Ten percent, half, all: each a commit that the cluster follows."""
    enter(e2e, "--canary", "10")
    e2e.settled("production")
    e2e.shares("production", {first: 90, second: 10})
    e2e.tell.step("Half", "one commit, of the Route alone")
    e2e.release("advance", "--env", "production", "--to", "50", "--gateway", e2e.gateways["production"])
    e2e.settled("production")
    e2e.shares("production", {first: 50, second: 50})
    e2e.tell.step("Promote", "all of the traffic")
    e2e.release("promote", "--env", "production", "--gateway", e2e.gateways["production"])
    e2e.settled("production")
    e2e.shares("production", {second: 100})


def back(e2e: EndToEnd, first: str) -> None:
    e2e.tell.step("Roll back", "one commit: the Route names the release before, which starts from zero if it has to")
    start = time.monotonic()
    gateway = e2e.gateways["production"]
    reason = "the end-to-end test takes it back"
    e2e.release("rollback", "--env", "production", "--reason", reason, "--gateway", gateway, "--wait", PROOF_SECONDS)
    e2e.settled("production")
    e2e.measured("rollback, from the command to the cluster", start)
    e2e.shares("production", {first: 100})


def rebuild(e2e: EndToEnd, first: str) -> None:
    e2e.tell.step("Rebuild", "production's namespace is removed; Argo CD brings it back from Git, nobody is asked")
    e2e.cluster.forget("production")
    start = time.monotonic()
    e2e.again("production")
    e2e.settled("production")
    e2e.measured("rebuild", start)
    e2e.shares("production", {first: 100})


def broken(e2e: EndToEnd, serving: str) -> None:
    """What does not load never serves, and the cluster's verdict says why."""
    e2e.tell.step("A model that does not load", "the predictor refuses it; Argo CD says Degraded; no caller notices")
    image = e2e.in_git("staging").image
    e2e.release("deploy", "--env", "staging", "--uri", incompatible(e2e), "--image", image)
    e2e.degraded("staging", e2e.in_git("staging").name)
    if (digest := e2e.answer("staging")) != serving:
        raise DemoFailed(f"staging answers with {digest}; before the model that does not load it was {serving}")
    e2e.tell.say(f"callers still get {serving}")
    options = ("--env", "staging", "--gateway", e2e.gateways["staging"])
    e2e.release("rollback", *options, "--reason", "it does not load", "--wait", PROOF_SECONDS)
    e2e.release("retire", *options, "--min-age", "0")
    e2e.settled("staging")


def incompatible(e2e: EndToEnd) -> str:
    """The URI of a published artifact that names a scikit-learn which no image has."""
    folder = e2e.clone.state.root / "incompatible"
    shutil.rmtree(folder, ignore_errors=True)
    # Another model each time: what was rolled back before is in quarantine.
    artifact = variant.make(folder, 1 + (time.time_ns() % 10**6) / 10**6)
    path, verdict = artifact / manifest.FILE, folder / "verdict.json"
    named = manifest.Manifest.from_bytes(path.read_bytes())
    changed = dataclasses.replace(named, libraries={**named.libraries, "scikit-learn": "0.1.0"})
    path.write_bytes(changed.to_bytes())
    verdict.write_text(json.dumps({**json.loads(verdict.read_text()), "model_digest": changed.digest}))
    words = ("--artifact", str(artifact), "--verdict", str(verdict))
    return next(line for line in e2e.clone.python("-m", "release", "publish", *words) if line.startswith("s3://"))


def rest(e2e: EndToEnd, first: str) -> None:
    e2e.tell.step("Scale to zero", "nobody asks: the pods go, Argo CD says Healthy; the next request starts one")
    for environment in names.ENVIRONMENTS:
        e2e.at_rest(environment)
    start = time.monotonic()
    if (digest := e2e.answer("production")) != first:
        raise DemoFailed(f"production answers with {digest} after it was at rest, before with {first}")
    e2e.measured("first answer from zero", start)


def summarise(e2e: EndToEnd) -> None:
    e2e.tell.step("Done", "what was measured, in seconds")
    for name, seconds in e2e.took:
        e2e.tell.say(f"{seconds:7.1f}  {name}")
