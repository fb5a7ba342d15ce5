"""A real cluster on this machine, by kind.

python -m local.cluster up      make it, or bring it up to date: KServe, Knative, Argo CD, S3, Git, a model that answers
python -m local.cluster test    the whole loop on it, from a push to scale to zero
python -m local.cluster down    remove it; what Git and S3 hold stays in .local/cluster, for the next one
"""

import argparse
import re
import signal
from collections.abc import Sequence
from types import FrameType

from artifact.command import run
from artifact.errors import ConfigurationError, ModelpinError
from local import expect
from local.clone import Clone
from local.cluster import failure, names, repository, story, up
from local.cluster.act import EndToEnd
from local.cluster.kubectl import Gateway, Kubectl, Refresher
from local.cluster.node import Node
from local.narrator import Narrator
from local.state import State
from local.supervisor import take_down


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it is done; what fails leaves what the cluster says of it in .local/cluster/failure."""
    parser = argparse.ArgumentParser(
        prog="python -m local.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["up", "test", "down"])
    chosen = parser.parse_args(argv).command
    signal.signal(signal.SIGTERM, _interrupt)  # the same orderly end as Ctrl-C
    state = names.STATE
    tell = Narrator(state.root / f"{chosen}.log")
    with tell.naming_the_log():
        if chosen == "down":
            down(state, tell)
            return 0
        try:
            (up.up if chosen == "up" else test)(state, tell)
        except ModelpinError:
            failure.collect(state, tell)
            raise
    tell.say(f"{tell.seconds:.0f} s; the log: {tell.log}")
    return 0


def test(state: State, tell: Narrator) -> None:
    """The whole loop; ConfigurationError when there is no cluster."""
    if not (state.is_up() and Node(state).exists()):
        raise ConfigurationError("no cluster is up: `make cluster` makes one")
    kubectl, clone = Kubectl(state), repository.take(state, tell)
    host, ports = up.start_platform(state, Node(state), tell)

    def again(environment: str) -> None:
        up.give_keys(kubectl, state, environment, f"{host}:{ports.s3}")

    with Gateway(state) as gateway, Refresher(kubectl):
        gateways = dict.fromkeys(names.ENVIRONMENTS, gateway.url)
        story.tell(EndToEnd(tell, clone, kubectl, gateways, again), lambda: push(clone))


def push(clone: Clone) -> None:
    """Change the regularisation in params.yaml to a value that it did not have before, and push."""
    text = (clone.folder / "params.yaml").read_text(encoding="utf-8")
    (before,) = re.findall(r"\bC: ([0-9.]+),", text)
    after = 10.0 if float(before) == 1.0 else 2 * float(before)
    clone.replace("params.yaml", f"C: {before},", f"C: {after},")
    expect.success(clone.push(f"Regularise less: C is {after}"))


def down(state: State, tell: Narrator) -> None:
    """Removes the cluster and stops the platform; either may be gone already."""
    take_down(state)
    Node(state).delete()
    tell.say(f"nothing runs any more; what Git and S3 hold is in {state.root}: remove it to begin anew")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run(main)
