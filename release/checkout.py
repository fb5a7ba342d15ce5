"""The repository that a command runs in, and what the options of the command mean there."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from release import params, settings
from release.change import Request
from release.git.branch import Branch
from release.git.client import Caller
from release.gitops.folder import Folder
from release.settings import Settings


@dataclass(frozen=True)
class Checkout:
    """The working directory, which has to be the root of the repository; each part is read when it is needed."""

    root: Path

    @classmethod
    def here(cls) -> Checkout:
        """The checkout that the process was started in."""
        return cls(Path.cwd())

    @cached_property
    def settings(self) -> Settings:
        """The values of settings.yaml; ConfigurationError (10) without it."""
        return settings.read(self.root)

    def branch(self) -> Branch:
        """The branch that releases are pushed to; ConfigurationError (10) where neither settings nor Git name one."""
        caller, values = Caller(self.root), self.settings
        return Branch(values.gitops_remote or caller.origin(), values.gitops_branch, caller, values.gitops_path)

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
        return Request(command, person, arguments.reason or "", arguments.evidence or "", arguments.dry_run)
