"""The loop on one machine, as people run it: one of its canaries, decided by what a real Prometheus counted of it."""

import contextlib
from pathlib import Path

import pytest

from artifact.errors import ConfigurationError, StorageError
from local import git, loop, prometheus
from local.knative import Revision
from local.narrator import Narrator
from local.splitter import Splitter
from local.state import State
from release.gitops.folder import Folder


@pytest.fixture
def needs_prometheus() -> None:
    """A system package: `.ci/run` installs it, and a newcomer's machine may be without."""
    try:
        prometheus.program("prometheus")
    except ConfigurationError as error:
        pytest.skip(str(error))


@pytest.mark.story
@pytest.mark.usefixtures("needs_prometheus")
def test_an_image_that_kills_its_process_is_taken_back_by_its_traffic(tmp_path: Path) -> None:
    """Its requests end with 502 at the gateway: `release step` takes it back, and says so in the commit."""
    with contextlib.closing(Narrator(tmp_path / "log")) as tell:
        text = loop.show(State(tmp_path), tell, loop.CANARIES[-1:], drifts=False)
    assert text.decisions == ["an image that kills its process: taken back"]
    message = git.run(text.demo.state.origin, "log", "-1", "--format=%B", git.BRANCH)
    assert "Release-Command: step" in message
    assert "Release-Reason: errors: " in message
    assert "Analysis-Queries: max_over_time(gateway_requests_total{" in message
    assert text.page.read_text().count("<polyline") >= 2


@pytest.mark.usefixtures("needs_prometheus")
def test_a_prometheus_that_ended_is_said(tmp_path: Path) -> None:
    """The demo does not wait for what nobody counts: exit code 30, with the log to look into."""
    with prometheus.Prometheus(tmp_path) as server:
        server.check()
        server.stop()
        with pytest.raises(StorageError, match=r"Prometheus ended with exit code .*prometheus\.log"):
            server.check()


def test_a_release_that_is_ready_after_the_end_is_stopped(tmp_path: Path) -> None:
    """Interrupted while a predictor starts, the gateway leaves no process behind."""

    class Pod:
        port, stopped = 0, False

        def stop(self) -> None:
            self.stopped = True

    pod = Pod()
    splitter = Splitter(tmp_path, Folder("iris", "production"), lambda revision: pod)
    splitter._ended.set()
    splitter._run(Revision("iris-1", 1, "s3://bucket/a/", "image"))
    assert pod.stopped
    splitter._server.server_close()
