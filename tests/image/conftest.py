"""The image, built once a session from the unmodified Dockerfile."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import base
from tests.image.built import Buildah, Image

ROOT = Path(__file__).parents[2]
PIP_CONFIG = [Path(os.environ.get("PIP_CONFIG_FILE", "/etc/pip.conf")), Path.home() / ".config/pip/pip.conf"]


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The Dockerfile's image, built by buildah in a storage of its own; skipped with one line where it cannot be."""
    if "image" not in (request.config.option.markexpr or ""):
        pytest.skip("builds the image, which takes minutes: make test PYTEST_ARGS='-m image'")
    if shutil.which("buildah") is None or os.geteuid() != 0:
        pytest.skip("building the image takes buildah and root: apt-get install buildah")
    folder = tmp_path_factory.mktemp("image")
    buildah = Buildah(folder)
    try:
        stand_in = []
        if not buildah.run("pull", base.NAME, check=False):
            context = base.make(folder)
            buildah.run("bud", "--isolation", "chroot", "-t", base.STAND_IN, "-f", "Containerfile", ".", cwd=context)
            stand_in = [f"--build-context={base.NAME}=container-image://{base.STAND_IN}"]
        secrets = [f"--secret=id=pip,src={path}" for path in PIP_CONFIG if path.is_file()][:1]
        buildah.run(
            "bud", "--isolation", "chroot", "--pull-never", *stand_in, *secrets, "-t", "predictor", ".", cwd=ROOT
        )
        container = buildah.run("from", "--pull-never", "localhost/predictor").strip()
        files = Path(buildah.run("mount", container).strip())
        (files / "mnt/models").mkdir(parents=True, exist_ok=True)  # as the kubelet makes the mount point
        config = json.loads(buildah.run("inspect", container))["OCIv1"]["config"]
        yield Image(files, config, dict(entry.split("=", 1) for entry in config["Env"]))
    except base.Missing as missing:
        pytest.skip(str(missing))
    finally:
        buildah.run("umount", "--all", check=False)
        buildah.run("rm", "--all", check=False)
        buildah.run("rmi", "--all", "--force", check=False)
