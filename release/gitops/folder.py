"""Where the files of one environment of one model stand, and what they hold at the tip of the branch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError
from release.git.tip import Tip
from release.gitops import environment, quarantine, record, release_file, spec_digest
from release.gitops.environment import Environment
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree

MODELS = "gitops/models"
SHARED = ("gitops/base", "gitops/components", "gitops/settings")
_LONGEST_NAME = 63  # of a namespace, and of a host's first label
# `<model>-<8 digits>-predictor` is the first label of a release's host.
LONGEST_MODEL = _LONGEST_NAME - len("-12345678-predictor")


@dataclass(frozen=True)
class Folder:
    """`gitops/models/<model>/<environment>/`, whose namespace in the cluster is `<model>-<environment>`."""

    model: str
    environment: str

    def __post_init__(self) -> None:
        digest.model_name(self.model)
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", self.environment):
            raise ConfigurationError(
                f"{self.environment!r} cannot name an environment: use lowercase letters, digits and '-', as `staging`"
            )
        for kind, text, longest in (
            ("the model", self.model, LONGEST_MODEL),
            ("the namespace", self.namespace, _LONGEST_NAME),
        ):
            if len(text) > longest:
                raise ConfigurationError(
                    f"{kind} {text!r} would have {len(text)} characters, the names in the cluster take {longest}: "
                    "choose a shorter name"
                )

    def require_one_label(self) -> None:
        """ConfigurationError where a host that joins name and namespace has too long a first label."""
        label = f"{self.model}-12345678-predictor-{self.namespace}"
        if len(label) > _LONGEST_NAME:
            raise ConfigurationError(
                f"a host like {label} has {len(label)} characters in its first label, a name in DNS takes "
                f"{_LONGEST_NAME}: choose a shorter name for the model, or host-form name.namespace"
            )

    @property
    def namespace(self) -> str:
        """Namespace of its InferenceServices and its Route."""
        return f"{self.model}-{self.environment}"

    @property
    def path(self) -> str:
        """From the root of the repository."""
        return f"{MODELS}/{self.model}/{self.environment}"

    def read(self, tip: Tip | Worktree) -> tuple[Environment, Record]:
        """What people decided, what the machine recorded; ConfigurationError without such a folder."""
        tip = tip.of(self.environment)
        tip.load(*SHARED, f"{MODELS}/{self.model}")
        decided = tip.read(f"{self.path}/{environment.FILE}")
        if decided is None:
            raise ConfigurationError(
                f"the branch releases are pushed to holds no {self.path}/{environment.FILE}: create the folder with "
                f"`python -m release adopt --model {self.model}`, commit and push it"
            )
        decisions = environment.parse(decided, f"{self.path}/{environment.FILE}")
        recorded = tip.read(f"{self.path}/{record.FILE}")
        if recorded is None:
            return decisions, Record(self.model, self.environment)
        state = record.parse(recorded, f"{self.path}/{record.FILE}")
        if (state.model, state.environment) != (self.model, self.environment):
            raise ConfigurationError(
                f"{self.path}/{record.FILE} is of {state.model} in {state.environment}: restore it from Git"
            )
        return decisions, state

    def quarantined(self, tip: Tip | Worktree) -> tuple[Quarantined, ...]:
        """The models that must not come back, in any environment of this model: what any branch says counts."""
        listed = [entry for branch in tip.all() for entry in entries(branch, self.model)]
        return tuple({entry.model_digest: entry for entry in listed}.values())

    def spec_digest(self, tip: Tip | Worktree, release: Release) -> str:
        """The digest of what `release` is rendered from here; a proof holds as long as it stays the same."""
        return spec_digest.of(tip.of(self.environment), self.path, self.environment, release)

    def proved(self, tip: Tip | Worktree, release: Release) -> bool:
        """Whether `release` was proved as it would be rendered now."""
        return release.proof is not None and release.proof.spec == self.spec_digest(tip, release)

    def changed(self, tip: Tip, before: Record, after: Record) -> dict[str, str]:
        """The machine-owned files, path → text, that the branch does not hold as `after` calls for.

        A record that says the same in an older format stays; release.yaml is compared as text, and so repaired.
        """
        tip = tip.of(self.environment)
        text = release_file.render(after)
        path = f"{self.path}/{release_file.FILE}"
        files = {} if tip.holds(path, text) else {path: text}
        if before != after:
            files[f"{self.path}/{record.FILE}"] = record.render(after)
        return files


def all_of(tip: Tip | Worktree, model: str | None = None) -> list[Folder]:
    """The folder of each environment of each model (of `model` only, when given), by name."""
    listed = [folder for branch in tip.all() for folder in _folders(branch, model)]
    return sorted(listed, key=lambda folder: (folder.model, folder.environment))


def _folders(tip: Tip | Worktree, model: str | None) -> list[Folder]:
    """The folders of the environments that this branch holds: what else is there belongs to another branch."""
    tip.load(*SHARED, MODELS if model is None else f"{MODELS}/{model}")
    return [
        Folder(name, there)
        for name in tip.folders(MODELS)
        if model in (None, name)
        for there in tip.folders(f"{MODELS}/{name}")
        if tip.of(there) is tip and tip.read(f"{MODELS}/{name}/{there}/{environment.FILE}") is not None
    ]


def entries(tip: Tip | Worktree, model: str) -> tuple[Quarantined, ...]:
    """What the quarantine of `model` on this branch alone says."""
    path = quarantine_file(model)
    text = tip.read(path)
    return () if text is None else quarantine.parse(text, path)


def quarantine_file(model: str) -> str:
    """Path of the quarantine of `model`."""
    return f"{MODELS}/{digest.model_name(model)}/{quarantine.FILE}"
