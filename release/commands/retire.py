"""Commit the removal of InferenceServices that nothing names any more.

Before that the command asks the cluster whether it still sends traffic to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from release import command_line, readiness, transitions
from release.change import Decision, Outcome, Request, Situation, apply
from release.checkout import Checkout
from release.clock import seconds_since
from release.commands.proof import elsewhere
from release.evidence import sources
from release.git.batch import AnyBranch
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.gitops.release import Release
from release.readiness import Cluster, Unseen, patiently

MIN_AGE = 3600.0


def retire(
    branch: AnyBranch, request: Request, *, folder: Folder, cluster: Cluster, min_age: float, wait: float = 0.0
) -> Outcome:
    """Commit the removal of InferenceServices that lost their traffic `min_age` seconds ago; the `ready` newest stay.

    A Route keeps its last assignment until Knative can apply the new one, and one sync of Argo CD may hold several
    commits. So the Route's hosts have to answer as Git says, unless the environment asks for no proof: Unseen (41).
    ConfigurationError (10), GitError (50).
    """

    def old(release: Release) -> bool:
        return release.left is not None and seconds_since(release.left) >= min_age

    def decide(situation: Situation) -> Decision:
        before = situation.record
        after = transitions.retire(before, situation.environment.ready, situation.barred, old)
        still = {release.name for release in after.releases if release.rendered}
        unnamed = [release for release in before.releases if release.rendered and release.name not in still]
        if not unnamed:
            return Decision(before, f"{folder.environment} keeps {', '.join(sorted(still)) or 'nothing'}")
        if situation.environment.proves and (problem := _not_applied(situation, cluster)) is not None:
            raise Unseen(f"nothing is retired in {folder.environment}: {problem}; wait until the cluster follows Git")
        names = ", ".join(release.name for release in unnamed)
        return Decision(
            after, f"retire {names} in {folder.environment}", unnamed[0], reason="nothing names it any more"
        )

    return patiently(wait, lambda: apply(branch, folder, request, decide))


def _not_applied(situation: Situation, cluster: Cluster) -> str | None:
    """None when the cluster has applied the Route, else a sentence that says what shows the opposite.

    Where its hosts are not asked, each release that the Route names has to be seen ready: Knative applies a Route once
    all of these are.
    """
    source, record = sources.of(situation.tip, situation.folder.environment), situation.record
    named = [record.stable, record.candidate if record.percent else None]
    if cluster.gateway is not None or source.kind == sources.HOSTS:
        return not_following(cluster.by(source.access), record)
    try:
        for release in named:
            if release is not None:
                elsewhere(source, situation, release)
    except Unseen as unseen:
        return str(unseen)
    return None


def not_following(cluster: Cluster, record: Record) -> str | None:
    """None when the Route of the cluster is the one that `record` calls for, else what answered, in one sentence.

    A Route is applied as a whole: when the host of its tag `stable` answers with the stable release, and that of
    `canary` with the canary or with nothing, no older assignment is left.
    """
    shares = (("stable", record.stable), ("canary", record.candidate if record.percent else None))
    for tag, release in shares:
        address = cluster.route(tag)
        if release is not None:
            if (problem := readiness.lacking(address, record.model, release)) is not None:
                return problem
        elif (answer := readiness.ask(address, record.model)).digest is not None:
            return f"{address} answers {answer}, and Git names no {tag} release"
    return None


def main(argv: Sequence[str] | None = None) -> None:
    """As `retire`."""
    line = command_line.parser("retire", __doc__)
    command_line.add_environment(line)
    line.add_argument(
        "--min-age",
        type=command_line.seconds,
        default=MIN_AGE,
        metavar="SECONDS",
        help="since its last traffic (%(default)s)",
    )
    command_line.add_gateway(line)
    command_line.add_wait(line)
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    folder = checkout.folder(arguments)
    outcome = retire(
        checkout.branch(folder.environment),
        checkout.request("retire", arguments),
        folder=folder,
        cluster=Cluster(folder, checkout.settings.domain, arguments.gateway, joint=checkout.settings.joint),
        min_age=arguments.min_age,
        wait=arguments.wait,
    )
    command_line.show([outcome], arguments)
