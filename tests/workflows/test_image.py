"""image.yml: under which tag an image is looked for, and pushed."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.workflows.files import ROOT


def test_an_image_is_named_after_what_goes_into_it(tmp_path: Path) -> None:
    """`make image-find`: the same tag for a commit that changes docs, another for one that changes the predictor."""
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
        # Without a registry nothing is found, and the next step builds.
        done = subprocess.run(
            ["make", "--silent", "image-find", "REGISTRY=127.0.0.1:1/none"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = re.fullmatch(r"tag=(inputs-[0-9a-f]+)\ndigest=\n", done.stdout)
        assert found, done.stdout
        return found[1]

    for path in files:
        first = tag(path, "1\n")
    assert tag("README.md", "docs\n") == first
    assert {tag(path, "2\n") for path in files}.isdisjoint({first})


def test_a_rebuild_has_a_tag_of_its_own(tmp_path: Path) -> None:
    """In a registry whose tags are immutable a rebuild is pushed under the next number, and is what is taken then."""
    docker = tmp_path / "docker"
    # A registry's answer: the digest of a tag that it has, else an error.
    docker.write_text(f'#!/bin/sh\ncat {tmp_path}/tags/"${{4##*:}}" 2>/dev/null\n')
    docker.chmod(0o755)
    (tmp_path / "tags").mkdir()

    def found(**variables: str) -> dict[str, str]:
        done = subprocess.run(
            ["make", "--silent", "image-find"], cwd=ROOT, capture_output=True, text=True, check=True,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "REGISTRY": "r/p", **variables},
        )  # fmt: skip
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def push(digest: str, **variables: str) -> str:
        tag = found(**variables)["tag"]
        (tmp_path / "tags" / tag).write_text(f'"{digest}"\n')
        return tag

    first = push("sha256:1")
    assert found() == {"tag": first, "digest": "sha256:1"}
    assert push("sha256:2", REBUILD="true") == f"{first}-2"
    assert found() == {"tag": f"{first}-2", "digest": "sha256:2"}
    assert push("sha256:3", REBUILD="true") == f"{first}-3"
    assert found() == {"tag": f"{first}-3", "digest": "sha256:3"}
