"""Runs Git without touching the caller's repository, without prompts and hooks, and within a time limit."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from artifact import git
from artifact.errors import ConfigurationError, GitError
from artifact.git import GitFailed, GitHung, redact

_SECONDS = 30.0  # of a look into the caller's own repository
_STALLED_SECONDS = 30

# What may pass into our clone: how to reach a server. Everything else (GIT_DIR in a hook, traces …) stays outside.
_PASSED = re.compile(
    r"GIT_(AUTHOR_(NAME|EMAIL|DATE)|COMMITTER_(NAME|EMAIL|DATE)|SSH(_COMMAND|_VARIANT)?|ASKPASS|SSL_\w+|PROXY_\w+|PROTOCOL"
    r"|ALLOW_PROTOCOL|EXEC_PATH|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
# Local settings of the caller's repository that a clone elsewhere lacks: actions/checkout keeps its token there.
_TRANSPORT = r"^(http|credential|url)\.|^core\.(sshcommand|gitproxy|askpass)$"
_QUIET = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(_STALLED_SECONDS),
    "i18n.commitEncoding": "UTF-8",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "fetch.recurseSubmodules": "no",
}
# A disk of this machine; what the remote says of its own begins with "remote: ".
_FULL = re.compile(r"^(?!remote:).*(?:No space left on device|Disk quota exceeded).*$", re.MULTILINE)
_IDENTITY = {"NAME": "modelpin[bot]", "EMAIL": "modelpin-bot@noreply.invalid"}


@dataclass
class Git:
    """Runs git in `folder`; `deadline` (time.monotonic) bounds all commands together."""

    folder: Path
    remote: str = "the remote"
    transport: tuple[tuple[str, str], ...] = ()
    deadline: float = field(default_factory=lambda: time.monotonic() + _SECONDS)

    def run(self, *arguments: str, input: str | None = None) -> str:
        """Standard output of one git command, decoded; the errors of `output`."""
        return self.output(*arguments, input=input).decode(errors="replace")

    def output(self, *arguments: str, input: str | None = None) -> bytes:
        """Standard output of one git command; GitFailed when it fails, GitError when the time is up."""
        seconds = self.deadline - time.monotonic()
        try:
            return git.output(
                *arguments, folder=self.folder, environment=self._environment(), input=input, seconds=seconds
            )
        except GitHung:
            raise GitError(
                f"{redact(self.remote)} did not answer `git {arguments[0]}` in time: see whether it can be reached, "
                "then run this again; what was published stays published"
            ) from None
        except GitFailed as failure:
            if full := _FULL.search(failure.errors):
                raise GitError(
                    f"the temporary clone in {self.folder} cannot be kept: {redact(full[0])}; free some space, or let "
                    "TMPDIR name another folder, then run this again: what was published stays published"
                ) from failure
            raise

    def _environment(self) -> dict[str, str]:
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _PASSED.fullmatch(name)
        }
        for who in ("AUTHOR", "COMMITTER"):
            for part, default in _IDENTITY.items():
                name = f"GIT_{who}_{part}"
                variables[name] = variables.get(name) or variables.get(f"GIT_AUTHOR_{part}") or default
        settings = [*self.transport, *_QUIET.items()]
        # In the environment, not in arguments: an extraheader is a secret and arguments are for everybody to see.
        start = int(variables.get("GIT_CONFIG_COUNT") or 0)
        for number, (name, value) in enumerate(settings, start):
            variables[f"GIT_CONFIG_KEY_{number}"] = name
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables | {
            "GIT_CONFIG_COUNT": str(start + len(settings)),
            "GIT_NO_REPLACE_OBJECTS": "1",
            "LC_ALL": "C",
        }


@dataclass(frozen=True)
class Caller:
    """The repository that a command was started in: read, never written."""

    root: Path

    def origin(self) -> str:
        """URL of its remote `origin`, absolute when it is a path; ConfigurationError when it has none."""
        url = self._ask("config", "--get", "remote.origin.url").strip()
        if not url:
            raise ConfigurationError(
                "this repository has no remote `origin` to push releases to: `git remote add origin URL`, or name one "
                "with `python -m release configure --gitops-remote URL`"
            )
        if re.match(r"\.{0,2}/", url) or (self.root / url).exists():
            return str((self.root / url).resolve())
        return url

    def commit(self) -> str:
        """The commit this run stands on: GITHUB_SHA in a workflow, else HEAD; ConfigurationError without either."""
        commit = os.environ.get("GITHUB_SHA") or self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            raise ConfigurationError(
                f"the source commit {commit!r} is not a commit: run this in a clone with a commit, "
                "or correct GITHUB_SHA"
            )
        return commit

    def differs(self, commit: str, folder: str) -> bool:
        """Whether `folder` at HEAD has other content than at `commit`; ConfigurationError where that is not here."""
        git = Git(self.root)
        try:
            git.run("diff", "--quiet", commit, "HEAD", "--", folder)
        except GitFailed as failed:
            if failed.code == 1:
                return True
            raise ConfigurationError(
                f"this clone does not have the commit {commit[:12]}, which the model that serves was made from: fetch "
                "the whole history"
            ) from failed
        return False

    def person(self) -> str:
        """Who runs this: GITHUB_ACTOR in a workflow, else Git's user.name, else `unknown`."""
        return os.environ.get("GITHUB_ACTOR") or self._ask("config", "--get", "user.name").strip() or "unknown"

    def transport(self) -> tuple[tuple[str, str], ...]:
        """Its local settings on how to reach servers, credentials included: (name, value) pairs for Git.transport."""
        listing = self._ask("config", "--local", "--includes", "--null", "--get-regexp", _TRANSPORT)
        pairs = (entry.partition("\n") for entry in listing.split("\0") if entry)
        return tuple((name, value if newline else "true") for name, newline, value in pairs)

    def _ask(self, *arguments: str) -> str:
        try:
            return Git(self.root).run(*arguments)
        except GitFailed:
            return ""
