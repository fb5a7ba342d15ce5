"""Evidence from Prometheus: pods that were ready with a release's digest, under its name."""

from __future__ import annotations

import time

from monitoring.prometheus import Grid, Prometheus, matcher
from release.change import Situation
from release.gitops.folder import Folder
from release.gitops.release import Release
from release.readiness import Unseen

_WINDOW = 600  # seconds: a release that nobody asks is scaled to zero after a minute or two


def ready_pods(url: str, situation: Situation, release: Release) -> str:
    """A sentence on the pods of `release` that were ready lately; Unseen (41) without any, StorageError (30).

    A pod is ready only after it verified the artifact's bytes and replayed its golden requests by itself.
    """
    folder = situation.folder
    series = Prometheus(url).range(query(folder, release), Grid(float(int(time.time())), 15.0, 1))
    pods = int(max((float(item.values[0]) for item in series), default=0.0))
    if pods < 1:
        raise Unseen(
            f"Prometheus at {url} saw no pod of {release.name} ready in {folder.namespace} within {_WINDOW} s: wait "
            "until the cluster has it (--wait), or ask it a question, so that it starts"
        )
    return f"Prometheus saw {pods} pod(s) ready with its digest within {_WINDOW} s"


def query(folder: Folder, release: Release) -> str:
    """PromQL: the most pods of `release` that were ready at once, lately; no series when there was none."""
    named = matcher(
        "modelpin_model_info",
        namespace=folder.namespace,
        model=folder.model,
        digest=release.digest,
        release=release.name,
    )
    return f"max_over_time(sum(({named} * on (instance, job) group_left () modelpin_ready) > 0)[{_WINDOW}s:15s])"
