"""Commands on an environment of the model iris, and what the remote says afterwards."""

from collections.abc import Callable

import yaml

from artifact.digest import ArtifactUri
from release.gitops import quarantine
from release.gitops.quarantine import Quarantined
from tests.release.conftest import IMAGE, Repository, Run
from tests.release.test_deploy import recorded

Publish = Callable[[int], str]
PRODUCTION = "gitops/models/iris/production"


def digest_of(uri: str) -> str:
    return ArtifactUri.parse(uri).digest


def run(repository: Repository, command: str, *more: str, env: str = "production", code: int = 0) -> Run:
    """Run a command on one environment."""
    where = () if command in ("quarantine", "unquarantine") else ("--env", env)
    done = repository.release(command, *where, *more)
    assert done.code == code, done.err or done.out
    return done


def deploy(
    repository: Repository, uri: str, *more: str, code: int = 0, image: str = IMAGE, env: str = "production"
) -> Run:
    return run(repository, "deploy", "--uri", uri, "--image", image, *more, code=code, env=env)


def listed(repository: Repository) -> tuple[Quarantined, ...]:
    return quarantine.parse(repository.shown("gitops/models/iris/quarantine.yaml"), "x")


def shares(repository: Repository, environment: str = "production") -> dict[str, int]:
    """storageUri → percent that the Route on the remote gives it; 0 for an InferenceService that it does not name."""
    text = repository.shown(f"gitops/models/iris/{environment}/release.yaml")
    documents = [one for one in yaml.safe_load_all(text) if one]
    uris = {}
    for one in documents:
        if one["kind"] == "InferenceService":
            model = one["spec"]["predictor"]["model"]
            assert model["env"][0] == {"name": "MODEL_URI", "value": model["storageUri"]}
            uris[one["metadata"]["name"] + "-predictor"] = model["storageUri"]
    found = dict.fromkeys(uris.values(), 0)
    for one in documents:
        for target in one["spec"]["traffic"] if one["kind"] == "Route" else ():
            found[uris[target["configurationName"]]] = target["percent"]
    return found


def name(repository: Repository, uri: str, environment: str = "production") -> str:
    """The name of the release of that URI."""
    return next(one.name for one in recorded(repository, environment).releases if one.uri == uri)
