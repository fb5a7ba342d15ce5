"""Since when a release has its share of the traffic, from the branch's history: an analysis counts from then on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from release.git.tip import Tip
from release.gitops import record as records
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.gitops.release import Release


@dataclass(frozen=True)
class Period:
    """`release` has `percent` of the traffic since `since_here`, and some since `since`: seconds since 1970.

    `first_percent`: what it began with. `beside`: the release that has the rest, or, with 100 percent, had it before.
    """

    release: Release
    beside: Release
    percent: int
    first_percent: int
    since: float
    since_here: float

    @property
    def bakes(self) -> bool:
        """Whether the release has all of the traffic."""
        return self.percent == 100


def of(tip: Tip, folder: Folder, record: Record) -> Period | None:
    """The period of the canary, or of a release that was given all traffic and may still be taken back by itself.

    None where nothing is to be watched: no candidate with traffic, and no release that it was promoted over.
    """
    path = f"{folder.path}/{records.FILE}"
    if record.candidate is not None:
        versions = ((version.seconds, records.parse(version.text, path)) for version in tip.history(path))
        return _canary(record, versions) if record.percent else None
    stable = record.stable
    before = next(
        (release for release in record.releases if stable and release is not stable and release.left == stable.since),
        None,
    )
    if stable is None or before is None or before.rejected:
        return None
    since = datetime.fromisoformat(stable.since).timestamp()
    return Period(stable, before, 100, 100, since, since)


def _canary(record: Record, versions: Iterable[tuple[float, Record]]) -> Period | None:
    candidate, stable, percent = record.candidate, record.stable, record.percent
    if candidate is None or stable is None or percent is None:
        return None
    since = since_here = None
    first = percent
    same_share = True
    for seconds, version in versions:
        if (version.candidate_name, version.stable_name) != (
            record.candidate_name,
            record.stable_name,
        ) or not version.percent:
            break
        same_share = same_share and version.percent == percent
        since, first = seconds, version.percent
        since_here = seconds if same_share else since_here
    if since is None or since_here is None:
        return None
    return Period(candidate, stable, percent, first, since, since_here)
