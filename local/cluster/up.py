"""`make cluster`: from nothing to a model that answers on kind. Each step looks at what is there: it can run again."""

import os
from typing import Any

from local import expect, git, process, runner
from local.clone import Clone
from local.cluster import act, doorway, names, pages, repository, waiting
from local.cluster.act import EndToEnd
from local.cluster.kubectl import Gateway, Kubectl, Refresher, namespace
from local.cluster.node import Node
from local.expect import DemoFailed
from local.narrator import Narrator
from local.state import REPOSITORY, State
from local.supervisor import Supervisor
from release import settings
from release.gitops.folder import Folder
from release.gitops.release_file import FILE

TRAIN = ".github/workflows/train.yml"
TAG = "modelpin/predictor:local"  # what `make image` calls it
_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}  # as gitops/argocd labels a namespace


def up(state: State, tell: Narrator) -> None:
    """Returns when staging answers; ModelpinError at the first step that does not do what it should."""
    node, kubectl = Node(state), Kubectl(state)
    tell.step("A cluster", "one node, as a container; its kubeconfig is this cluster's own")
    node.create()
    install(state, tell)
    host, ports = start_platform(state, node, tell)
    clone = prepare(state, tell, host, ports)
    give_image(node, clone, tell)
    for environment in names.ENVIRONMENTS:
        give_keys(kubectl, state, environment, f"{host}:{ports.s3}")
    hand_over(clone, kubectl, tell)
    with Gateway(state) as gateway, Refresher(kubectl):
        e2e = EndToEnd(tell, clone, kubectl, dict.fromkeys(names.ENVIRONMENTS, gateway.url), lambda _: None)
        e2e.settled("staging")
        tell.say(f"staging answers with {e2e.answer('staging')}")
    tell.say(f"for kubectl: export KUBECONFIG={names.kubeconfig(state)}")
    tell.say("`make e2e` tells the whole loop on it, `make cluster-down` removes it")


def install(state: State, tell: Narrator) -> None:
    """The blocks of docs/to-your-cluster, as they stand there."""
    tell.step("What serves and what deploys", "the blocks of docs/to-your-cluster, with the versions of versions.env")
    for block in pages.blocks():
        tell.say(block.title)
        shell = f"set -euo pipefail\n{block.shell}"
        code, lines = process.run(
            block.title, ["bash", "-c", shell], tell.note, env=names.environment(state), cwd=REPOSITORY
        )
        if code:
            raise DemoFailed(f"{block.title} ended with exit code {code}: {lines[-1] if lines else 'it said nothing'}")


def start_platform(state: State, node: Node, tell: Narrator) -> tuple[str, doorway.Ports]:
    """S3, MLflow and the Git origin on this machine, and where pods reach the first and the last."""
    tell.step("The platform", "S3, MLflow and a Git origin that runs workflows, on this machine; a doorway for pods")
    if not state.is_up():
        with Supervisor(state, tell.say) as supervisor:
            supervisor.keep()
    address, listening = node.host_addresses()
    ports = doorway.start(state, listening)
    tell.say(f"pods reach Git at {address}:{ports.git}, S3 at {address}:{ports.s3}")
    return address, ports


def prepare(state: State, tell: Narrator, host: str, ports: doorway.Ports) -> Clone:
    tell.step("A clone", "this checkout's last commit, with the settings of this cluster, and the data in S3")
    clone = repository.take(state, tell)
    repository.settle(clone, host, ports)
    repository.fill_remote(clone)
    return clone


def give_image(node: Node, clone: Clone, tell: Narrator) -> None:
    """Build the predictor's image of the clone's commit and load it into the node."""
    tell.step("The predictor's image", "built here and loaded into the node: no registry")
    tag = repository.image_tag(clone)
    # An image without a list of attestations is one manifest, which every containerd imports.
    clone.env.update({name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", "BUILDKIT_"))})
    clone.env["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
    clone.run(["make", "image"], "make image")
    digest = node.load(TAG, settings.read(clone.folder).registry)
    repository.name_image(clone.state, tag, digest)
    tell.say(f"{tag} is {digest}")


def give_keys(kubectl: Kubectl, state: State, environment: str, endpoint: str) -> None:
    """The namespace of an environment, with the embedded S3's keys in a Secret that KServe's initializer reads."""
    kubectl.apply(*keys(state.describe()["s3"], environment, endpoint))


def keys(s3: dict[str, str], environment: str, endpoint: str) -> list[dict[str, Any]]:
    """The objects of `give_keys`: `endpoint` is host:port, without TLS."""
    annotations = {"serving.kserve.io/s3-endpoint": endpoint, "serving.kserve.io/s3-usehttps": "0"}
    annotations["serving.kserve.io/s3-region"] = s3["AWS_REGION"]
    metadata = {"name": names.S3_SECRET, "namespace": namespace(environment), "annotations": annotations}
    data = {name: s3[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(environment), "labels": _RESTRICTED}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data},
    ]


def hand_over(clone: Clone, kubectl: Kubectl, tell: Narrator) -> None:
    """Push, which trains and deploys to staging, and tell Argo CD what to follow."""
    tell.step("git push", "the workflow trains, gates, publishes, commits; then Argo CD follows gitops/")
    train(clone, tell)
    folder = str(clone.folder / "gitops/argocd")
    kubectl.run("apply", "--server-side", "--field-manager=modelpin", "-k", folder, seconds=120)

    def look() -> str:
        return "" if len(applications(kubectl)) == len(names.ENVIRONMENTS) else "its ApplicationSet has made none yet"

    waiting.until(tell, "Argo CD has an Application an environment", look, seconds=act.SYNC_SECONDS)


def train(clone: Clone, tell: Narrator) -> None:
    """Until Git names a release of staging: by the push, or by hand where a push before did not get there."""
    if clone.git("ls-remote", "origin", git.BRANCH).strip():
        clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
    if not clone.git("branch", "--remotes", "--contains", "HEAD").strip():
        expect.success(clone.push_head())
    path = f"{Folder(names.MODEL, 'staging').path}/{FILE}"
    if "kind: Route" not in (git.show(clone.state.origin, git.BRANCH, path) or "").replace('"', ""):
        head = git.run(clone.state.origin, "rev-parse", git.BRANCH).strip()
        push = runner.Push(f"refs/heads/{git.BRANCH}", head, head)
        if not runner.run(clone.state, TRAIN, push, tell.say, runner.Event("workflow_dispatch")):
            raise DemoFailed(f"{TRAIN} failed: the log above says why")


def applications(kubectl: Kubectl) -> list[dict[str, Any]]:
    return list(kubectl.get("--namespace", "argocd", "applications.argoproj.io").get("items", []))
