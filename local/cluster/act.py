"""What the acts of the end-to-end test use: commands, the cluster's state beside Git's, and who answers requests."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml

from artifact.errors import StorageError
from local import git
from local.clone import Clone
from local.cluster import names, waiting
from local.cluster.kubectl import Verdict, traffic_of
from local.cluster.repository import DOMAIN
from local.expect import DemoFailed
from local.load import BODY
from local.narrator import Narrator
from local.release_in_git import ReleaseInGit, read
from release.evidence.connection import request
from release.gitops.folder import Folder
from release.gitops.release_file import FILE
from release.readiness import DIGEST_HEADER
from release.readiness import Cluster as Hosts

SYNC_SECONDS = 600.0  # until the cluster is as Git says: images are pulled, models load, all on a few cores
REST_SECONDS = 300.0  # until pods that nobody asks are gone: 60 s of quiet, and up to 60 s of their own end
ANSWERS = 200  # requests by which a split is judged
_ASK_SECONDS = 60.0
_PATH = f"/v1/models/{names.MODEL}:predict"


class Cluster(Protocol):
    """What the acts ask of a cluster."""

    def verdict(self, environment: str) -> Verdict: ...

    def traffic(self, environment: str) -> list[dict[str, Any]]: ...

    def pods(self, environment: str) -> int: ...

    def failure(self, environment: str, release: str) -> str: ...

    def forget(self, environment: str) -> None: ...


@dataclass
class EndToEnd:
    """What the acts share."""

    tell: Narrator
    clone: Clone
    cluster: Cluster
    gateways: Mapping[str, str]  # by environment: where its hosts are asked
    again: Callable[[str], None]  # gives a namespace that was removed what Git does not hold
    took: list[tuple[str, float]] = field(default_factory=list)  # what was measured, and its seconds

    def measured(self, event: str, start: float) -> None:
        """Note how long it took since `start`, of time.monotonic()."""
        self.took.append((event, time.monotonic() - start))

    def release(self, command: str, *options: str) -> None:
        """`python -m release COMMAND`, as a person types it."""
        self.tell.say(f"$ python -m release {command} {' '.join(options)}")
        self.clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
        self.clone.python("-m", "release", command, *options, show=True)

    def in_git(self, environment: str) -> ReleaseInGit:
        """The release that has the traffic by what Git says."""
        return read(self.clone.state, names.MODEL, environment)

    def settled(self, environment: str, *, health: str = "Healthy") -> None:
        """Wait until the cluster has what Git says, and Argo CD says `health` of it."""

        def look() -> str:
            want, have = self._named_traffic(environment), self.cluster.traffic(environment)
            verdict = self.cluster.verdict(environment)
            if have != want:
                return f"the Route sends {_short(have)}, Git says {_short(want)} ({verdict})"
            return "" if verdict == Verdict("Synced", health) else str(verdict)

        start = time.monotonic()
        waiting.until(self.tell, f"{environment} as Git says, {health}", look, seconds=SYNC_SECONDS)
        self.measured(f"{environment} as Git says, {health}", start)

    def degraded(self, environment: str, release: str) -> None:
        """Wait until Argo CD's verdict on an environment is Degraded, and say what KServe passes on of the reason."""

        def look() -> str:
            verdict = self.cluster.verdict(environment)
            return "" if verdict.health == "Degraded" else str(verdict)

        waiting.until(self.tell, f"{environment} Degraded", look, seconds=SYNC_SECONDS)
        self.tell.say(f"KServe says of {release}: {self.cluster.failure(environment, release) or 'nothing'}")

    def at_rest(self, environment: str) -> None:
        """Wait until nothing runs any more; Argo CD still says that all is well."""

        def look() -> str:
            count = self.cluster.pods(environment)
            return f"{count} pods" if count else ""

        waiting.until(self.tell, f"{environment} scaled to zero", look, seconds=REST_SECONDS)
        self.settled(environment)

    def shares(self, environment: str, percent: Mapping[str, int], *, within: int = 12) -> None:
        """Ask the Route ANSWERS times, and hold who answered to `percent` (digest → share), `within` points of it.

        12 points are five standard errors of 200 answers at a share of 10 percent, and over three at 50.
        """
        answers = Counter(self.answer(environment) for _ in range(ANSWERS))
        counts = ", ".join(f"{digest[:19]} {count}" for digest, count in answers.most_common())
        self.tell.say(f"of {ANSWERS} requests: {counts}")
        for digest in {*answers, *percent}:
            share = percent.get(digest, 0)
            if abs(100 * answers[digest] / ANSWERS - share) > (within if 0 < share < 100 else 0):
                raise DemoFailed(f"{environment} answered {dict(answers)}, not {dict(percent)} percent")

    def answer(self, environment: str) -> str:
        """The digest of what answers the Route's host; DemoFailed for anything but a 200."""
        address = Hosts(Folder(names.MODEL, environment), DOMAIN, self.gateways[environment]).route()
        headers = {"Content-Type": "application/json"}
        try:
            reply = request(
                urlsplit(address.url), address.host, address.access, "POST", _PATH, BODY, headers, _ASK_SECONDS
            )
        except (OSError, http.client.HTTPException) as error:
            raise DemoFailed(f"{address.host} did not answer: {error!r}") from error
        if reply.status != 200:
            raise DemoFailed(f"{address.host} answered {reply.status}: {reply.body[:200]!r}")
        return reply.headers.get(DIGEST_HEADER, "")

    def _named_traffic(self, environment: str) -> list[dict[str, Any]]:
        """The traffic that Git's Route names."""
        origin = self.clone.state.origin
        text = git.show(origin, git.BRANCH, f"{Folder(names.MODEL, environment).path}/{FILE}") or ""
        routes = [document for document in yaml.safe_load_all(text) if document and document["kind"] == "Route"]
        if not routes:
            raise StorageError(f"{git.BRANCH} has no Route of {environment}: nothing serves there by what Git says")
        return [traffic_of(target) for target in routes[0]["spec"]["traffic"]]


def _short(traffic: list[dict[str, Any]]) -> str:
    return ", ".join(f"{target['configurationName']} {target['percent']}" for target in traffic) or "nothing"
