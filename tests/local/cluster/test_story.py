"""`make cluster`, `make e2e` and `make cluster-down`, on a cluster that is played (tests/local/cluster/played.py)."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import git, variant
from local.clone import Clone
from local.cluster import __main__ as command
from local.cluster import act, names, repository, story, up
from local.cluster.act import EndToEnd
from local.cluster.kubectl import Gateway, Kubectl, Refresher
from local.expect import DemoFailed
from local.narrator import Narrator
from local.state import State
from local.supervisor import take_down
from release import settings
from tests.deadlines import ANSWER_SECONDS
from tests.local.cluster.played import Played

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(
        not shutil.which("kubectl"), reason="renders with kubectl: https://kubernetes.io/docs/tasks/tools/"
    ),
]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[State, Played]]:
    state = State(tmp_path / "cluster")
    played = Played(tmp_path / "played", state)
    monkeypatch.setenv("PATH", f"{played.bin}{os.pathsep}{os.environ['PATH']}")
    try:
        yield state, played
    finally:
        take_down(state)
        played.stop()


def publish(clone: Clone, strength: float) -> None:
    """A model into staging, as train.yml does; tests/local/test_train.py runs that file."""
    artifact = variant.make(clone.state.root / f"variant-{strength}", strength)
    words = ("--artifact", str(artifact), "--verdict", str(artifact.with_name("verdict.json")))
    uri = next(line for line in clone.python("-m", "release", "publish", *words) if line.startswith("s3://"))
    (digest,) = json.loads((clone.state.root / repository.IMAGES).read_text()).values()
    image = f"{settings.read(clone.folder).registry}@{digest}"
    clone.git("pull", "--quiet", "--rebase", "origin", git.BRANCH)
    clone.python("-m", "release", "deploy", "--env", "staging", "--uri", uri, "--image", image)


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Narrator]:
    with contextlib.closing(Narrator(tmp_path / "up.log")) as narrator:
        yield narrator


def test_the_whole_loop(
    state: tuple[State, Played], tell: Narrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing to a model that answers, then every act; each again does no harm, and nothing is left at the end."""
    location, played = state

    def train(clone: Clone, _: Narrator) -> None:
        (location.origin / "hooks/post-receive").unlink(missing_ok=True)
        if not git.run(location.origin, "branch").strip():
            clone.git("push", "--quiet", "origin", git.BRANCH)
            publish(clone, 1.0)

    monkeypatch.setattr(up, "train", train)
    monkeypatch.setattr(act, "SYNC_SECONDS", ANSWER_SECONDS)
    up.up(location, tell)
    up.up(location, tell)
    assert len([call for call in played.calls if call[:2] == ["kind", "create"]]) == 1
    assert [call[:3] for call in played.calls if call[0] == "helm"][:4] == [["helm", "upgrade", "--install"]] * 4
    clone, kubectl = repository.take(location, tell), Kubectl(location)
    host, ports = up.start_platform(location, up.Node(location), tell)

    def again(environment: str) -> None:
        up.give_keys(kubectl, location, environment, f"{host}:{ports.s3}")

    strengths = iter((10.0, 0.1))
    with Gateway(location) as gateway, Refresher(kubectl):
        e2e = EndToEnd(tell, clone, kubectl, dict.fromkeys(names.ENVIRONMENTS, gateway.url), again)
        story.tell(e2e, lambda: publish(clone, next(strengths)))
        with pytest.raises(DemoFailed, match="not"):
            e2e.shares("production", {"sha256:0": 100})
    output = (tmp_path / "up.log").read_text()
    assert "the artifact was made with scikit-learn 0.1.0" in output
    subjects = git.run(
        location.origin, "log", "--reverse", "--format=%s", "--", "gitops/models/iris/production"
    ).splitlines()
    words = [subject.partition(": ")[2].split()[0] for subject in subjects if subject.startswith("iris: ")]
    assert words == ["deploy", "give", "deploy", "give", "give", "give", "roll"], subjects
    command.down(location, tell)
    assert not location.is_up()
    assert played.calls[-1][:3] == ["kind", "delete", "cluster"]
    command.down(location, tell)
