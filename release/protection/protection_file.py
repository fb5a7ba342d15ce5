""".github/protection.yaml: environments, branches, variables and owners, as people decide them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError
from release import quoted_yaml

FILE = ".github/protection.yaml"
OWNERS_FILE = ".github/CODEOWNERS"
# What decides what serves, or what may decide it.
_OWNED = ("/.github/", "/gitops/", "/release/", "/image/", "/requirements/", "/Makefile", "/Dockerfile")
_HEAD = "# Written by `make github` from owners in protection.yaml: whose approval a change of these takes.\n"


@dataclass(frozen=True)
class Environment:
    """`branches`: whose workflows may use it; `app`: slug of the App whose key it holds.

    `pushes`: the branches that this App may write.
    """

    name: str
    branches: tuple[str, ...]
    app: str | None
    pushes: tuple[str, ...]
    reviewers: tuple[str, ...]  # @login or @organization/team


@dataclass(frozen=True)
class Protection:
    """`rulesets`: branch → the rules in GitHub's own form, without who passes them."""

    owners: tuple[str, ...]
    rulesets: dict[str, dict[str, Any]]
    environments: tuple[Environment, ...]
    variables: dict[str, str]

    def codeowners(self) -> str:
        """The whole text of CODEOWNERS."""
        return _HEAD + "".join(f"{path} {' '.join(self.owners)}\n" for path in _OWNED)


def read(root: Path) -> Protection:
    """ConfigurationError (10) names the file and what does not fit."""
    section = quoted_yaml.Section(quoted_yaml.load(_text(root, FILE), FILE), FILE)
    owners = _names(section.entries("owners"), "owners")
    rulesets = {
        branch: _json(root, f".github/{file}")
        for branch, file in _mapping(section.value("branches"), "branches").items()
    }
    environments = tuple(
        _environment(name, value) for name, value in _mapping(section.value("environments"), "environments").items()
    )
    variables = {name: str(value) for name, value in _mapping(section.value("variables", {}), "variables").items()}
    section.end()
    for environment in environments:
        for branch in environment.pushes:
            if branch not in rulesets:
                raise ConfigurationError(
                    f"{FILE}: {environment.name} pushes to {branch!r}, which is none of its branches"
                )
    return Protection(owners, rulesets, environments, variables)


def _environment(name: str, value: Any) -> Environment:
    origin = f"{name} in {FILE}"
    section = quoted_yaml.Section(value, origin)
    branches = _names(section.entries("from"), origin)
    app, listed = section.text_or_none("app"), section.value("pushes", [])
    pushes = _names([listed] if isinstance(listed, str) else listed, origin)
    reviewers = _names(section.value("reviewers", []), origin)
    section.end()
    if (app is None) != (not pushes):
        raise ConfigurationError(f"{origin}: an app pushes to a branch: name both `app` and `pushes`, or neither")
    if wrong := [name for name in reviewers if not name.startswith("@")]:
        raise ConfigurationError(f"{origin}: reviewers are @login or @organization/team, not {wrong[0]!r}")
    return Environment(name, branches, app, pushes, reviewers)


def _names(value: Any, origin: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ConfigurationError(f"{origin} must be a list of names, not {value!r}")
    return tuple(value)


def _mapping(value: Any, origin: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{origin} in {FILE} must be a mapping, not {value!r}")
    return value


def _json(root: Path, path: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(root, path))
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is not JSON ({error}): export a ruleset from GitHub, or restore it"
        ) from error
    return _mapping(value, path)


def _text(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}): run this at the root, or restore it") from error
