"""Knative's Routes and Configurations of one namespace, as far as traffic depends on them, without a cluster.

After knative/serving 1.21: pkg/reconciler/route/traffic (a Configuration gives its latest ready revision; one target
without such a revision and nothing of the Route is applied, so that it keeps its last assignment) and
pkg/reconciler/configuration (a change of the template makes a revision; the latest ready one stays until it is ready).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SUFFIX = "-predictor"  # KServe's, of the Configuration of an InferenceService


@dataclass(frozen=True)
class Revision:
    """The `number`-th of the InferenceService `release`, of one spec."""

    release: str
    number: int
    uri: str
    image: str

    @property
    def name(self) -> str:
        return f"{self.release}{SUFFIX}-{self.number:05d}"


@dataclass(frozen=True)
class Target:
    """A part of a Route: percent of the requests for the Configuration, and its tag."""

    configuration: str
    percent: int
    tag: str


@dataclass
class _Configuration:
    spec: Mapping[str, Any]
    created: Revision
    ready: Revision | None = None  # the latest that is


@dataclass
class Knative:
    """What one namespace holds. Nothing is started here: `started` and `failed` say how that went."""

    targets: list[Target] = field(default_factory=list)  # what the Route's spec says; empty: there is no Route
    assigned: list[tuple[Target, Revision]] = field(default_factory=list)  # what the gateway does
    _configurations: dict[str, _Configuration] = field(default_factory=dict)

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> list[Revision]:
        """Apply a commit: the Route first, then the InferenceServices, then prune; the revisions to start."""
        documents = list(manifests)
        routes = [document for document in documents if document["kind"] == "Route"]
        self.route(routes[0] if routes else None)
        services = [document for document in documents if document["kind"] == "InferenceService"]
        new = [revision for service in services if (revision := self.service(service)) is not None]
        self.prune({f"{service['metadata']['name']}{SUFFIX}" for service in services})
        return new

    def route(self, manifest: Mapping[str, Any] | None) -> None:
        """Apply the Route, or its absence."""
        traffic = [] if manifest is None else manifest["spec"]["traffic"]
        self.targets = [Target(target["configurationName"], target["percent"], target["tag"]) for target in traffic]
        self._reconcile()

    def service(self, manifest: Mapping[str, Any]) -> Revision | None:
        """Apply an InferenceService; the revision that has to be started, when its spec is new."""
        name, model = manifest["metadata"]["name"], manifest["spec"]["predictor"]["model"]
        before = self._configurations.get(f"{name}{SUFFIX}")
        if before is not None and before.spec == manifest:
            return None
        number = before.created.number + 1 if before else 1
        revision = Revision(name, number, model["storageUri"], model["image"])
        ready = before.ready if before else None
        self._configurations[f"{name}{SUFFIX}"] = _Configuration(manifest, revision, ready)
        self._reconcile()
        return revision

    def prune(self, names: set[str]) -> None:
        """Remove the Configurations that are not `names`; the gateway may go on sending requests to their pods."""
        self._configurations = {
            name: configuration for name, configuration in self._configurations.items() if name in names
        }
        self._reconcile()

    def started(self, revision: Revision) -> None:
        """The revision answers."""
        self._set(revision, revision)

    def failed(self, revision: Revision) -> None:
        """It does not start, or crashed when it started again from zero: it is not ready."""
        configuration = self._configurations.get(f"{revision.release}{SUFFIX}")
        if configuration is not None and configuration.ready in (None, revision):
            self._set(revision, None)

    def traffic(self) -> dict[Revision | None, int]:
        """Percent of the requests by the revision that answers; None: nobody does (404, or a pod that is gone)."""
        if not self.assigned:
            return {None: 100}
        shares: dict[Revision | None, int] = {}
        for target, revision in self.assigned:
            answers = revision if target.configuration in self._configurations else None
            shares[answers] = shares.get(answers, 0) + target.percent
        return shares

    def ready(self, release: str) -> Revision | None:
        """The latest ready revision of `release`, which its own host answers with."""
        configuration = self._configurations.get(f"{release}{SUFFIX}")
        return None if configuration is None else configuration.ready

    def follows(self) -> bool:
        """Whether the gateway does what the Route's spec says."""
        return [target for target, _ in self.assigned] == self.targets

    def _set(self, revision: Revision, ready: Revision | None) -> None:
        configuration = self._configurations.get(f"{revision.release}{SUFFIX}")
        if configuration is not None:
            configuration.ready = ready
            self._reconcile()

    def _reconcile(self) -> None:
        if not self.targets:
            self.assigned = []
            return
        configurations = [self._configurations.get(target.configuration) for target in self.targets]
        ready = [configuration.ready if configuration else None for configuration in configurations]
        if all(ready):
            self.assigned = [
                (target, revision) for target, revision in zip(self.targets, ready, strict=True) if revision
            ]
