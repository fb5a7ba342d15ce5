"""The Dockerfile, read: what is copied, installed and run. tests/image/test_built.py looks at what it makes."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
COPIED = re.findall(r"^COPY (?!--from)(\S+) ", TEXT, re.M)


def test_only_what_serves_is_copied() -> None:
    """Five packages of ours, the serving lock and the chosen extras, and nothing that trains."""
    locks = ["requirements/extras/chosen.txt", "requirements/serving.txt"]
    assert sorted(COPIED) == ["artifact", "features", "initializer", "predictor", *locks, "shipper"]


def test_nothing_else_reaches_the_build() -> None:
    """.dockerignore is an allow-list of exactly what the Dockerfile copies."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule[0] == "!") == sorted(COPIED)


def test_the_tag_of_the_image_is_made_from_all_that_goes_into_it() -> None:
    """`make image-find` hashes the Dockerfile, its allow-list and everything copied: an unchanged image is found."""
    inputs = re.search(r"^IMAGE_INPUTS = (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert inputs
    assert set(inputs[1].split()) == {"Dockerfile", ".dockerignore", *COPIED}


def test_packages_are_installed_by_hash_as_wheels() -> None:
    """pip checks every package against the lock and runs no build script."""
    install = re.search(r"pip .*?install(.*?)\n\S", TEXT, re.S)
    assert install
    assert "--require-hashes" in install[1]
    assert "--only-binary :all:" in install[1]


def test_it_runs_as_a_number_that_is_not_root() -> None:
    """runAsNonRoot can be checked by the kubelet, which needs a number; base/serving-runtime.yaml has the same one."""
    user = re.findall(r"^USER (\d+):(\d+)$", TEXT, re.M)
    assert user == [("10001", "10001")]
    runtime = (ROOT / "gitops/base/serving-runtime.yaml").read_text()
    assert re.findall(r"runAs(?:User|Group): (\d+)", runtime) == ["10001", "10001"]
