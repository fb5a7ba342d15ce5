"""The values a user owns: one file, typed, read once at the edge of each command.

The file is a ConfigMap, so that kustomize copies the values where the manifests need them; it is never applied itself.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError
from release import quoted_yaml

PATH = Path("gitops/settings/settings.yaml")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_GIT_PATH = r"[A-Za-z0-9._~/-]+"
# No user:password part: a URL with a token in it would be committed.
_GIT_URL = rf"(?:https?://{_HOST}(?::\d+)?/{_GIT_PATH}|ssh://(?:[a-z_][a-z0-9_.-]*@)?{_HOST}(?::\d+)?/{_GIT_PATH}|[a-z_][a-z0-9_.-]*@{_HOST}:{_GIT_PATH}|(?:file://)?/[A-Za-z0-9._~/+-]+)"
_ROLE = r"arn:aws(?:-[a-z-]+)?:iam::\d{12}:role/[\w+=,.@/-]+"
_HEAD = """\
# The values you own, in one place. Written whole by `make configure BUCKET=… REGISTRY=… REGION=…`
# (`python -m release configure --help`), which also points the DVC remote in .dvc/config at the bucket.
# kustomize copies them into the manifests; this ConfigMap itself is never applied.
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  annotations:
    config.kubernetes.io/local-config: "true"
data:
"""


def _setting(default: str, pattern: str, help: str) -> Any:
    return field(default=default, metadata={"pattern": re.compile(pattern, re.ASCII), "help": help})


@dataclass(frozen=True)
class Settings:
    """The checked content of settings.yaml; `-` in the file is `_` here."""

    bucket: str = _setting(
        "modelpin",
        r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "S3 bucket of the artifacts and of the DVC data",
    )
    prefix: str = _setting(
        "models",
        r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*",
        "first part of every artifact's key: s3://<bucket>/<prefix>/<model>/<digest>/",
    )
    region: str = _setting("eu-west-1", r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", "region of the bucket")
    registry: str = _setting(
        "registry.example.com/modelpin/predictor",
        rf"{_HOST}(?::\d{{1,5}})?(?:/[a-z0-9]+(?:(?:\.|_{{1,2}}|-+)[a-z0-9]+)*)+",
        "image repository of the predictor, without tag or digest",
    )
    domain: str = _setting(
        "models.example.com", rf"{_LABEL}(?:\.{_LABEL})+", "DNS domain under which the cluster serves the models"
    )
    gitops_remote: str = _setting(
        "", rf"(?:{_GIT_URL})?", "Git URL that releases are pushed to; empty: `origin` of this repository"
    )
    gitops_branch: str = _setting(
        "main",
        r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*(?<![./])",
        "branch that releases are pushed to and Argo CD follows",
    )
    gitops_path: str = _setting(
        "gitops",
        r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._][A-Za-z0-9._-]*(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*(?<!\.git)",
        "folder there that holds base/ and models/",
    )
    gitops_url: str = _setting("https://git.example.com/modelpin/modelpin.git", _GIT_URL, "Git URL that Argo CD clones")
    serving_role_arn: str = _setting(
        "arn:aws:iam::111122223333:role/modelpin-serving",
        _ROLE,
        "role of the InferenceServices (IRSA): reads the artifacts",
    )
    ci_role_arn: str = _setting(
        "arn:aws:iam::111122223333:role/modelpin-ci",
        _ROLE,
        "role of the workflows (GitHub OIDC): reads the data, writes the artifacts",
    )

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not item.metadata["pattern"].fullmatch(value):
                raise ConfigurationError(
                    f"{key(item.name)} = {value!r} in {PATH} is not usable as the {item.metadata['help']}: "
                    f"for example {item.default or '(empty)'!r}"
                )


def key(name: str) -> str:
    """How the field `name` is written in the file and, with `--` before it, on the command line."""
    return name.replace("_", "-")


def render(settings: Settings) -> str:
    """The whole text of settings.yaml."""
    lines = [
        f"  # {item.metadata['help']}\n  {key(item.name)}: {quoted_yaml.quote(getattr(settings, item.name))}\n"
        for item in dataclasses.fields(settings)
    ]
    return _HEAD + "".join(lines)


def parse(text: str) -> Settings:
    """Settings from the text of settings.yaml; ConfigurationError names a missing, unknown or unusable key."""
    root = quoted_yaml.Section(quoted_yaml.load(text, str(PATH)), str(PATH))
    data = quoted_yaml.Section(root.value("data"), f"data in {PATH}")
    values = {item.name: data.text(key(item.name)) for item in dataclasses.fields(Settings)}
    data.end()
    return Settings(**values)


def read(root: Path) -> Settings:
    """Settings of the repository at `root`; ConfigurationError when the file is missing or wrong."""
    try:
        text = (root / PATH).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{PATH} cannot be read ({error}): run this at the root of the repository, or write it with "
            "`python -m release configure`"
        ) from error
    return parse(text)
