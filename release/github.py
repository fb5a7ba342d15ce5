"""GitHub, asked and told through `gh`, which knows the person or the token that asks."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from artifact.errors import ConfigurationError

_SECONDS = 60


class Refused(ConfigurationError):
    """GitHub answered with an error; `status` is HTTP's, None when `gh` itself failed."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


def api(path: str, method: str = "GET", body: Any = None) -> Any:
    """What GitHub's REST API answers at `path`, as JSON (None for an empty answer); Refused (10) for an error."""
    command = ["gh", "api", "--method", method, "-H", "X-GitHub-Api-Version: 2022-11-28", path]
    if body is not None:
        command += ["--input", "-"]
    try:
        done = subprocess.run(
            command, input=None if body is None else json.dumps(body),
            stdin=subprocess.DEVNULL if body is None else None, capture_output=True, text=True, timeout=_SECONDS,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ConfigurationError("`gh` is not installed: https://cli.github.com, then `gh auth login`") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"`gh api {path}` took over {_SECONDS} s: see whether GitHub can be reached"
        ) from error
    if done.returncode:
        message = " ".join(done.stderr.split()) or "it said nothing"
        status = re.search(r"\(HTTP (\d{3})\)", message)
        raise Refused(f"`gh api --method {method} {path}` failed: {message}", int(status[1]) if status else None)
    return json.loads(done.stdout) if done.stdout.strip() else None


def numbers(repository: str) -> dict[str, str]:
    """The settings that GitHub knows of `repository`: its number, its owner's, and its default branch."""
    try:
        answer = api(f"repos/{repository}")
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{error}; log in with `gh auth login`, or give GITHUB_REPOSITORY_ID= and GITHUB_OWNER_ID= too"
        ) from error
    return {
        "github_repository_id": str(answer["id"]),
        "github_owner_id": str(answer["owner"]["id"]),
        "github_branch": str(answer["default_branch"]),
    }
