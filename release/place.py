"""Where the files of one environment of one model stand, and what they hold at the tip of the branch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError
from release import environment, projection, record
from release.environment import Environment
from release.record import Record
from release.remote import Tip
from release.tree import Tree

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

    def render(self, state: Record) -> dict[str, str]:
        """The two machine-owned files: path → text."""
        return {
            f"{self.folder}/{record.FILE}": record.render(state),
            f"{self.folder}/{projection.FILE}": projection.render(state),
        }

    def changed(self, tip: Tip, state: Record) -> dict[str, str]:
        """Those of the two files that the branch does not hold as `state` renders them."""
        return {path: text for path, text in self.render(state).items() if not tip.holds(path, text)}
