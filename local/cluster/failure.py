"""What is kept of a cluster on which something failed: objects, events, and the logs of everything that ran."""

from artifact.errors import StorageError
from local.cluster import command, names
from local.narrator import Narrator
from local.state import State

# File → what is asked of the cluster.
LOOKS = {
    "pods.txt": "get pods --all-namespaces --output wide",
    "events.txt": "get events --all-namespaces --sort-by .lastTimestamp",
    "nodes.txt": "describe nodes",
    "applications.yaml": "--namespace argocd get applications.argoproj.io,applicationsets.argoproj.io --output yaml",
    "models.yaml": "get inferenceservices.serving.kserve.io,servingruntimes.serving.kserve.io,"
    "routes.serving.knative.dev,configurations.serving.knative.dev,revisions.serving.knative.dev "
    "--all-namespaces --output yaml",
    "knative.yaml": "--namespace knative-serving get knativeservings.operator.knative.dev --output yaml",
}
_SECONDS = 120.0


def collect(state: State, tell: Narrator) -> None:
    """Writes `failure/` in the folder of `state`; where the cluster does not answer, that stands in the file."""
    folder = state.root / "failure"
    folder.mkdir(parents=True, exist_ok=True)
    env = names.environment(state)
    commands = {name: ("kubectl", *words.split()) for name, words in LOOKS.items()}
    commands["kind.txt"] = ("kind", "export", "logs", str(folder / "logs"), "--name", names.NAME)
    for name, words in commands.items():
        try:
            text = command.output(*words, env=env, seconds=_SECONDS)
        except StorageError as error:
            text = f"{error}\n"
        (folder / name).write_text(text, encoding="utf-8")
    tell.say(f"what the cluster says of it is in {folder}")
