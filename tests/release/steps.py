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
    location = () if command in ("quarantine", "unquarantine") else ("--env", env)
    done = repository.release(command, *location, *more)
    assert done.code == code, done.err or done.out
    return done


def deploy(
    repository: Repository, uri: str, *more: str, code: int = 0, image: str = IMAGE, env: str = "production"
) -> Run:
    return run(repository, "deploy", "--uri", uri, "--image", image, *more, code=code, env=env)


def listed(repository: Repository) -> tuple[Quarantined, ...]:
    return quarantine.parse(repository.text_of("gitops/models/iris/quarantine.yaml"), "x")


def shares(repository: Repository, environment: str = "production") -> dict[str, int]:
    """storageUri → percent that the Route on the remote gives it; 0 for an InferenceService that it does not name."""
    text = repository.text_of(f"gitops/models/iris/{environment}/release.yaml")
    documents = [document for document in yaml.safe_load_all(text) if document]
    uris = {}
    for item in documents:
        if item["kind"] == "InferenceService":
            model = item["spec"]["predictor"]["model"]
            assert model["env"][0] == {"name": "MODEL_URI", "value": model["storageUri"]}
            uris[item["metadata"]["name"] + "-predictor"] = model["storageUri"]
    result = dict.fromkeys(uris.values(), 0)
    for item in documents:
        for target in item["spec"]["traffic"] if item["kind"] == "Route" else ():
            result[uris[target["configurationName"]]] = target["percent"]
    return result


def name(repository: Repository, uri: str, environment: str = "production") -> str:
    """The name of the release of that URI."""
    return next(release.name for release in recorded(repository, environment).releases if release.uri == uri)
