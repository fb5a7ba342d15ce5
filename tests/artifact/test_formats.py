"""Artifacts of every format there ever was, as they were written then: they are read for ever.

formats/<schema_version>/ is the artifact that `tests.predictor.models.keepsake` made when that format was the newest.
None of its bytes ever changes; artifact/schema_version.py says when another folder joins it.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from artifact import load
from artifact.errors import IncompatibleError
from artifact.manifest import Manifest
from artifact.schema_version import READABLE, SCHEMA_VERSION

FORMATS = Path(__file__).parent / "formats"
DIGESTS = {
    1: "sha256-6f910b58a62330b11f3518eb1ecc76ec46ebb9679d3c87dda77bb6dd491f7435",
    2: "sha256-b31db8adb15cc08c00925bd93e712389fee00834c5b3359ed0b23bd0b5610939",
}
NAMES = ("size", "rooms", "smoker", "city")
ADDED = ("sold at", "built", "floors")  # of dtypes that format 2 has


def test_every_format_is_kept() -> None:
    """Each number that this version reads has its artifact here, the newest among them."""
    assert {int(folder.name) for folder in FORMATS.iterdir()} == set(READABLE) == set(DIGESTS)
    assert max(READABLE) == SCHEMA_VERSION


@pytest.mark.parametrize("number", sorted(DIGESTS))
def test_verifies(number: int) -> None:
    """It is whole, under the digest it had, and its manifest still means the same."""
    verified = load.verify(FORMATS / str(number), expected_digest=DIGESTS[number], name="keepsake")
    assert verified.manifest.signature.names == (NAMES if number == 1 else (*NAMES, *ADDED))
    assert (verified.manifest.decision is None) == (number == 1)
    assert [output.name for output in verified.manifest.signature.outputs] == ["label", "probabilities"]
    if number == SCHEMA_VERSION:
        assert Manifest.from_bytes((FORMATS / str(number) / "manifest.json").read_bytes()).digest == DIGESTS[number]


@pytest.mark.parametrize("number", sorted(DIGESTS))
def test_loads_with_its_own_libraries(number: int) -> None:
    """With the libraries it names it loads and repeats its golden answers; with others it is refused by name."""
    folder = FORMATS / str(number)
    libraries = load.verify(folder, expected_digest=DIGESTS[number]).manifest.libraries
    others = [name for name, version in libraries.items() if metadata.version(name) != version]
    if others:
        with pytest.raises(IncompatibleError, match=others[0]):
            load.load(folder, expected_digest=DIGESTS[number])
    else:
        assert load.load(folder, expected_digest=DIGESTS[number]).digest == DIGESTS[number]
