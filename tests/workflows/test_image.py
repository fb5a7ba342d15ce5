"""image.yml and the targets it calls: what an image is named after, and what the workflow does in which order.

tests/image asks a real registry; here programs of a line stand for skopeo, which no newcomer's machine needs to have.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tests.workflows.files import ROOT, workflow


def test_an_image_is_named_after_what_goes_into_it(tmp_path: Path) -> None:
    """The tag is the same for a commit that changes docs, another for one that changes anything in the image."""
    files = [
        "Dockerfile",
        ".dockerignore",
        "requirements/serving.txt",
        "requirements/extras/chosen.txt",
        "predictor/x.py",
        "artifact/x.py",
        "features/x.py",
        "initializer/x.py",
        "shipper/x.py",
    ]
    shutil.copy(ROOT / "Makefile", tmp_path)

    def tag(path: str, text: str) -> str:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        for command in (["git", "init", "-q"], ["git", "add", "."], [*git, "commit", "-q", "-m", "x"]):
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        done = subprocess.run(
            ["make", "--silent", "image-find", "PYTHON=echo"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        printed = re.fullmatch(r"-m image find (inputs-[0-9a-f]{20})\n", done.stdout)
        assert printed, done.stdout
        return printed[1]

    for path in files:
        first = tag(path, "1\n")
    assert tag("README.md", "docs\n") == first
    assert {tag(path, "2\n") for path in files}.isdisjoint({first})


def test_a_registry_without_the_image_is_no_error(tmp_path: Path) -> None:
    """`make image-find` prints an empty digest, and the next step builds; one that refuses, or that was never asked,
    ends with 30."""
    skopeo = tmp_path / "skopeo"
    skopeo.write_text("#!/bin/sh\necho 'manifest unknown' >&2\nexit 1\n")
    skopeo.chmod(0o755)
    command = ["make", "--silent", "image-find"]
    env = {"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    assert (done.returncode, done.stdout) == (0, "digest=\n"), done.stderr
    for words in (
        "unauthorized: your authorization token has expired",
        "getting username and password: docker-credential-ecr-login: executable file not found in PATH",
    ):
        skopeo.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
        command = ["python3", "-m", "image", "find", f"inputs-{'0' * 20}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
        assert done.returncode == 30
        assert words in done.stderr


def test_an_image_is_attested_and_verified_before_it_is_named() -> None:
    """Find or build, list, push, attest, verify: each step of a build only where nothing was found."""
    steps = workflow("image.yml")["jobs"]["image"]["steps"]
    names = [step["name"] for step in steps if "name" in step]
    assert names == [
        *("Settings", "Find", "Build", "syft", "SBOM", "Push", "Attest provenance", "Attest SBOM", "Verify", "Scan")
    ]
    named = {step["name"]: step for step in steps if "name" in step}
    for name in names[2:-1]:
        assert named[name]["if"].startswith("steps.find.outputs.digest == ''"), name
    for name in ("Attest provenance", "Attest SBOM"):
        inputs = named[name]["with"]
        assert inputs["subject-digest"] == "${{ steps.build.outputs.digest }}"
        assert inputs["push-to-registry"] is True
    assert "sbom-path" in named["Attest SBOM"]["with"]
    scan = named["Scan"]["with"]
    assert (scan["fail-build"], scan["severity-cutoff"], scan["only-fixed"]) == (True, "high", True)
