"""record.yaml: the state of one environment of one model, as a ConfigMap that machines own whole.

It is not an annotation of an InferenceService: any change there would make a new Knative revision.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from release import quoted_yaml
from release.gitops import old_record
from release.gitops.release import Proof, Release

FILE = "record.yaml"
# Raise it when a field changes meaning or goes, and read every older number in `parse`; a file of the old number stays
# under tests/release/records/ for ever. 3: a list of releases by name, each with its own InferenceService; the formats
# before it are release.gitops.old_record's.
SCHEMA_VERSION = 3
_HEAD = """\
# Written whole by `python -m release`, the state of one environment. Do not edit: `python -m release --help`.
"""
_FLAGS = ("rendered", "served", "rejected")


@dataclass(frozen=True)
class Record:
    """The stable release, the candidate with its `percent` of the traffic, and all releases that are remembered.

    `percent` is 0 while the candidate is to be proved, and `share` is then what it gets afterwards: 100, or the
    percentage of its canary. `releases`: the one deployed last comes first. `old_percent`: the InferenceService that
    was named after the model, from before schema 3, is rendered too, with this percentage (100: with none).
    `schema`: the number of the format that it was read from.
    """

    model: str
    environment: str
    stable_name: str | None = None
    candidate_name: str | None = None
    percent: int | None = None
    share: int | None = None
    releases: tuple[Release, ...] = ()
    old_percent: int | None = None
    schema: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        stable, candidate = self.stable, self.candidate
        names = [release.name for release in self.releases]
        current = self.schema == SCHEMA_VERSION
        proving = current and self.percent == 0
        for text, wrong in (
            ("a release stands twice", len(set(names)) != len(names)),
            ("a release is of another model", any(release.model != self.model for release in self.releases)),
            ("stable is not among the releases", self.stable_name is not None and stable is None),
            ("the candidate is not among the releases", self.candidate_name is not None and candidate is None),
            ("the candidate is the stable release", candidate is not None and candidate is stable),
            ("a candidate has from 0 to 99 percent", candidate is not None and self.percent not in range(100)),
            ("only a release that serves has a canary", stable is None and self.percent not in (None, 0)),
            ("a percentage needs a candidate", current and candidate is None and self.percent is not None),
            ("what it gets once proved is from 1 to 100 percent", proving and self.share not in range(1, 101)),
            ("only an unproved candidate waits for a share", not proving and self.share is not None),
            ("the old InferenceService has 0 or 100 percent", self.old_percent not in (None, 0, 100)),
            (
                "a release with traffic has no InferenceService",
                current and any(release and not release.rendered for release in (stable, candidate)),
            ),
        ):
            if wrong:
                raise ConfigurationError(
                    f"the record of {self.model} in {self.environment} contradicts itself: {text}; "
                    f"restore {FILE} from Git"
                )

    @property
    def stable(self) -> Release | None:
        """The release that has all traffic but the canary's."""
        return self._named(self.stable_name)

    @property
    def candidate(self) -> Release | None:
        """The release that was deployed last, while it does not have all traffic."""
        return self._named(self.candidate_name)

    @property
    def champion(self) -> Release | None:
        """What callers get: the stable release, or the one that an old InferenceService goes on serving meanwhile."""
        return self.stable or (self.candidate if self.old_percent is not None else None)

    def _named(self, name: str | None) -> Release | None:
        return next((release for release in self.releases if release.name == name), None)

    @property
    def migrated(self) -> bool:
        """Whether a Route serves, or nothing ever did: of this schema, and past the second step of a migration."""
        return self.schema == SCHEMA_VERSION and not (self.old_percent is not None and self.stable_name is None)

    def find(self, text: str | None) -> Release | None:
        """The newest release that `text` names, by name, digest, or the beginning of one; None when none does.

        ConfigurationError (10) where several digests begin so.
        """
        if text is None:
            return None
        named = next((release for release in self.releases if release.called(text)), None)
        return named or only(text, [release for release in self.releases if release.begins(text)])


