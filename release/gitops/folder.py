"""Where the files of one environment of one model stand, and what they hold at the tip of the branch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError
from release.git.branch import Tip
from release.gitops import environment, inference_service, quarantine, record
from release.gitops.environment import Environment
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.worktree import Tree

MODELS = "gitops/models"
_LONGEST_NAMESPACE = 63


@dataclass(frozen=True)
class Place:
    """`gitops/models/<model>/<environment>/`, whose namespace in the cluster is `<model>-<environment>`."""

    model: str
    environment: str

    def __post_init__(self) -> None:
        digest.model_name(self.model)
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", self.environment):
            raise ConfigurationError(
                f"{self.environment!r} cannot name an environment: use lowercase letters, digits and '-', as `staging`"
            )
        if len(self.namespace) > _LONGEST_NAMESPACE:
            raise ConfigurationError(
                f"the namespace {self.namespace!r} would have {len(self.namespace)} characters, Kubernetes takes "
                f"{_LONGEST_NAMESPACE}: choose a shorter name"
            )

    @property
    def namespace(self) -> str:
        """Namespace of the InferenceService."""
        return f"{self.model}-{self.environment}"

    @property
    def folder(self) -> str:
        """Path from the root of the repository."""
        return f"{MODELS}/{self.model}/{self.environment}"

    def read(self, tip: Tip | Tree) -> tuple[Environment, Record]:
        """What people decided, what the machine recorded; ConfigurationError without such a folder."""
        decided = tip.read(f"{self.folder}/{environment.FILE}")
        if decided is None:
            raise ConfigurationError(
                f"the branch releases are pushed to holds no {self.folder}/{environment.FILE}: create the folder with "
                f"`python -m release adopt --model {self.model}`, commit and push it"
            )
        decisions = environment.parse(decided, f"{self.folder}/{environment.FILE}")
        recorded = tip.read(f"{self.folder}/{record.FILE}")
        if recorded is None:
            return decisions, Record(self.model, self.environment)
        state = record.parse(recorded, f"{self.folder}/{record.FILE}")
        if (state.model, state.environment) != (self.model, self.environment):
            raise ConfigurationError(
                f"{self.folder}/{record.FILE} is of {state.model} in {state.environment}: restore it from Git"
            )
        return decisions, state

    def quarantined(self, tip: Tip | Tree) -> tuple[Quarantined, ...]:
        """The models that must not come back, in any environment of this model."""
        path = barrier(self.model)
        text = tip.read(path)
        return () if text is None else quarantine.parse(text, path)

    def changed(self, tip: Tip, before: Record, after: Record) -> dict[str, str]:
        """The machine-owned files, path → text, that the branch does not hold as `after` calls for.

        A record that says the same in an older format stays; release.yaml is compared as text, and so repaired.
        """
        text = inference_service.render(after)
        path = f"{self.folder}/{inference_service.FILE}"
        files = {} if tip.holds(path, text) else {path: text}
        if before != after:
            files[f"{self.folder}/{record.FILE}"] = record.render(after)
        return files


def barrier(model: str) -> str:
    """Path of the quarantine of `model`."""
    return f"{MODELS}/{digest.model_name(model)}/{quarantine.FILE}"
