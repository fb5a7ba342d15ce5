"""image.yml itself, executed (tests/image/job.py): built, found, refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from image.registry import VERSION
from tests.image import registry
from tests.image.conftest import Built
from tests.image.job import REPOSITORY
from tests.image.signer import PROVENANCE, SBOM, Identity

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]
BUILDS = ["Build", "syft", "SBOM", "Push", "Attest provenance", "Attest SBOM", "Verify"]


def test_it_builds_attests_and_verifies_what_is_not_there(built: Built) -> None:
    """One tag of the inputs, an index of two platforms, whose images say which inputs they are of."""
    assert [name for name in built.run.steps if name in ("Find", *BUILDS)] == ["Find", *BUILDS]
    (tag,) = registry.tags(built.job.server)
    for architecture, machine in (("amd64", b"\x3e\x00"), ("arm64", b"\xb7\x00")):
        asked = ["skopeo", "inspect", "--config", "--override-os=linux", f"--override-arch={architecture}"]
        done = subprocess.run([*asked, f"docker://{built.job.image}@{built.digest}"], capture_output=True, check=True)
        config = json.loads(done.stdout)
        assert config["architecture"] == architecture
        assert config["config"]["Labels"][VERSION] == tag
        assert config["created"] == "1970-01-01T00:00:00Z"
        assert _machine(built, architecture) == machine, "e_machine of ELF, of a compiled module in it"


def test_the_sbom_lists_what_the_image_holds(built: Built) -> None:
    """CycloneDX, with every package of the serving lock, and those of Debian where the base says what it is of."""
    (sbom,) = built.job.sboms[:1]
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == f"{built.job.image}@{built.digest}"
    listed = {
        (one["name"].lower().replace("_", "-"), one["version"])
        for one in sbom["components"]
        if one["type"] == "library"
    }
    lock = (Path(__file__).parents[2] / "requirements/serving.txt").read_text().splitlines()
    pinned = {tuple(line.split()[0].split("==")) for line in lock if "==" in line and line[0] not in "# "}
    assert pinned <= listed
    assert sum("deb/" in one.get("purl", "") for one in sbom["components"]) > 20


def test_what_is_attested_is_found_and_nothing_is_built(built: Built) -> None:
    """The second run takes the first one's image by its tag, once its attestations hold."""
    run = built.job.run()
    assert run.succeeded, run.log[-4000:]
    assert "Find" in run.steps
    assert not set(BUILDS) & set(run.steps)
    assert f"digest={built.digest}" in run.log.replace(" ", "") or built.digest in run.log


def test_another_identity_is_refused_and_the_next_build_is_equal(built: Built) -> None:
    """Attested by another workflow alone: the run warns, builds again, and attests the same digest itself."""
    shutil.rmtree(next((built.job.folder.parent / "registry").rglob(f"tags/{built.digest.replace(':', '-')}")))
    built.job.identity = Identity(REPOSITORY, workflow=".github/workflows/other.yml")
    for kind in (PROVENANCE, SBOM):
        built.job.attest(built.digest, kind, {})
    built.job.identity = Identity(REPOSITORY)
    # What the other one said is still there, and must not stand in the way of what is right.
    run = built.job.run()
    assert run.succeeded, run.log[-6000:]
    assert [name for name in run.steps if name in ("Find", *BUILDS)] == ["Find", *BUILDS]
    assert "is not used, but built again" in run.log
    assert f"has {built.digest} already: this build is equal to that one" in run.log
    assert set(registry.tags(built.job.server).values()) == {built.digest}


def _machine(built: Built, architecture: str) -> bytes:
    """For which machine orjson's compiled module is, in the image of `architecture`."""
    name = f"docker://{built.job.image}@{built.digest}"
    container = built.job.buildah.run("from", "--tls-verify=false", f"--arch={architecture}", name).strip()
    files = Path(built.job.buildah.run("mount", container).strip())
    (module,) = (files / "opt/packages/orjson").glob("*.so")
    return module.read_bytes()[18:20]
