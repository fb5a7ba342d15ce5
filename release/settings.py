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
PRODUCTION = "production"  # the environment that may have a branch of its own

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ISSUER = rf"{_HOST}(?:/[A-Za-z0-9._-]+)*"
_GIT_PATH = r"[A-Za-z0-9._~/-]+"
# No user:password part: a URL with a token in it would be committed.
_GIT_URL = rf"(?:https?://{_HOST}(?::\d+)?/{_GIT_PATH}|ssh://(?:[a-z_][a-z0-9_.-]*@)?{_HOST}(?::\d+)?/{_GIT_PATH}|[a-z_][a-z0-9_.-]*@{_HOST}:{_GIT_PATH}|(?:file://)?/[A-Za-z0-9._~/+-]+)"
_BRANCH = r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*(?<![./])"
_ROLE = r"arn:aws(?:-[a-z-]+)?:iam::\d{12}:role/[\w+=,.@/-]+"
_HEAD = """\
# The values you own, in one place. Written whole by `make configure BUCKET=… REGISTRY=… REGION=…`
# (`python -m release configure --help`), which also points the DVC remote in .dvc/config at the bucket and writes the
# policies in gitops/aws.
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


def _role(job: str, help: str) -> Any:
    return _setting(f"arn:aws:iam::111122223333:role/modelpin-{job}", _ROLE, help)


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
    initializer_image: str = _setting(
        f"registry.example.com/modelpin/predictor@sha256:{'0' * 64}",
        rf"{_HOST}(?::\d{{1,5}})?(?:/[a-z0-9]+(?:(?:\.|_{{1,2}}|-+)[a-z0-9]+)*)+@sha256:[0-9a-f]{{64}}",
        "image whose initializer/ downloads, of gitops/initializer: one that a release serves with",
    )
    domain: str = _setting(
        "models.example.com", rf"{_LABEL}(?:\.{_LABEL})+", "DNS domain under which the cluster serves the models"
    )
    host_form: str = _setting(
        "name.namespace",
        r"name[.-]namespace",
        "how Knative makes a host of both: name.namespace, or name-namespace, which one wildcard certificate covers",
    )
    certificate_arn: str = _setting(
        "",
        r"(?:arn:aws(?:-[a-z-]+)?:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+)?",
        "certificate of ACM for *.domain, of gitops/exposure; empty: nothing is exposed by it",
    )
    gitops_remote: str = _setting(
        "", rf"(?:{_GIT_URL})?", "Git URL that releases are pushed to; empty: `origin` of this repository"
    )
    gitops_branch: str = _setting("main", _BRANCH, "branch that releases are pushed to and Argo CD follows")
    production_remote: str = _setting(
        "", rf"(?:{_GIT_URL})?", "Git URL that production's releases are pushed to; empty: that of all"
    )
    production_branch: str = _setting("main", _BRANCH, "branch of production's releases; it may be the same")
    gitops_path: str = _setting(
        "gitops",
        r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._][A-Za-z0-9._-]*(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*(?<!\.git)",
        "folder there that holds base/ and models/",
    )
    gitops_url: str = _setting("https://git.example.com/modelpin/modelpin.git", _GIT_URL, "Git URL that Argo CD clones")
    production_url: str = _setting(
        "https://git.example.com/modelpin/modelpin.git", _GIT_URL, "Git URL that it clones for production"
    )
    github_repository: str = _setting(
        "example/modelpin",
        r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
        "GitHub repository whose workflows AWS trusts: owner/name",
    )
    github_repository_id: str = _setting("0", r"\d{1,20}", "its number at GitHub, which `make configure` asks for")
    github_owner_id: str = _setting("0", r"\d{1,20}", "its owner's number at GitHub, asked for too")
    github_branch: str = _setting("main", _BRANCH, "its branch whose workflows may publish and release")
    image_role_arn: str = _role("image", "role of the job that pushes the image (GitHub OIDC)")
    train_role_arn: str = _role("train", "role of the job that trains: reads data and artifacts, writes nothing")
    publish_role_arn: str = _role("publish", "role of the job that publishes: creates artifacts")
    release_role_arn: str = _role("release", "role of the jobs that release: read artifacts")
    serving_role_arn: str = _role(
        "serving",
        "what the roles of the models (IRSA) are called before `-<namespace>`: each reads its model's artifacts",
    )
    cluster_issuer: str = _setting(
        f"oidc.eks.eu-west-1.amazonaws.com/id/{'0' * 32}",
        rf"{_ISSUER}|{_LABEL}={_ISSUER}(?:,{_LABEL}={_ISSUER})+",
        "OIDC issuer of the cluster, without https://; of several clusters: staging=<issuer>,production=<issuer>",
    )
    shipper_image: str = _setting(
        "",
        r"(?:[^\s@]+@sha256:[0-9a-f]{64})?",
        "image of the predictor, by digest, that ships the inference log to S3; empty: nothing may write it",
    )
    kms_key_arn: str = _setting(
        "",
        r"(?:arn:aws(?:-[a-z-]+)?:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?",
        "KMS key that encrypts the bucket (SSE-KMS); empty: S3's own",
    )

    @property
    def joint(self) -> str:
        """What stands between name and namespace in a host."""
        return "-" if self.host_form == "name-namespace" else "."

    def branch_of(self, environment: str) -> str:
        """The branch that holds the records of `environment`."""
        return self.production_branch if environment == PRODUCTION else self.gitops_branch

    def issuer(self, environment: str) -> str:
        """OIDC issuer of the cluster of `environment`, without https://; ConfigurationError where none is named."""
        if "=" not in self.cluster_issuer:
            return self.cluster_issuer
        issuers = dict(entry.split("=") for entry in self.cluster_issuer.split(","))
        if environment not in issuers:
            raise ConfigurationError(
                f"cluster-issuer in {PATH} names the clusters of {', '.join(issuers)}, not of {environment}: "
                f"add {environment}=<issuer>"
            )
        return issuers[environment]

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not item.metadata["pattern"].fullmatch(value):
                raise ConfigurationError(
                    f"{key(item.name)} = {value!r} in {PATH} is not usable as the {item.metadata['help']}: "
                    f"for example {item.default or '(empty)'!r}"
                )


