"""What the cluster has, and what Argo CD says of it, by kubectl; and one address at which its gateway answers."""

import json
import threading
from dataclasses import dataclass
from typing import Any, Self

from artifact.errors import StorageError
from local import ports
from local.cluster import command, names
from local.process import Process
from local.state import State

_REFRESH_EVERY = 10.0  # seconds between two looks of Argo CD at Git; by itself it looks every two or three minutes
_FORWARD_SECONDS = 60.0
_SERVING = "serving.knative.dev"
_TRAFFIC = ("configurationName", "percent", "tag")


@dataclass(frozen=True)
class Verdict:
    """What Argo CD says of an Application."""

    sync: str  # Synced, OutOfSync, Unknown
    health: str  # Healthy, Progressing, Degraded, Suspended, Missing

    def __str__(self) -> str:
        return f"{self.sync}, {self.health}"


class Kubectl:
    """The cluster of `state`. StorageError when it does not answer."""

    def __init__(self, state: State) -> None:
        self._env = names.environment(state)

    def run(self, *words: str, text: str | None = None, seconds: float = 60.0) -> str:
        """What `kubectl …` prints; `text` is its standard input."""
        return command.output("kubectl", *words, env=self._env, text=text, seconds=seconds)

    def get(self, *words: str) -> dict[str, Any]:
        """One object, or the list of them; an empty one when there is none."""
        text = self.run("get", *words, "--ignore-not-found", "--output", "json")
        return dict(json.loads(text)) if text.strip() else {}

    def apply(self, *objects: dict[str, Any]) -> None:
        """Bring objects to what is given here, those that are there too."""
        text = "\n".join(map(json.dumps, objects))  # a List would be checked by kubectl itself, not by the server
        self.run("apply", "--server-side", "--force-conflicts", "--filename", "-", text=text)

    def verdict(self, environment: str) -> Verdict:
        """Of the Application of the example in `environment`."""
        status = self.get("--namespace", "argocd", "application.argoproj.io", f"{names.MODEL}-{environment}").get(
            "status", {}
        )
        sync, health = status.get("sync", {}), status.get("health", {})
        return Verdict(sync.get("status", "Unknown"), health.get("status", "Missing"))

    def refresh(self) -> None:
        """Let Argo CD look at Git now."""
        self.run("--namespace", "argocd", "annotate", "applications.argoproj.io", "--all", "--overwrite",
                 "argocd.argoproj.io/refresh=normal")  # fmt: skip

    def traffic(self, environment: str) -> list[dict[str, Any]]:
        """What the Route sends where, once it is ready to: none while it is not, or not there."""
        route = self.get("--namespace", namespace(environment), f"route.{_SERVING}", names.MODEL)
        status = route.get("status", {})
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in status.get("conditions", [])
        )
        if not ready or status.get("observedGeneration") != route["metadata"]["generation"]:
            return []
        return [traffic_of(target) for target in route["spec"]["traffic"]]

    def pods(self, environment: str) -> int:
        """Pods of models, those that are ending too."""
        listed = self.get("--namespace", namespace(environment), "pods", "--selector", f"{_SERVING}/service")
        return len(listed.get("items", []))

    def failure(self, environment: str, release: str) -> str:
        """What KServe passes on of why the model of a release did not load; empty without such a thing."""
        status = self.get("--namespace", namespace(environment), "inferenceservice.serving.kserve.io", release).get(
            "status", {}
        )
        return str(status.get("modelStatus", {}).get("lastFailureInfo", {}).get("message", ""))

    def forget(self, environment: str) -> None:
        """Remove the namespace with all that serves in it; Argo CD, which follows Git, brings it back."""
        self.run("delete", "namespace", namespace(environment), "--ignore-not-found", seconds=300)


class Refresher:
    """Lets Argo CD look at Git every few seconds, from `with` on."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def _go(self) -> None:
        while not self._ended.wait(_REFRESH_EVERY):
            try:
                self._kubectl.refresh()
            except StorageError:  # a busy API server; the next look comes soon
                continue

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Gateway:
    """Kourier's address inside the cluster, at a port of this machine, from `with` on."""

    def __init__(self, state: State) -> None:
        (self._port,) = ports.free(1)
        words = ["kubectl", "--namespace", "knative-serving", "port-forward", "service/kourier-internal"]
        env, log = names.environment(state), state.root / "port-forward.log"
        self._process = Process("kubectl port-forward", [*words, f"{self._port}:80"], env=env, log=log)

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        self._process.wait_until(lambda: not ports.is_free(self._port), seconds=_FORWARD_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def namespace(environment: str) -> str:
    return f"{names.MODEL}-{environment}"


def traffic_of(target: dict[str, Any]) -> dict[str, Any]:
    """What a target of a Route says of where it leads, and nothing that the cluster added."""
    return {key: target[key] for key in _TRAFFIC if key in target}
