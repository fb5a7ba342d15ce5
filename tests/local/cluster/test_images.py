"""The image job of the embedded platform: its buildah, and what it names where `make cluster` built the image."""

import json
import subprocess
import sys
from pathlib import Path

from image.registry import VERSION
from local import image_stand_in
from local.cluster import repository
from local.state import State


def test_the_image_job_answers_with_what_the_node_has(tmp_path: Path) -> None:
    """The digest of the image that was built for the tag; a tag that was not built still names its inputs."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    def digest(tag: str) -> str:
        env = {"MODELPIN_LOCAL": str(tmp_path), "PATH": "/usr/bin:/bin"}
        layout = tmp_path / tag / "layout"
        for words in (["bud", "--label", f"{VERSION}={tag}", "."], ["manifest", "push", "--all", "n", f"oci:{layout}"]):
            subprocess.run([sys.executable, image_stand_in.__file__, *words], env=env, cwd=tmp_path, check=True)
        return str(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])

    of_inputs = digest("inputs-1")
    repository.name_image(State(tmp_path), "inputs-1", "sha256:1")
    repository.name_image(State(tmp_path), "inputs-2", "sha256:2")
    assert json.loads((tmp_path / repository.IMAGES).read_text()) == {"inputs-1": "sha256:1", "inputs-2": "sha256:2"}
    assert (digest("inputs-1 again"), digest("inputs-2"), digest("inputs-3")) == (of_inputs, "sha256:2", of_inputs)
