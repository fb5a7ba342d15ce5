"""AWS: who asks, whom the roles trust, and whether an image's tag can be pushed twice."""

from __future__ import annotations

from collections.abc import Iterator

from release.aws import trust
from release.doctor.finding import FAULT, OK, WARNING, Finding, NoAnswer, ask
from release.settings import Settings

ROLES = {
    "image": "image_role_arn",
    "train": "train_role_arn",
    "publish": "publish_role_arn",
    "release": "release_role_arn",
}


def look(chosen: Settings) -> Iterator[Finding]:
    """Findings on the credentials, the four roles of the workflows and the image repository."""
    try:
        account = str(ask("aws", "sts", "get-caller-identity", "--output", "json")["Account"])
    except (NoAnswer, KeyError, TypeError) as error:
        yield Finding("aws", FAULT, f"no credentials: {error}", "aws sso login, or set AWS_PROFILE")
        return
    expected = chosen.release_role_arn.split(":")[4]
    if account != expected:
        remedy = f"set AWS_PROFILE to one of {expected}, or make configure ACCOUNT={account}"
        yield Finding("aws", FAULT, f"the credentials are of account {account}, the roles of {expected}", remedy)
        return
    yield Finding("aws", OK, f"credentials of account {account}")
    for role, field in ROLES.items():
        yield _trust(chosen, role, str(getattr(chosen, field)).rpartition("/")[2])
    yield _images(chosen)


def _trust(chosen: Settings, role: str, name: str) -> Finding:
    try:
        answer = ask("aws", "iam", "get-role", "--role-name", name, "--output", "json")["Role"]
    except (NoAnswer, KeyError, TypeError) as error:
        return Finding("trust", FAULT, f"the role {name} cannot be read: {error}", "make aws, which creates it")
    expected = trust.jobs(chosen, role)
    if answer.get("AssumeRolePolicyDocument") == expected:
        return Finding("trust", OK, f"{name} trusts this repository's jobs, by both forms of their subject")
    return Finding(
        "trust", FAULT, f"{name} trusts others than gitops/aws/{role}-trust.json says",
        "make configure GITHUB_REPOSITORY=…, which asks GitHub for the numbers, then make aws",
    )  # fmt: skip


def _images(chosen: Settings) -> Finding:
    server, _, name = chosen.registry.partition("/")
    if ".dkr.ecr." not in server:
        return Finding("images", WARNING, f"{server} is not ECR and was not asked", "let no tag be pushed twice there")
    command = ("aws", "ecr", "describe-repositories", "--repository-names", name, "--region", server.split(".")[3])
    try:
        (answer,) = ask(*command, "--output", "json")["repositories"]
    except (NoAnswer, KeyError, TypeError, ValueError) as error:
        remedy = f"aws ecr create-repository --repository-name {name} --image-tag-mutability IMMUTABLE"
        return Finding("images", FAULT, f"the repository {name} cannot be read: {error}", remedy)
    if str(answer.get("imageTagMutability", "")).startswith("IMMUTABLE"):
        return Finding("images", OK, f"{name}: no tag can be pushed twice")
    remedy = f"aws ecr put-image-tag-mutability --repository-name {name} --image-tag-mutability IMMUTABLE"
    return Finding("images", FAULT, f"{name} lets a tag be pushed twice", remedy)
