"""record.yaml: the state of one environment of one model, as a ConfigMap that machines own whole.

It is not an annotation of the InferenceService: any change there would make a new Knative revision.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError
from release import quoted_yaml

FILE = "record.yaml"
# Raise it when a field changes meaning or goes, and read every older number in `parse`; a file of the old number stays
# under tests/release/records/ for ever. 2 added `left`, and canaries; 1 knew neither.
SCHEMA_VERSION = 2
_READ = (1, SCHEMA_VERSION)

_IMAGE = re.compile(r"[a-z0-9][a-z0-9.:_/-]*@sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HEAD = """\
# Written whole by `python -m release`, the state of one environment. Do not edit: `python -m release --help`.
"""


@dataclass(frozen=True)
class Release:
    """One model with its image: they move, and roll back, together."""

    digest: str  # of the artifact
    uri: str  # storageUri, ends in digest and slash
    image: str  # <repository>@sha256:<hex>
    since: str  # UTC, ISO 8601: when this began to serve here
    inputs_digest: str  # first inputs that made the artifact
    data_digest: str
    source_commit: str  # that published the artifact
    run_commit: str  # that the deploying run stood on: orders runs that finish late
    gate: str  # verdict it was published with

    def __post_init__(self) -> None:
        if ArtifactUri.parse(self.uri).digest != self.digest:
            raise ConfigurationError(f"the URI {self.uri!r} does not end in the digest {self.digest!r}")
        parse_image(self.image)
        for commit in (self.source_commit, self.run_commit):
            if not _COMMIT.fullmatch(commit):
                raise ConfigurationError(f"{commit!r} is not a commit: expected its 40 hexadecimal characters in full")

    def same(self, other: Release | None) -> bool:
        """Whether both name the same model and image: the cluster would see no difference."""
        return other is not None and (self.uri, self.image) == (other.uri, other.image)


@dataclass(frozen=True)
class Record:
    """What serves (`stable`), what is on its way (`candidate` at `percent`), and what can be returned to.

    `releases` begins with `stable` and goes back in time; what was rolled back is not in it. `left` is the digest of
    the model that was rolled back last, until the next deploy. `percent` is 0 between the two commits of a rollback.
    """

    model: str
    environment: str
    stable: Release | None = None
    candidate: Release | None = None
    percent: int | None = None
    step: None = None
    left: str | None = None
    releases: tuple[Release, ...] = ()

    def __post_init__(self) -> None:
        for text, wrong in (
            ("releases must begin with stable", self.releases[:1] != (() if self.stable is None else (self.stable,))),
            ("only a stable release has a canary", self.stable is None and self.candidate is not None),
            ("a canary has from 1 to 99 percent", self.candidate is not None and self.percent not in range(1, 100)),
            # KServe reads that as a rollback.
            ("the canary is the stable release", self.candidate is not None and self.candidate.same(self.stable)),
            ("a percentage needs a canary", self.candidate is None and self.percent not in (None, 0)),
            ("0 percent needs a model that was left", self.percent == 0 and (self.left is None or self.stable is None)),
        ):
            if wrong:
                raise ConfigurationError(
                    f"the record of {self.model} in {self.environment} contradicts itself: {text}; "
                    f"restore {FILE} from Git"
                )


def parse_image(text: str) -> str:
    """`text` if it names an image by digest; ConfigurationError otherwise, as a tag may move under a running model."""
    if not _IMAGE.fullmatch(text):
        raise ConfigurationError(
            f"the image {text!r} is not named by digest: expected <repository>@sha256:<64 hex>, as image.yml prints it"
        )
    return text


def render(record: Record) -> str:
    """The whole text of record.yaml; every text of `record` comes back from `parse` as it is."""
    body = quoted_yaml.render(
        {
            "schema_version": SCHEMA_VERSION,
            "model": record.model,
            "environment": record.environment,
            "stable": record.stable and dataclasses.asdict(record.stable),
            "candidate": record.candidate and dataclasses.asdict(record.candidate),
            "percent": record.percent,
            "step": record.step,
            "left": record.left,
            "releases": [dataclasses.asdict(release) for release in record.releases],
        }
    )
    head = quoted_yaml.render({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{record.model}-record"}})
    literal = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{_HEAD}{head}data:\n  {FILE}: |\n{literal}"


def parse(text: str, where: str) -> Record:
    """Record from the text of record.yaml; ConfigurationError names what does not fit."""
    outer = quoted_yaml.load(text, where)
    data = outer.get("data")
    if not isinstance(data, dict) or not isinstance(data.get(FILE), str):
        raise ConfigurationError(f"{where} does not hold data[{FILE!r}]: restore it from Git")
    section = quoted_yaml.Section(quoted_yaml.load(data[FILE], where), where)
    version = section.whole("schema_version", 0)
    if version not in _READ:
        raise ConfigurationError(
            f"{where} has schema_version {version}, this modelpin reads {' and '.join(map(str, _READ))}: "
            "update the checkout"
        )
    record = Record(
        model=section.text("model"),
        environment=section.text("environment"),
        stable=_release(section.value("stable"), f"stable in {where}"),
        candidate=_release(section.value("candidate"), f"candidate in {where}"),
        percent=_percent(section.value("percent"), where),
        step=section.value("step"),
        left=_left(section.value("left"), where) if version > 1 else None,
        releases=tuple(
            release
            for number, entry in enumerate(section.entries("releases"))
            if (release := _release(entry, f"releases[{number}] in {where}")) is not None
        ),
    )
    section.end()
    if record.step is not None:
        raise ConfigurationError(f"{where} is in a step that this modelpin does not know: update the checkout")
    return record


def _release(value: Any, where: str) -> Release | None:
    if value is None:
        return None
    section = quoted_yaml.Section(value, where)
    texts = {item.name: section.text(item.name) for item in dataclasses.fields(Release)}
    section.end()
    try:
        return Release(**texts)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _percent(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
        raise ConfigurationError(f"percent in {where} must be a whole number from 0 to 100, not {value!r}")
    return value


def _left(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"left in {where} must be a digest, not {value!r}")
    try:
        return digest.parse(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"left in {where}: {error}") from error
