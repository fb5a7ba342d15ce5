"""Where the platform keeps everything, and the environment its processes get."""

import fcntl
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact import text_file

PRIVATE = 0o600  # of a file with keys: for its owner only
REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT = REPOSITORY / ".local"

# What a process of the platform may know of the machine: enough to find programs, certificates and a package index.
PASSED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
PASSED_PREFIXES = ("UV_", "PIP_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
QUIET = {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


@dataclass(frozen=True)
class State:
    """The folder of one platform; removing it (when the platform is down) forgets all of it."""

    root: Path

    @property
    def s3(self) -> Path:
        return self.root / "s3"

    @property
    def mlflow(self) -> Path:
        return self.root / "mlflow"

    @property
    def origin(self) -> Path:
        """The bare repository that is pushed to."""
        return self.root / "origin.git"

    @property
    def git_config(self) -> Path:
        """Git's settings for whoever works on this platform, in the place of a person's own."""
        return self.root / "gitconfig"

    @property
    def runner(self) -> Path:
        """The Actions runner's home, cache, locks and queue."""
        return self.root / "runner"

    @property
    def runs(self) -> Path:
        """One folder a workflow run: its log and its uploads."""
        return self.root / "runs"

    @property
    def signing_key(self) -> Path:
        """The private key of the publish job, as a secret of the environment `publish` is on GitHub."""
        return self.root / "signing.pem"

    @property
    def env_file(self) -> Path:
        """Shell exports for people: `source .local/env`."""
        return self.root / "env"

    @property
    def description(self) -> Path:
        """What is up, written by the supervisor; meaningful only while `is_up()`."""
        return self.root / "platform.json"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor as long as it lives: the kernel lets go when it dies, however it dies."""
        return self.root / "lock"

    def is_up(self) -> bool:
        """Whether a supervisor lives on this folder."""
        if not self.lock.exists():
            return False
        with self.lock.open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def describe(self) -> dict[str, Any]:
        """What the supervisor wrote: pid, urls, env."""
        return dict(json.loads(self.description.read_text()))

    def write_env(self, variables: Mapping[str, str]) -> None:
        """Replaces the file of exports; it holds keys, so only its owner reads it."""
        lines = ["# Written by `python -m local up`. Use: source this file"]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        text_file.write(self.env_file, "\n".join(lines) + "\n", PRIVATE)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A fresh environment for a process of the platform: nothing of the caller's shell but PASSED, plus `extra`."""
    variables = {name: value for name in PASSED if (value := os.environ.get(name))}
    variables |= {name: value for name, value in os.environ.items() if name.startswith(PASSED_PREFIXES)}
    variables |= {name: value for name, value in os.environ.items() if name.lower() in PROXIES}
    return {**variables, **QUIET, **(extra or {})}


def venvs() -> Path:
    """Where environments are kept, one a lock: MODELPIN_VENVS, by default what the Makefile uses too."""
    return Path(os.environ.get("MODELPIN_VENVS") or REPOSITORY / ".venvs").absolute()
