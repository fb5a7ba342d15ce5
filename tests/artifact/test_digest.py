"""Digests, names and URIs: written one way, and nothing else is read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError

HEX = "0123456789abcdef" * 4
NAME = f"sha256-{HEX}"
URI = f"s3://bucket/some/prefix/iris/{NAME}/"


def test_canonical_json() -> None:
    """Equal values have equal bytes, whatever the order of their keys; what JSON cannot say is refused."""
    assert digest.canonical_json({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}\n'.encode()
    with pytest.raises(ValueError, match="JSON"):
        digest.canonical_json({"a": float("nan")})


def test_of_files_and_bytes(tmp_path: Path) -> None:
    """A file's digest is that of its bytes; a tree's does not depend on where it is, but on every name and byte."""
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert digest.of_file(tmp_path / "a") == digest.of_bytes(b"x" * 3_000_000)
    assert digest.of_bytes(b"") == "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    trees = []
    for folder, name, content in (("one", "f", "1"), ("two", "f", "1"), ("three", "g", "1"), ("four", "f", "2")):
        root = tmp_path / folder
        root.mkdir()
        (root / name).write_text(content)
        trees.append(digest.of_tree(root, root.iterdir()))
    assert trees[0] == trees[1]
    assert len(set(trees)) == 3


@pytest.mark.parametrize("text", [NAME, HEX])
def test_parse(text: str) -> None:
    """With or without its prefix it is the same digest."""
    assert digest.parse(text) == NAME


@pytest.mark.parametrize(
    "text", ["", "sha256-", HEX[:-1], HEX + "0", NAME.upper(), f"sha256:{HEX}", f" {NAME}", f"{NAME}\n"]
)
def test_no_digest(text: str) -> None:
    """Anything else is refused with the value."""
    with pytest.raises(ConfigurationError) as caught:
        digest.parse(text)
    assert f"{text!r} is not a digest" in str(caught.value)


def test_uri() -> None:
    """A storageUri is read into its parts and written back the same."""
    uri = ArtifactUri.parse(URI)
    assert uri == ArtifactUri("bucket", "some/prefix", "iris", NAME)
    assert (str(uri), uri.key) == (URI, URI.removeprefix("s3://bucket/"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        URI[:-1],
        URI + "x",
        URI.replace("s3:", "gs:"),
        URI.replace("/some/prefix", ""),
        URI.replace("iris", "Iris"),
        URI.replace("prefix", ".."),
        URI.replace("prefix", ""),
        URI.replace("bucket", "Bucket_"),
        URI.replace(NAME, "v1"),
        URI.replace("sha256-", "sha256:"),
        URI + "\n",
    ],
)
def test_no_uri(text: str) -> None:
    """Anything else is refused with the value and the form that is right."""
    with pytest.raises(ConfigurationError):
        ArtifactUri.parse(text)


@pytest.mark.parametrize("name", ["a", "iris", "iris-2", "0", "x" * 63])
def test_model_name(name: str) -> None:
    """A model's name is a DNS label: it names an InferenceService, a folder and an S3 segment alike."""
    assert digest.model_name(name) == name


@pytest.mark.parametrize("name", ["", "Iris", "a_b", "a.b", "-a", "a-", "x" * 64, "a/b", "..", "ü", "a\n"])
def test_no_model_name(name: str) -> None:
    """Anything else is refused with the value."""
    with pytest.raises(ConfigurationError) as caught:
        digest.model_name(name)
    assert f"{name!r} cannot name a model" in str(caught.value)
