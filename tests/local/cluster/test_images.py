"""The image job of the embedded platform, where `make cluster` built the image."""

import json
import subprocess
import sys
from pathlib import Path

from local.cluster import repository
from local.runner import STAND_INS
from local.state import State

PROGRAM = STAND_INS / "docker/build-push-action/digest.py"


def test_the_image_job_answers_with_what_the_node_has(tmp_path: Path) -> None:
    """The digest of the image that was built for the tag; a tag that was not built still names its inputs."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    def digest(tag: str) -> str:
        env = {
            "CONTEXT": str(tmp_path),
            "DOCKERFILE": "",
            "ARGUMENTS": "",
            "PLATFORMS": "",
            "TAGS": f"r.example.com:1/p:{tag}",
        }
        env |= {"MODELPIN_LOCAL": str(tmp_path), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [sys.executable, PROGRAM], env=env, capture_output=True, text=True, check=True
        ).stdout.strip()

    of_inputs = digest("inputs-1")
    repository.name_image(State(tmp_path), "inputs-1", "sha256:1")
    repository.name_image(State(tmp_path), "inputs-2", "sha256:2")
    assert json.loads((tmp_path / repository.IMAGES).read_text()) == {"inputs-1": "sha256:1", "inputs-2": "sha256:2"}
    assert (digest("inputs-1"), digest("inputs-2"), digest("inputs-3")) == ("sha256:1", "sha256:2", of_inputs)
