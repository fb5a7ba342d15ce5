"""Ask the candidate what users asked the stable release, from the inference log, and write what `step --shadow` takes.

Nothing is asked and nothing written where environment.yaml asks for no such evidence, or no candidate waits for its
first share of the traffic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from monitoring import arguments, labels, shadow
from release import command_line, state
from release.aws.policies import INFERENCE
from release.checkout import Checkout
from release.evidence import sources
from release.evidence.connection import Access
from release.git.branch import Branch, opened, tip
from release.gitops.folder import Folder
from release.gitops.release import Release
from release.readiness import Cluster


def compare(branch: Branch, cluster: Cluster, log: str, *, most: int, rate: float) -> tuple[dict[str, Any] | None, str]:
    """What `monitoring shadow` prints of the candidate that waits, or None; and a sentence.

    `log`: the folder, or s3://…, whose parts `digest=…` are of each release; of the stable one the newest `most`
    requests are asked, `rate` a second. UsageError (2) where the log has none, StorageError (30), GitError (50).
    """
    folder = cluster.folder
    with opened(branch) as git:
        head = tip(git, branch)
        environment, record = folder.read(head)
        access = sources.of(head, folder.environment).access
    if environment.analysis is None or environment.analysis.shadow is None:
        return None, f"{folder.path}/environment.yaml asks for no shadow requests"
    if record.stable is None or record.candidate is None or state.of(record) != "proving":
        return None, f"no candidate waits for its first share in {folder.environment}"
    rows = labels.read(f"{log.rstrip('/')}/digest={record.stable.digest}", "--log")
    pairs = shadow.compare(
        rows, _pods(cluster, access, record.stable), _pods(cluster, access, record.candidate), most, rate
    )
    return pairs.as_json(), pairs.line()


def _pods(cluster: Cluster, access: Access, release: Release) -> shadow.Release:
    address = cluster.by(access).release(release.name)
    return shadow.Release(address.url, release.model, address.host)


def main(argv: Sequence[str] | None = None) -> None:
    """As `compare`; the JSON goes to --out."""
    line = command_line.parser("shadow", __doc__)
    command_line.add_environment(line)
    command_line.add_gateway(line)
    line.add_argument("--out", type=arguments.page, required=True, metavar="FILE", help="for `step --shadow`")
    line.add_argument("--log", metavar="URI", help=f"default: s3://<bucket>/{INFERENCE}/<model>-<environment>")
    line.add_argument("--most", type=arguments.whole, default=1000, help="requests, the newest (%(default)s)")
    line.add_argument("--rate", type=arguments.positive, default=10.0, help="requests a second (%(default)s)")
    options, checkout = command_line.parse(line, argv), Checkout.current()
    folder: Folder = checkout.folder(options)
    log = options.log or f"s3://{checkout.settings.bucket}/{INFERENCE}/{folder.namespace}"
    cluster = Cluster(folder, checkout.settings.domain, options.gateway, joint=checkout.settings.joint)
    evidence, says = compare(checkout.remote(options.env), cluster, log, most=options.most, rate=options.rate)
    if evidence is not None:
        options.out.write_text(json.dumps(evidence, indent=2) + "\n", encoding="utf-8")
    print(says)
