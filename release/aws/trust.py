"""Who may assume each role: jobs of the repository's workflows by GitHub's tokens, pods by the cluster's.

A token's subject names the repository as `owner/name`, or, where it was made, renamed or transferred since July 2026,
as `owner@number/name@number`. A repository cannot choose, so a trust policy names both. The number of the repository
is asked for besides: a name can be given up and taken by somebody else.
"""

from __future__ import annotations

from typing import Any

from release.aws.policies import Document, account, partition
from release.gitops.folder import Folder
from release.settings import Settings

GITHUB = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
SERVICE_ACCOUNT = "predictor"  # of gitops/base/service-account.yaml
# Role → the GitHub environments whose jobs may assume it. A job of the workflow file itself decides nothing: GitHub
# puts the environment into the token, and an environment says who may use it, from which branch.
ENVIRONMENTS = {
    "image": ("image",),
    "publish": ("publish",),
    "release": ("staging", "production", "production-canary", "production-rollback"),
}


def jobs(settings: Settings, role: str) -> Document:
    """Trust policy of a role of the workflows: `image`, `train`, `publish` or `release`.

    `train` has no environment: any job of the branch may have it, and any of a pull request from a branch of this
    repository. GitHub gives none of these tokens to a fork.
    """
    claims: dict[str, Any] = {"repository_id": settings.github_repository_id}
    if role == "train":
        contexts: tuple[str, ...] = (f"ref:refs/heads/{settings.github_branch}", "pull_request")
    else:
        contexts = tuple(f"environment:{name}" for name in ENVIRONMENTS[role])
        # An environment that nobody protected takes any branch: the token's branch is asked for as well.
        claims["ref"] = f"refs/heads/{settings.github_branch}"
    return _document(settings, GITHUB, {"aud": AUDIENCE, "sub": subjects(settings, contexts), **claims})


def subjects(settings: Settings, contexts: tuple[str, ...]) -> list[str]:
    """The subject of a token in each of `contexts`, without and with the numbers."""
    owner, _, name = settings.github_repository.partition("/")
    numbered = f"{owner}@{settings.github_owner_id}/{name}@{settings.github_repository_id}"
    return [f"repo:{named}:{context}" for named in (settings.github_repository, numbered) for context in contexts]


def pods(settings: Settings, folder: Folder) -> Document:
    """Trust policy of the role of one model in one environment: the service account of its namespace, no other.

    The token is of the cluster of that environment: another cluster may have a namespace of the same name.
    """
    sub = f"system:serviceaccount:{folder.namespace}:{SERVICE_ACCOUNT}"
    return _document(settings, settings.issuer(folder.environment), {"aud": AUDIENCE, "sub": sub})


def _document(settings: Settings, issuer: str, claims: dict[str, Any]) -> Document:
    provider = f"arn:{partition(settings)}:iam::{account(settings)}:oidc-provider/{issuer}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:{name}": value for name, value in claims.items()}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
