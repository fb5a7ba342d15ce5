"""Versions of installed libraries, as the check before loading reads them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from artifact import environment
from artifact.engines.table import ONNX


@pytest.mark.parametrize("name", [*environment.needed_by([ONNX]), "pandas", "kserve"])
def test_a_version_is_what_the_standard_library_reads(name: str) -> None:
    """The one line that is read says the same as the whole file."""
    assert environment.installed_version(name) == metadata.version(name)


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("x_y-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: x-y\nVersion: 1.0+cpu\n\nVersion: 9\n", "1.0+cpu"),
        ("x_y-1.0.dist-info/METADATA", "Name: x-y\r\nVersion:  1.0 \r\n\r\nVersion: 9\r\n", "1.0"),
        ("x_y-1.0.egg-info/PKG-INFO", "Metadata-Version: 1.1\nName: x-y\nVersion: 1.0\n", "1.0"),
    ],
)
def test_a_version_stands_in_the_head(
    file: str, text: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A description that has such a line is not read for it, and a distribution without METADATA has its version."""
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_bytes(text.encode())
    monkeypatch.syspath_prepend(tmp_path)
    assert environment.installed_version("x-y") == version


def test_what_is_not_installed_has_no_version() -> None:
    """The error of the standard library says so."""
    with pytest.raises(metadata.PackageNotFoundError):
        environment.installed_version("no-such-distribution")
