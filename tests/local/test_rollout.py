"""The rules of KServe's canary, each seen in its source, that the commands of a release are made for."""

from local.rollout import Rollout, Wish

IMAGE = "registry.example.com/predictor@sha256:1"


class Cluster:
    """An InferenceService whose revisions become ready when they are told to."""

    def __init__(self) -> None:
        self.rollout = Rollout()

    def commit(self, model: str, percent: int | None = None, *, ready: bool = True) -> dict[str, int]:
        """Git says this; the traffic by model afterwards."""
        new = self.rollout.want(Wish("c", model, IMAGE, percent))
        if ready and new:
            self.rollout.answers(new)
        return self.traffic()

    def become_ready(self) -> dict[str, int]:
        assert self.rollout.created
        self.rollout.answers(self.rollout.created)
        return self.traffic()

    def traffic(self) -> dict[str, int]:
        shares: dict[str, int] = {}
        for revision, percent in self.rollout.traffic():
            shares[revision.uri] = shares.get(revision.uri, 0) + percent
        return shares


def test_canary_step_by_step() -> None:
    """A canary gets its percentage once it is ready, more with each commit, and everything when it is promoted."""
    cluster = Cluster()
    assert cluster.commit("a", ready=False) == {}
    assert cluster.become_ready() == {"a": 100}
    assert cluster.commit("b", 10, ready=False) == {"a": 100}
    assert cluster.become_ready() == {"b": 10, "a": 90}
    assert cluster.commit("b", 50) == {"b": 50, "a": 50}
    assert cluster.commit("b") == {"b": 100}
    assert cluster.commit("c", 20) == {"c": 20, "b": 80}


def test_plain_revert_sends_everybody_to_the_bad_model() -> None:
    """Taking the canary out of Git in one commit gives it everything until the stable model is up again."""
    cluster = Cluster()
    cluster.commit("stable")
    cluster.commit("bad", 10)
    assert cluster.commit("stable", ready=False) == {"bad": 100}
    assert cluster.become_ready() == {"stable": 100}


def test_rollback_in_two_commits_is_safe() -> None:
    """The stable model at 0 percent, then without one once it is ready: the bad model gets nothing from then on."""
    cluster = Cluster()
    cluster.commit("stable")
    cluster.commit("bad", 10)
    assert cluster.commit("stable", 0, ready=False) == {"bad": 0, "stable": 100}
    assert cluster.become_ready() == {"stable": 100}
    assert cluster.commit("stable") == {"stable": 100}


def test_rebuilt_cluster_ignores_the_percentage() -> None:
    """Where nothing was rolled out before, the canary gets everything."""
    assert Cluster().commit("bad", 10) == {"bad": 100}


def test_percentage_alone_reads_as_a_rollback() -> None:
    """A percentage for the model that has everything brings the one before it back."""
    cluster = Cluster()
    cluster.commit("a")
    cluster.commit("b")
    assert cluster.commit("b", 10) == {"b": 10, "a": 90}
