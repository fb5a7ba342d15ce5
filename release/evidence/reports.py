"""What Argo CD reports to GitHub: a deployment for the commit it synced, with the releases that are healthy there.

gitops/argocd/reports makes Argo CD write it, as a GitHub App of its own. Whoever may write statuses could write one
too: only what GitHub says the configured App wrote counts, the deployment and its status alike. The verdict is of a
commit: it counts for a release while the branch renders that release as that commit did.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from artifact.errors import ConfigurationError, StorageError
from release.change import Situation
from release.evidence.connection import Access, request
from release.evidence.sources import Source
from release.gitops.release import Release
from release.readiness import Unseen

API = "https://api.github.com"
TOKENS = ("REPORTS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
_DEPLOYMENTS = 30  # the newest commits that Argo CD synced this environment at
_HEALTHY = "healthy"
_OUTDATED = "inactive"  # GitHub's own word on what a later deployment follows: no verdict


def verdict_of(source: Source, situation: Situation, release: Release) -> str:
    """A sentence on the newest verdict that is of `release` as it is rendered now; Unseen (41) without a healthy one.

    StorageError (30) when GitHub does not answer; ConfigurationError (10) without a token.
    """
    namespace = situation.folder.namespace
    query = f"deployments?environment={quote(namespace)}&per_page={_DEPLOYMENTS}"
    for deployment in _newest_first(_get(source, query)):
        commit = str(deployment.get("sha"))
        if not _is_by(source, deployment) or deployment.get("environment") != namespace:
            continue
        if not _renders_the_same(situation, release, commit):
            continue
        statuses = _get(source, f"deployments/{int(deployment['id'])}/statuses?per_page=100")
        verdicts = [
            status for status in _newest_first(statuses) if _is_by(source, status) and status.get("state") != _OUTDATED
        ]
        if verdicts:
            return _require_success(verdicts[0], release, commit, namespace)
    raise Unseen(
        f"Argo CD has reported nothing on {release.name} in {namespace} as it is rendered now (App {source.app}, "
        f"{source.repository}): wait until it synced (--wait), and see that gitops/argocd/reports is applied"
    )


def _require_success(verdict: Mapping[str, Any], release: Release, commit: str, namespace: str) -> str:
    first, *names = str(verdict.get("description") or "none").split()
    suffix = release.name.rpartition("-")[2]
    # The state is of all that the Application holds; the names are of those that are healthy.
    if first == _HEALTHY and suffix in names:
        return f"Argo CD reports it synced and healthy at commit {commit[:12]}"
    answer = f"{verdict.get('description')!r:.160}"
    raise Unseen(
        f"Argo CD reports of {namespace} at commit {commit[:12]}: {answer}; {release.name} is not healthy there"
    )


def _renders_the_same(situation: Situation, release: Release, commit: str) -> bool:
    """Whether `commit` is part of the branch, and holds `release` rendered from what the tip renders it from."""
    tip, folder = situation.tip, situation.folder
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return False
    if commit != tip.commit and not tip.precedes(commit, tip.commit):
        return False
    there = tip.at(commit)
    entry = folder.read(there)[1].find(release.name)
    if entry is None or not entry.rendered:
        return False
    return folder.spec_digest(there, release) == folder.spec_digest(tip, release)


def _is_by(source: Source, item: Mapping[str, Any]) -> bool:
    app = item.get("performed_via_github_app")
    return isinstance(app, Mapping) and app.get("id") == source.app


def _newest_first(items: Any) -> list[Mapping[str, Any]]:
    return sorted((item for item in items if isinstance(item, Mapping)), key=lambda item: -int(item.get("id", 0)))


def _get(source: Source, path: str) -> Any:
    token = next((os.environ[name] for name in TOKENS if os.environ.get(name)), None)
    if token is None:
        raise ConfigurationError(f"GitHub is asked what Argo CD reports, and no token is set: give one in {TOKENS[0]}")
    base = os.environ.get("GITHUB_API_URL") or API
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "User-Agent": "modelpin"}
    try:
        reply = request(urlsplit(base), None, Access(headers=headers), "GET", f"/repos/{source.repository}/{path}")
        if reply.status != http.client.OK:
            raise ValueError(f"status {reply.status}")
        return json.loads(reply.body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StorageError(
            f"GitHub did not say what Argo CD reports of {source.repository} ({error!s:.200}): see that the token may "
            "read its deployments, then run this again"
        ) from error
