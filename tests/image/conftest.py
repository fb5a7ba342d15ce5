"""The image, built once a session by image.yml's own job from the unmodified Dockerfile."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image import base, registry
from tests.image.built import Buildah, Image
from tests.image.job import Job, Run

PIP_CONFIG = [Path(os.environ.get("PIP_CONFIG_FILE", "/etc/pip.conf")), Path.home() / ".config/pip/pip.conf"]


@dataclass(frozen=True)
class Built:
    """The job after its first run, with nothing in the registry before."""

    job: Job
    run: Run
    digest: str


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """image.yml, run once; skipped with one line where it cannot be."""
    if "image" not in (request.config.option.markexpr or ""):
        pytest.skip("builds the image, which takes minutes: make test PYTEST_ARGS='-m image'")
    if shutil.which("buildah") is None or os.geteuid() != 0:
        pytest.skip("building the image takes buildah and root: apt-get install buildah")
    folder = tmp_path_factory.mktemp("image")
    buildah = Buildah(folder)
    job = None
    try:
        secrets = [f"--secret=id=pip,src={path}" for path in PIP_CONFIG if path.is_file()][:1]
        with registry.running(folder / "registry") as server:
            job = Job(folder / "job", server, buildah, [*_base(buildah, folder), *secrets])
            run = job.run()
            assert run.succeeded, run.log[-6000:]
            yield Built(job, run, next(iter(registry.tags(server).values())))
    except base.Missing as missing:
        pytest.skip(str(missing))
    finally:
        if job is not None:
            job.close()
        for words in (("umount", "--all"), ("rm", "--all"), ("rmi", "--all", "--force")):
            buildah.run(*words, check=False)


def _base(buildah: Buildah, folder: Path) -> list[str]:
    """Options of a build for both platforms: a stand-in where the base image is not to be had."""
    if buildah.run("pull", base.NAME, check=False):
        return []
    context = base.make(folder)
    for platform in ("linux/amd64", "linux/arm64"):  # no step of the Dockerfile runs on the second: its name is enough
        buildah.run(
            *("bud", "--isolation", "chroot", "--platform", platform, "--manifest", base.STAND_IN),
            *("-f", "Containerfile", "."), cwd=context,
        )  # fmt: skip
    return ["--pull-never", f"--build-context={base.NAME}=container-image://{base.STAND_IN}"]


@pytest.fixture(scope="session")
def image(built: Built) -> Image:
    """The image of this machine's platform, taken from the registry."""
    buildah, name = built.job.buildah, f"docker://{built.job.image}@{built.digest}"
    container = buildah.run("from", "--tls-verify=false", name).strip()
    files = Path(buildah.run("mount", container).strip())
    (files / "mnt/models").mkdir(parents=True, exist_ok=True)  # as the kubelet makes the mount point
    config = json.loads(buildah.run("inspect", container))["OCIv1"]["config"]
    return Image(files, config, dict(entry.split("=", 1) for entry in config["Env"]))
