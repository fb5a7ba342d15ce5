"""Everything that the pages show of Git: each environment with its history, each release, each quarantined model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring.retraining import Trigger
from release import state
from release.aws.policies import INFERENCE
from release.checkout import Checkout
from release.commands import status
from release.commands.status import Status
from release.git.branch import opened, tip
from release.git.tip import Tip
from release.gitops import retraining
from release.gitops.folder import MODELS, Folder
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree
from release.page import history
from release.page.history import Share, Step


@dataclass(frozen=True)
class EnvironmentData:
    """One environment of one model, as its branch holds it.

    `alarms`: what asked for a training of what serves here, or served, and was followed; the newest first.
    `log`: the folder in S3 that its requests are logged to, where they are.
    """

    status: Status
    folder: Folder
    shares: tuple[Share, ...]
    steps: tuple[Step, ...]
    alarms: tuple[Trigger, ...]
    log: str

    @property
    def record(self) -> Record:
        """Its state."""
        return self.status.record

    @property
    def state(self) -> str:
        """In one word, as `release status` has it."""
        return state.of(self.record)

    @property
    def shadows(self) -> tuple[Step, ...]:
        """The commits that say what a candidate answered to logged requests, the newest first."""
        return tuple(step for step in self.steps if step.shadow)

    @property
    def path(self) -> str:
        """Of its page."""
        return f"models/{self.folder.model}/environments/{self.folder.environment}.html"

    def percent(self, name: str) -> int | None:
        """The share of the traffic that the release `name` has here; None where it has none."""
        return next((share.percent for share in self.shares if share.release.name == name), None)


@dataclass(frozen=True)
class ModelData:
    """One model: its environments, and what must not come back in any of them."""

    name: str
    environments: tuple[EnvironmentData, ...]
    quarantined: tuple[Quarantined, ...]

    @property
    def path(self) -> str:
        """Of its page."""
        return f"models/{self.name}/index.html"

    @property
    def releases(self) -> Mapping[str, Release]:
        """Name → release, of all environments; the one deployed last comes first."""
        listed = [release for each in self.environments for release in each.record.releases]
        return {release.name: release for release in sorted(listed, key=lambda release: release.since, reverse=True)}

    def release_path(self, name: str) -> str:
        """Of the page of the release `name`."""
        return f"models/{self.name}/releases/{name}.html"


@dataclass(frozen=True)
class SiteData:
    """All models by name; `commit` of the branch that was read, None for a working tree."""

    models: tuple[ModelData, ...]
    commit: str | None
    repository: str | None  # web address of the repository that commits are linked to


def read(checkout: Checkout, *, tree: bool, model: str | None = None) -> SiteData:
    """From the branch that Argo CD follows, or from gitops/ of the checkout; GitError (50) without the branch."""
    repository = (
        f"https://github.com/{checkout.settings.github_repository}" if checkout.settings.github_repository else None
    )
    bucket = checkout.settings.bucket
    if tree:
        return SiteData(_models(Worktree(checkout.root), model, bucket), None, repository)
    branch = checkout.remote()
    with opened(branch) as git:
        there = tip(git, branch)
        return SiteData(_models(there, model, bucket), there.commit, repository)


def _models(tip: Tip | Worktree, model: str | None, bucket: str) -> tuple[ModelData, ...]:
    environments = [_environment(tip, status, bucket) for status in status.read_from(tip, model)]
    names = dict.fromkeys(environment.folder.model for environment in environments)
    return tuple(
        _model(tip, name, [environment for environment in environments if environment.folder.model == name])
        for name in names
    )


def _environment(tip: Tip | Worktree, status: Status, bucket: str) -> EnvironmentData:
    folder, record = Folder(status.record.model, status.record.environment), status.record
    branch = tip.of(folder.environment)
    log = f"s3://{bucket}/{INFERENCE}/{folder.namespace}"
    steps = history.steps(branch, folder)
    return EnvironmentData(status, folder, history.shares(record), steps, _alarms(branch, record), log)


def _alarms(tip: Tip | Worktree, record: Record) -> tuple[Trigger, ...]:
    path = f"{MODELS}/{record.model}/{retraining.FILE}"
    text = tip.read(path)
    digests = {release.digest for release in record.releases}
    triggers = () if text is None else retraining.parse(text, path)
    return tuple(trigger for trigger in reversed(triggers) if trigger.digest in digests)


def _model(tip: Tip | Worktree, name: str, environments: Sequence[EnvironmentData]) -> ModelData:
    return ModelData(name, tuple(environments), environments[0].folder.quarantined(tip))