# What production has as long as nothing else is said: its field of Settings → that of all environments. Neither is
# empty, since kustomize copies both and cannot take the one for the other.
FOLLOWS = {"production_branch": "gitops_branch", "production_url": "gitops_url"}


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


def parse(text: str, *, older: bool = False) -> Settings:
    """Settings from the text of settings.yaml; ConfigurationError names a missing, unknown or unusable key.

    `older`: a key that the file lacks has its default, and one that is not known any more is left out.
    """
    root = quoted_yaml.Section(quoted_yaml.load(text, str(PATH)), str(PATH))
    listed = root.value("data")
    if older and isinstance(listed, dict):
        defaults = {item.name: item.default for item in dataclasses.fields(Settings)}
        defaults |= {own: listed.get(key(all_), defaults[own]) for own, all_ in FOLLOWS.items()}
        listed = {key(name): listed.get(key(name), default) for name, default in defaults.items()}
    data = quoted_yaml.Section(listed, f"data in {PATH}")
    try:
        values = {item.name: data.text(key(item.name)) for item in dataclasses.fields(Settings)}
        data.end()
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; `make configure` brings a file of an earlier version up to date") from error
    return Settings(**values)


def read(root: Path, *, older: bool = False) -> Settings:
    """Settings of the repository at `root`; ConfigurationError when the file is missing or wrong."""
    try:
        text = (root / PATH).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{PATH} cannot be read ({error}): run this at the root of the repository, or write it with "
            "`python -m release configure`"
        ) from error
    return parse(text, older=older)
