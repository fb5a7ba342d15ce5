"""The reports of what has traffic, from the bucket that holds their artifacts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass

from artifact.digest import ArtifactUri
from artifact.errors import IntegrityError, StorageError
from release.bucket.store import Patience, Store
from release.commit_message import short
from release.gitops.release import Release
from release.page import report_archive
from release.page.site_data import SiteData
from release.page.training_report import TrainingReport
from release.settings import Settings

FOLDER = "reports/"  # of the site
_PATIENCE = Patience(connect=3.0, read=10.0, last_start=0.0)  # a page rather lacks a report than lets people wait
_AGAIN_SECONDS = 60.0  # after which a bucket that did not answer is asked again


@dataclass(frozen=True)
class PublishedReport:
    """The report of one artifact, at `path` of the site; without one `reason` says why, and what to do."""

    path: str
    report: TrainingReport | None
    reason: str = ""


class PublishedReports:
    """Each is fetched once: what is published stays as it is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fetched: dict[str, PublishedReport] = {}
        self._failure = (float("-inf"), "")  # when the bucket did not answer, and what was said

    def of(self, site: SiteData) -> Mapping[str, PublishedReport]:
        """Digest → report, of each artifact that has traffic or is about to."""
        releases = {
            share.release.digest: share.release
            for model in site.models
            for environment in model.environments
            for share in environment.shares
        }
        return {digest: self._report(release) for digest, release in releases.items()}

    def _report(self, release: Release) -> PublishedReport:
        if release.digest in self._fetched:
            return self._fetched[release.digest]
        uri = ArtifactUri.parse(release.uri)
        folder = short(release.digest)
        path = f"{FOLDER}{folder}.html"
        if time.monotonic() - self._failure[0] < _AGAIN_SECONDS:
            return PublishedReport(path, None, self._failure[1])
        try:
            store = Store(dataclasses.replace(self._settings, bucket=uri.bucket), _PATIENCE)
            data = store.get(f"{uri.about}{report_archive.FILE}")
            if data is None:
                reason = (
                    f"s3://{uri.bucket}/{uri.about} holds none: it was published without a report beside it; the "
                    "workflow run of its commit may still have one"
                )
                return PublishedReport(path, None, reason)
            report = report_archive.unpack(data, release.digest, folder, FOLDER)
        except IntegrityError as error:
            return PublishedReport(path, None, str(error))
        except StorageError as error:
            self._failure = (time.monotonic(), f"the bucket was not read, log in to it and look again: {error}")
            return PublishedReport(path, None, self._failure[1])
        self._fetched[release.digest] = PublishedReport(path, report)
        return self._fetched[release.digest]