def only(text: str, releases: Sequence[Release]) -> Release | None:
    """The first of `releases`, which are what `text` may mean; ConfigurationError where their digests differ."""
    if len(digests := sorted({release.digest for release in releases})) > 1:
        raise ConfigurationError(f"{text!r} is the beginning of {' and of '.join(digests)}: give more of it")
    return releases[0] if releases else None


def render(record: Record) -> str:
    """The whole text of record.yaml; every text of `record` comes back from `parse` as it is."""
    body = quoted_yaml.render(
        {
            "schema_version": SCHEMA_VERSION,
            "model": record.model,
            "environment": record.environment,
            "stable": record.stable_name,
            "candidate": record.candidate_name,
            "percent": record.percent,
            "share": record.share,
            "old_percent": record.old_percent,
            "releases": [{"name": release.name} | dataclasses.asdict(release) for release in record.releases],
        }
    )
    head = quoted_yaml.render({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{record.model}-record"}})
    literal = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{_HEAD}{head}data:\n  {FILE}: |\n{literal}"


def parse(text: str, origin: str) -> Record:
    """Record from the text of record.yaml; ConfigurationError names what does not fit."""
    outer = quoted_yaml.load(text, origin)
    data = outer.get("data")
    if not isinstance(data, dict) or not isinstance(data.get(FILE), str):
        raise ConfigurationError(f"{origin} does not hold data[{FILE!r}]: restore it from Git")
    section = quoted_yaml.Section(quoted_yaml.load(data[FILE], origin), origin)
    version = section.whole("schema_version", 0)
    if version in old_record.READ:
        return _from_old(old_record.parse(section, version, origin), version)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{origin} has schema_version {version}, this modelpin reads 1 to {SCHEMA_VERSION}: update the checkout"
        )
    record = Record(
        model=section.text("model"),
        environment=section.text("environment"),
        stable_name=section.text_or_none("stable"),
        candidate_name=section.text_or_none("candidate"),
        percent=section.whole_or_none("percent"),
        share=section.whole_or_none("share"),
        old_percent=section.whole_or_none("old_percent"),
        releases=tuple(
            _release(entry, f"releases[{number}] in {origin}")
            for number, entry in enumerate(section.entries("releases"))
        ),
    )
    section.end()
    return record


def _from_old(old: old_record.OldRecord, version: int) -> Record:
    candidate = old.candidate and dataclasses.replace(old.candidate, served=False)
    listed = [candidate, *old.releases]
    releases: dict[str, Release] = {release.name: release for release in listed[::-1] if release is not None}
    return Record(
        old.model,
        old.environment,
        stable_name=None if old.stable is None else old.stable.name,
        candidate_name=None if old.candidate is None else old.candidate.name,
        percent=old.percent,
        releases=tuple(releases.values())[::-1],
        schema=SCHEMA_VERSION if old.stable is None else version,  # nothing is in the way where nothing serves
    )


def _release(value: Any, origin: str) -> Release:
    section = quoted_yaml.Section(value, origin)
    name = section.text("name")
    fields: dict[str, Any] = {text: section.text(text) for text in old_record.TEXTS}
    fields |= {flag: section.flag(flag) for flag in _FLAGS}
    left, proof = section.text_or_none("left"), _proof(section.value("proof"), f"proof of {origin}")
    section.end()
    try:
        release = Release(**fields, left=left, proof=proof)
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from error
    if release.name != name:
        raise ConfigurationError(f"{origin}: {name!r} is not the name of its digest and image, {release.name}")
    return release


def _proof(value: Any, origin: str) -> Proof | None:
    if value is None:
        return None
    section = quoted_yaml.Section(value, origin)
    proof = Proof(section.text("since"), section.text("spec"), section.text("evidence"))
    section.end()
    return proof
