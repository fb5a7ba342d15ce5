"""The repository that the cluster follows: this checkout's last commit, with the settings of this cluster."""

import json
from pathlib import Path

from artifact.errors import ModelpinError
from local import git
from local.clone import Clone
from local.cluster import names
from local.cluster.doorway import Ports
from local.demo_clone import DATA, copy
from local.narrator import Narrator
from local.state import State

# Inside a cluster callers ask for these hosts, and nothing has to be exposed.
DOMAIN = "svc.cluster.local"
IMAGES = "images.json"  # tag of an image → digest by which the node has it; local/image_stand_in.py reads it
_COMPONENTS = "components:\n  - ../../../base\n"
# Nothing here assumes the role in AWS: the storage initializer takes the keys of the embedded S3 from a Secret. And a
# laptop has fewer cores than a cluster.
_PATCHES = f"""patches:
  - target: {{kind: ServiceAccount, name: predictor}}
    patch: |-
      - {{op: add, path: /secrets, value: [{{name: {names.S3_SECRET}}}]}}
  - target: {{kind: InferenceService}}
    patch: |-
      - {{op: replace, path: /spec/predictor/model/resources/requests/cpu, value: 100m}}
"""


def folder(state: State) -> Path:
    return state.root / "clone"


def take(state: State, tell: Narrator) -> Clone:
    """The clone, made at the first call; its commands get the platform's S3, MLflow and origin."""
    there = folder(state)
    if not (there / ".git").exists():
        copy(there, tell)
        git.run(there, "remote", "add", "origin", str(state.origin))
    description = state.describe()
    return Clone(state, there, tell, {**description["s3"], **description["variables"]})


def settle(clone: Clone, host: str, ports: Ports) -> None:
    """Give the clone the settings of this cluster, in one commit; what it has already stays."""
    url = f"http://{host}:{ports.git}/{clone.state.origin.name}"
    clone.python("-m", "release", "configure", "--gitops-url", url, "--domain", DOMAIN)
    for environment in names.ENVIRONMENTS:
        path = f"gitops/models/{names.MODEL}/{environment}/kustomization.yaml"
        if _PATCHES not in (clone.folder / path).read_text(encoding="utf-8"):
            clone.replace(path, _COMPONENTS, _COMPONENTS + _PATCHES)
    if clone.git("status", "--porcelain"):
        clone.git("commit", "--quiet", "--all", "--message", "Settings of the cluster on this machine")


def fill_remote(clone: Clone) -> None:
    """Put the example's raw data where the workflow pulls it from, as a person does once."""
    clone.python("-m", "local.example", DATA)
    clone.python("-m", "dvc", "add", "--quiet", DATA)
    if clone.git("status", "--porcelain", DATA + ".dvc"):
        raise ModelpinError(f"{DATA} from scikit-learn is not what {DATA}.dvc names: see `git diff` in {clone.folder}")
    clone.python("-m", "dvc", "push")


def image_tag(clone: Clone) -> str:
    """The tag that image.yml pushes the image of the clone's commit under."""
    lines = clone.run(["make", "--silent", "image-tag"], "make image-tag")
    return next(line for line in lines if line.startswith("inputs-"))


def name_image(state: State, tag: str, digest: str) -> None:
    """Let the workflow's image job, which builds nothing on the embedded platform, answer with what the node has."""
    file = state.root / IMAGES
    digests = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**digests, tag: digest}) + "\n")
