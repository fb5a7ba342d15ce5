"""What Git says about an environment: read from a fresh clone of the origin, as Argo CD would."""

import shutil
from dataclasses import dataclass
from typing import Any

import yaml

from artifact.errors import GitError
from local import git
from local.knative import SUFFIX
from local.state import State

TRAILERS = (
    "Release",
    "Model-Digest",
    "Inputs-Digest",
    "Data-Digest",
    "Source-Commit",
    "Previous-Release",
    "Previous-Uri",
    "Gate-Result",
    "Release-Command",
    "Release-By",
    "Release-Reason",
    "Release-From",
    "Release-To",
)


@dataclass(frozen=True)
class ReleaseInGit:
    """The release that has the traffic of an environment at the head of main."""

    name: str

    uri: str
    image: str
    commit: str  # that named it: the last one that changed the environment's folder
    message: str

    @property
    def digest(self) -> str:
        """The artifact's: the last segment of its URI."""
        return self.uri.rstrip("/").rpartition("/")[2]

    @property
    def trailers(self) -> list[str]:
        return [line for line in self.message.splitlines() if line.startswith(TRAILERS)]


def read(state: State, model: str, environment: str) -> ReleaseInGit:
    """The release that main names now; GitError when it names none."""
    folder = state.root / "fresh-clone"
    shutil.rmtree(folder, ignore_errors=True)
    git.run(state.root, "clone", "--quiet", str(state.origin), str(folder))
    try:
        release_folder = f"gitops/models/{model}/{environment}"
        text = (folder / release_folder / "release.yaml").read_text(encoding="utf-8")
        documents: list[dict[str, Any]] = [document for document in yaml.safe_load_all(text) if document]
        releases = [
            document["spec"]["traffic"][0]["configurationName"] for document in documents if document["kind"] == "Route"
        ]
        if not releases:
            raise GitError(f"{release_folder}/release.yaml on {git.BRANCH} has no Route: nothing serves")
        name = releases[0].removesuffix(SUFFIX)
        served = next(document for document in documents if document["metadata"]["name"] == name)["spec"]["predictor"][
            "model"
        ]
        commit, message = git.run(folder, "log", "-1", "--format=%H%n%B", "--", release_folder).split("\n", 1)
        return ReleaseInGit(name, served["storageUri"], served["image"], commit, message)
    finally:
        shutil.rmtree(folder)
