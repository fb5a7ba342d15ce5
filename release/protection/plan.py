"""What has to change at GitHub for protection.yaml to hold: read there, compared, and nothing when it is there.

The names of paths and fields are those of GitHub's REST API, version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from release import github
from release.protection.protection_file import FILE, Environment, Protection

CLIENT = "RELEASE_APP_CLIENT_ID"
KEY = "RELEASE_APP_KEY"
_ALWAYS = {"actor_type": "Integration", "bypass_mode": "always"}
_TOKEN = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}


@dataclass(frozen=True)
class Change:
    """One request that changes something, and what it is for."""

    says: str
    method: str
    path: str
    body: Any = None


def changes(repository: str, protection: Protection) -> list[Change]:
    """The requests, in order, that bring GitHub to `protection`; ConfigurationError (10) for what GitHub lacks."""
    home = f"repos/{repository}"
    slugs = dict.fromkeys(environment.app for environment in protection.environments)
    apps = {slug: _app(slug) for slug in slugs if slug is not None}
    listed: list[Change] = []
    for environment in protection.environments:
        listed += _environment(f"{home}/environments/{environment.name}", environment)
        if environment.app is not None:
            path = f"{home}/environments/{environment.name}/variables"
            listed += _variable(path, CLIENT, apps[environment.app]["client_id"], f" of {environment.name}")
    for branch, rules in protection.rulesets.items():
        pass_by = {
            apps[environment.app]["id"]
            for environment in protection.environments
            if environment.app is not None and branch in environment.pushes
        }
        elsewhere, _, name = branch.rpartition("@")
        listed += _ruleset(f"repos/{elsewhere or repository}/rulesets", name, rules, sorted(pass_by))
    for name, value in protection.variables.items():
        listed += _variable(f"{home}/actions/variables", name, value, "")
    if _differs(_TOKEN, github.api(f"{home}/actions/permissions/workflow")):
        path = f"{home}/actions/permissions/workflow"
        listed.append(Change("GITHUB_TOKEN reads, and may open pull requests", "PUT", path, _TOKEN))
    return listed


def missing_keys(repository: str, protection: Protection) -> list[str]:
    """The environments whose App has no key there yet: a secret that only its owner can bring."""
    return [
        environment.name
        for environment in protection.environments
        if environment.app is not None
        and _get(f"repos/{repository}/environments/{environment.name}/secrets/{KEY}") is None
    ]


def _environment(path: str, environment: Environment) -> Iterator[Change]:
    there = _get(path)
    reviewers = [_reviewer(name) for name in environment.reviewers]
    settings = {
        "wait_timer": 0,
        "prevent_self_review": bool(reviewers),
        "reviewers": reviewers or None,
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    }
    if there is None or _as_written(there) != settings:
        who = f", approved by {', '.join(environment.reviewers)}" if environment.reviewers else ""
        yield Change(
            f"environment {environment.name}: only from {', '.join(environment.branches)}{who}", "PUT", path, settings
        )
    policies = f"{path}/deployment-branch-policies"
    listed = {} if there is None else {item["name"]: item["id"] for item in github.api(policies)["branch_policies"]}
    for branch in environment.branches:
        if branch not in listed:
            yield Change(
                f"environment {environment.name}: from {branch}", "POST", policies, {"name": branch, "type": "branch"}
            )
    for branch, number in listed.items():
        if branch not in environment.branches:
            yield Change(f"environment {environment.name}: no more from {branch}", "DELETE", f"{policies}/{number}")


def _as_written(there: Mapping[str, Any]) -> dict[str, Any]:
    """An environment as GitHub shows it, in the form in which it is written."""
    rules = {rule["type"]: rule for rule in there.get("protection_rules", [])}
    required = rules.get("required_reviewers", {})
    reviewers = [
        {"type": reviewer["type"], "id": reviewer["reviewer"]["id"]} for reviewer in required.get("reviewers", [])
    ]
    return {
        "wait_timer": rules.get("wait_timer", {}).get("wait_timer", 0),
        "prevent_self_review": bool(required.get("prevent_self_review")),
        "reviewers": reviewers or None,
        "deployment_branch_policy": there.get("deployment_branch_policy"),
    }


def _ruleset(path: str, branch: str, rules: Mapping[str, Any], apps: list[int]) -> Iterator[Change]:
    name = f"modelpin {branch}"
    settings = {
        **rules,
        "name": name,
        "conditions": {"ref_name": {"include": [f"refs/heads/{branch}"], "exclude": []}},
        "bypass_actors": [{"actor_id": number, **_ALWAYS} for number in apps],
    }
    numbers = [entry["id"] for entry in github.api(path) if entry["name"] == name]
    if not numbers:
        yield Change(f"ruleset of {branch}: {_kinds(settings)}", "POST", path, settings)
    elif _differs(settings, github.api(f"{path}/{numbers[0]}")):
        yield Change(f"ruleset of {branch}: {_kinds(settings)}", "PUT", f"{path}/{numbers[0]}", settings)


def _kinds(ruleset: Mapping[str, Any]) -> str:
    passing = len(ruleset["bypass_actors"])
    return f"{', '.join(rule['type'] for rule in ruleset['rules'])}; {passing} App{'s' * (passing != 1)} may pass"


def _variable(path: str, name: str, value: str, of: str) -> Iterator[Change]:
    there = _get(f"{path}/{name}")
    body = {"name": name, "value": value}
    if there is None:
        yield Change(f"variable {name}{of}: {value}", "POST", path, body)
    elif there["value"] != value:
        yield Change(f"variable {name}{of}: {there['value']} → {value}", "PATCH", f"{path}/{name}", body)


def _differs(expected: Any, actual: Any) -> bool:
    """Whether GitHub shows something else; what it shows besides counts as nothing."""
    if isinstance(expected, Mapping):
        return not isinstance(actual, Mapping) or any(
            _differs(value, actual.get(key)) for key, value in expected.items()
        )
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            return True
        return any(all(_differs(item, other) for other in actual) for item in expected)
    return bool(expected != actual)


def _app(slug: str) -> Any:
    app = _get(f"apps/{slug}")
    if app is None:
        raise ConfigurationError(
            f"GitHub shows no App {slug!r}: create it with the permissions contents and pull requests, install it on "
            f"the repository, or correct its slug in {FILE}"
        )
    return app


def _reviewer(name: str) -> dict[str, Any]:
    owner, _, team = name.removeprefix("@").partition("/")
    reviewer = _get(f"orgs/{owner}/teams/{team}" if team else f"users/{owner}")
    if reviewer is None:
        raise ConfigurationError(f"GitHub shows no reviewer {name}: correct it in {FILE}, or log in as who may see it")
    return {"type": "Team" if team else "User", "id": reviewer["id"]}


def _get(path: str) -> Any:
    """What stands at `path`, None when nothing does."""
    try:
        return github.api(path)
    except github.Refused as refused:
        if refused.status == 404:
            return None
        raise
