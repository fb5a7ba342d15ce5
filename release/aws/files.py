"""gitops/aws: the policies as files, for `aws iam`, Terraform or whatever else a company applies them with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifact import text_file
from artifact.errors import ConfigurationError
from release.aws import policies, trust
from release.gitops import folder as folders
from release.gitops.folder import Folder
from release.gitops.worktree import Worktree
from release.settings import Settings

FOLDER = "gitops/aws"
ROLES = ("image", "train", "publish", "release")
_LONGEST_ROLE = 64  # characters of a role's name


def render(settings: Settings, listed: Sequence[Folder]) -> dict[str, str]:
    """Path from the root of the repository → text: a policy and a trust for each role, and the bucket's own policy.

    `listed`: the environments of the models, each with a role. ConfigurationError when a role's name would be too long.
    """
    documents = {"bucket": policies.bucket(settings)}
    for role in ROLES:
        documents[role] = getattr(policies, role)(settings)
        documents[f"{role}-trust"] = trust.jobs(settings, role)
    for folder in listed:
        name = f"{settings.serving_role_arn.rpartition('/')[2]}-{folder.namespace}"
        if len(name) > _LONGEST_ROLE:
            raise ConfigurationError(
                f"the role {name!r} would have {len(name)} characters, IAM takes {_LONGEST_ROLE}: choose a shorter "
                "serving-role-arn, or a shorter name for the model"
            )
        documents[f"serving/{folder.namespace}"] = policies.serving(settings, folder)
        documents[f"serving/{folder.namespace}-trust"] = trust.pods(settings, folder)
    return {f"{FOLDER}/{name}.json": text_file.readable_json(document) for name, document in documents.items()}


def bring_up_to_date(root: Path, settings: Settings) -> list[str]:
    """Write the files at `root`, remove those of models that are gone; the paths of what changed."""
    documents = render(settings, folders.all_of(Worktree(root)))
    changed = []
    for path, text in documents.items():
        file = root / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            text_file.write(file, text)
            changed.append(path)
    for file in sorted((root / FOLDER).rglob("*.json")):
        path = file.relative_to(root).as_posix()
        if path not in documents:
            file.unlink()
            changed.append(f"{path} removed")
    return changed
