"""The repository that a command runs in, and what the options of the command mean there."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Collection, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from artifact.errors import ConfigurationError
from release import params, settings
from release.change import Request
from release.git.batch import AnyBranch, Batch
from release.git.branch import Branch, holder
from release.git.client import Caller
from release.gitops.folder import Folder
from release.settings import PRODUCTION, Settings

if TYPE_CHECKING:
    from release.bucket.store import Store

TRIGGER = "RETRAIN_TRIGGER"


@dataclass(frozen=True)
class Checkout:
    """The working directory, which has to be the root of the repository; each part is read when it is needed."""

    root: Path

    @classmethod
    def current(cls) -> Checkout:
        """The checkout that the process was started in, or that of the batch that the command belongs to."""
        return _of_batch.get() or cls(Path.cwd())

    @contextlib.contextmanager
    def carries(self, batch: Batch, remote: Branch) -> Iterator[None]:
        """Within `with`, commands run in this checkout and hand their changes to `batch`, whose branch is `remote`."""
        token = _of_batch.set(_BatchCheckout(self.root, batch, remote))
        try:
            yield
        finally:
            _of_batch.reset(token)

    @cached_property
    def settings(self) -> Settings:
        """The values of settings.yaml; ConfigurationError (10) without it."""
        return settings.read(self.root)

    @cached_property
    def store(self) -> Store:
        """The bucket of the settings."""
        from release.bucket.store import Store  # boto3, which not every command needs

        return Store(self.settings)

    def branch(self, environment: str) -> AnyBranch:
        """The branch, or the batch, that takes a command's change of `environment`."""
        return self.remote(environment)

    def branches(self, environments: Collection[str] = ()) -> list[AnyBranch]:
        """The branches that a change of `environments` (default: all) goes to, production's first."""
        every = self.remotes()
        holders = {holder(every, environment) for environment in environments}
        return [branch for branch in reversed(every) if not holders or branch in holders]

    def remote(self, environment: str = "") -> Branch:
        """The branch that releases of `environment` (default: of those without a branch of their own) are pushed to.

        ConfigurationError (10) where neither settings nor Git name one.
        """
        return holder(self.remotes(), environment)

    def remotes(self) -> list[Branch]:
        """All branches that releases are pushed to, each knowing the others: one, or production's after the others'."""
        caller, values = Caller(self.root), self.settings
        url = values.gitops_remote or caller.origin()
        common = Branch(url, values.branch_of(""), caller, values.gitops_path)
        own = Branch(values.production_remote or url, values.branch_of(PRODUCTION), caller, values.gitops_path)
        if own == common:
            return [common]
        family = (common, dataclasses.replace(own, environments=frozenset({PRODUCTION})))
        return [dataclasses.replace(branch, family=family) for branch in family]

    def commit(self) -> str:
        """The source commit that this run stands on; ConfigurationError (10) without one."""
        return Caller(self.root).commit()

    def model(self, arguments: argparse.Namespace) -> str:
        """The model of `--model`, else that of params.yaml."""
        return arguments.model or params.model(self.root)

    def folder(self, arguments: argparse.Namespace) -> Folder:
        """The folder under gitops/ of `--model` and `--env`."""
        return Folder(self.model(arguments), arguments.env)

    def request(self, command: str, arguments: argparse.Namespace) -> Request:
        """Who asks for `command`, and why."""
        person = Caller(self.root).person()
        trigger = os.environ.get(TRIGGER)  # a workflow hands it on from retrain to deploy
        return Request(
            command,
            person,
            arguments.reason or "",
            arguments.evidence or "",
            arguments.dry_run,
            trailers={"Retrain-Trigger": trigger} if trigger else {},
        )


@dataclass(frozen=True)
class _BatchCheckout(Checkout):
    batch: Batch
    batch_remote: Branch

    def branch(self, environment: str) -> AnyBranch:
        return self._only([self.remote(environment)])

    def branches(self, environments: Collection[str] = ()) -> list[AnyBranch]:
        return [self._only(super().branches(environments))]

    def _only(self, branches: Sequence[AnyBranch]) -> Batch:
        """The batch; ConfigurationError unless `branches` is its branch alone."""
        if list(branches) != [self.batch_remote]:
            raise ConfigurationError(
                f"this changes another branch than {self.batch_remote.name}, and a batch is one commit: give the "
                "environments of each branch a batch of their own, --env included"
            )
        return self.batch


_of_batch: ContextVar[Checkout | None] = ContextVar("_of_batch", default=None)
