"""Write the settings that a user owns, and what follows from them: the DVC remote and the policies for AWS."""

from __future__ import annotations

import configparser
import dataclasses
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artifact import text_file
from artifact.errors import ConfigurationError, UsageError
from artifact.quantity import quantity
from release import command_line, github, params, settings
from release.aws import files
from release.checkout import Checkout
from release.gitops import folder
from release.gitops.folder import Folder
from release.gitops.worktree import Worktree
from release.settings import Settings

_DVC_CONFIG = Path(".dvc/config")
_DVC_SECONDS = 60
ACCOUNT = "account"  # sets the five roles at once


def configure(root: Path, values: Mapping[str, str]) -> list[str]:
    """Set `values` (field of Settings → text) in the repository at `root`; one line for each change, none when equal.

    A missing settings.yaml is written from the defaults, one of an earlier version is brought up to date. GitHub is
    asked for the numbers of a repository that is given without them. Production's branch and URL change with those of
    all environments as long as they are the same. ConfigurationError, before anything is written, when a value is not
    usable, or when a model has a name that is too long for a host.
    """
    if "github_repository" in values and not {"github_repository_id", "github_owner_id"} <= set(values):
        values = github.numbers(values["github_repository"]) | dict(values)
    path = root / settings.PATH
    before = settings.read(root, older=True) if path.exists() else Settings()
    followed = {
        own: values[all_]
        for own, all_ in settings.FOLLOWS.items()
        if all_ in values and getattr(before, own) == getattr(before, all_)
    }
    values = followed | dict(values)
    after = dataclasses.replace(before, **values)
    if (root / params.PATH).exists():
        folders = [Folder(params.model(root), "production"), *folder.all_of(Worktree(root))]
        if after.joint == "-":
            for item in folders:
                item.require_one_label()
    text = settings.render(after)
    changes = [
        f"{settings.key(name)}: {getattr(before, name) or '(empty)'} → {value or '(empty)'}"
        for name, value in values.items()
        if getattr(before, name) != value
    ]
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        text_file.write(path, text)
        changes = changes or [f"{settings.PATH}: written"]
    policies = files.bring_up_to_date(root, after)
    policy_files = quantity(len(policies), "file")
    return changes + _point_dvc(root, after) + [f"{files.FOLDER}: {policy_files} changed"] * bool(policies)


def values(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Field of Settings → text, of a command line: an option each, and `set` as make gives them; UsageError (2)."""
    names = [item.name for item in dataclasses.fields(Settings)]
    texts = {name: arguments[name] for name in [*names, ACCOUNT] if arguments[name] is not None}
    for assignment in arguments["set"]:
        name, equals, value = assignment.partition("=")
        field = name.lower().replace("-", "_")
        if field not in [*names, ACCOUNT] or not equals:
            raise UsageError(f"--set {assignment!r} is not one of {', '.join(map(str.upper, names))} with =VALUE")
        texts[field] = value
    number = texts.pop(ACCOUNT, None)
    return texts if number is None else _roles(number) | texts


def _roles(account: str) -> dict[str, str]:
    """The roles of `account` by the names that docs/trust.md gives them; ConfigurationError when it is no account."""
    if not re.fullmatch(r"\d{12}", account, re.ASCII):
        raise ConfigurationError(f"--account {account!r} is not the number of an AWS account: 12 digits")
    roles = {item.name: item.default for item in dataclasses.fields(Settings) if item.name.endswith("_role_arn")}
    return {name: str(arn).replace("111122223333", account) for name, arn in roles.items()}


def dvc_url(values: Settings) -> str:
    """URL of the DVC remote: data and artifacts share the bucket."""
    return f"s3://{values.bucket}/dvc"


def _point_dvc(root: Path, values: Settings) -> list[str]:
    path = root / _DVC_CONFIG
    if not path.exists():
        return []
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        remote = parser["core"]["remote"]
        now = parser[f"'remote \"{remote}\"'"]
    except (configparser.Error, KeyError) as error:
        raise ConfigurationError(
            f"{_DVC_CONFIG} names no default remote ({error}): "
            f"`dvc remote add --default storage {dvc_url(values)}`, then run this again"
        ) from error
    changes = []
    for option, value in (("url", dvc_url(values)), ("region", values.region)):
        if now.get(option) != value:
            _dvc(root, "remote", "modify", remote, option, value)
            changes.append(f"{_DVC_CONFIG} {option}: {now.get(option, '(empty)')} → {value}")
    return changes


def _dvc(root: Path, *arguments: str) -> None:
    # DVC's own command, so that its file stays its own to write.
    try:
        process = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=root, capture_output=True, text=True, timeout=_DVC_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"`dvc {' '.join(arguments)}` took over {_DVC_SECONDS} s: run it by hand") from error
    if process.returncode:
        raise ConfigurationError(f"`dvc {' '.join(arguments)}` failed: {process.stderr.strip()[-500:]}")


def main(argv: Sequence[str] | None = None) -> None:
    """As `configure`, a line for each change. An empty value is one that a setting may have."""
    line = command_line.parser("configure", __doc__)
    for item in dataclasses.fields(Settings):
        line.add_argument(f"--{settings.key(item.name)}", metavar="VALUE", help=item.metadata["help"])
    line.add_argument("--account", metavar="NUMBER", help="AWS account of the five roles, by their usual names")
    line.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="the same, as make takes it: BUCKET=mine"
    )
    arguments = command_line.parse(line, argv, may_be_empty=True)
    print("\n".join(configure(Checkout.current().root, values(vars(arguments)))) or "nothing to change")
