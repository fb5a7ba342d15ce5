"""The loop on one machine, as people run it: one of its canaries, decided by what a real Prometheus counted of it."""

import contextlib
from pathlib import Path

import pytest

from artifact.errors import ConfigurationError
from local import git, loop, prometheus
from local.narrator import Narrator
from local.state import State


@pytest.mark.story
def test_an_image_that_kills_its_process_is_taken_back_by_its_traffic(tmp_path: Path) -> None:
    """Its requests end with 502 at the gateway: `release step` takes it back, and says so in the commit."""
    try:
        prometheus.program("prometheus")
    except ConfigurationError as error:
        pytest.skip(str(error))
    with contextlib.closing(Narrator(tmp_path / "log")) as tell:
        text = loop.show(State(tmp_path), tell, loop.CANARIES[-1:], drifts=False)
    assert text.decisions == ["an image that kills its process: taken back"]
    message = git.run(text.demo.state.origin, "log", "-1", "--format=%B", git.BRANCH)
    assert "Release-Command: step" in message
    assert "Release-Reason: errors: " in message
    assert "Analysis-Queries: gateway_requests_total{" in message
    assert text.page.read_text().count("<polyline") >= 2
