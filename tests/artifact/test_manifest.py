"""The manifest: one byte form, whose digest is the artifact's name, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from artifact import digest
from artifact.errors import ConfigurationError, IncompatibleError, IntegrityError
from artifact.manifest import Manifest
from tests.predictor.models import Packaged


@pytest.fixture
def data(iris: Packaged) -> bytes:
    """A manifest's bytes."""
    return (iris.directory / "manifest.json").read_bytes()


def changed(data: bytes, **changes: Any) -> bytes:
    """The manifest with other values; None takes a key out."""
    value = {**json.loads(data), **changes}
    return json.dumps({key: item for key, item in value.items() if changes.get(key, "") is not None}).encode()


def test_byte_stable(data: bytes) -> None:
    """Read and written again it is the same bytes, and its digest is the artifact's name."""
    manifest = Manifest.from_bytes(data)
    assert manifest.to_bytes() == data
    assert manifest.digest == digest.of_bytes(data)


def test_schema_version_comes_first(data: bytes) -> None:
    """A person, and `head`, see the format's number before anything else; the file ends with a newline."""
    assert data.startswith(b'{\n  "schema_version": 2,\n  "model": "iris",\n')
    assert data.endswith(b"}\n")


def test_order_does_not_matter(data: bytes) -> None:
    """Parameters and metrics in another order are the same manifest."""
    manifest = replace(
        Manifest.from_bytes(data), parameters={"b": {"y": 1, "x": 2}, "a": 1}, metrics={"z": 1.0, "a": 0.5}
    )
    other = replace(manifest, parameters={"a": 1, "b": {"x": 2, "y": 1}}, metrics={"a": 0.5, "z": 1.0})
    assert manifest.to_bytes() == other.to_bytes()


def test_content_only(data: bytes) -> None:
    """Nothing of when, where and by whom: only these keys."""
    keys = "schema_version model engines files signature decision weight data_digest parameters metrics libraries"
    assert list(json.loads(data)) == [*keys.split(), "features"]


@pytest.mark.parametrize("wrong", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}])
def test_parameters_are_json(data: bytes, wrong: dict[str, Any]) -> None:
    """What JSON cannot write is refused by the name of the part."""
    with pytest.raises(ConfigurationError, match="parameters: "):
        replace(Manifest.from_bytes(data), parameters=wrong).to_bytes()


@pytest.mark.parametrize("version", [0, 3, 999, "1", None, 1.5, 1.0, True, [1], {}])
def test_another_version(data: bytes, version: Any) -> None:
    """Another format's number is 22 with the number and the remedy, whatever else the file holds."""
    value = {**json.loads(data), "schema_version": version, "more": 1}
    with pytest.raises((IncompatibleError, IntegrityError)) as caught:
        Manifest.from_bytes(json.dumps(value).encode())
    assert caught.value.exit_code == 22
    assert f"schema_version {version!r}" in str(caught.value)
    assert "use the image of its release" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [b"", b"{}", b"[]", b"5", b'"x"', b"null", b"\xff", b"{", b"[" * 100_000, b'{"schema_version":1}'],
    ids=lambda value: repr(value[:20]),
)
def test_no_manifest(wrong: bytes) -> None:
    """Anything else is 20."""
    with pytest.raises(IntegrityError, match=r"manifest\.json is not (a manifest|JSON of an artifact)"):
        Manifest.from_bytes(wrong)


ENGINE = {"name": "sklearn", "batching": True, "most_rows": None}
FILE = {"path": "model.joblib", "size": 1, "sha256": "sha256-" + "0" * 64}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"more": 1}, "'more'"),
        ({"engines": None}, "'engines'"),
        ({"engine": {"name": "sklearn", "batching": True}}, "'engine'"),
        ({"engines": []}, "the last of 'engines'"),
        ({"engines": [{**ENGINE, "most_rows": 5}]}, "the last of 'engines' is not for any number of rows"),
        ({"engines": [{**ENGINE, "most_rows": 5}, {**ENGINE, "most_rows": 5}, ENGINE]}, "not ordered by the rows"),
        ({"engines": [{**ENGINE, "most_rows": True}]}, "its most rows"),
        ({"engines": [{"name": "sklearn", "batching": True, "rows": 1}]}, "its most rows"),
        ({"decision": {"thresholds": [0.5]}}, "does not fit a classification of 3"),
        ({"decision": {"thresholds": [0.5, 0.2, 0]}}, "does not fit a classification of 3"),
        ({"decision": {"costs": [[0, 1, 2], [1, 0, 1], [1, 1]]}}, "does not fit a classification of 3"),
        ({"decision": {"votes": [1]}}, ""),
        ({"weight": 5}, "'weight' is 5"),
        ({"model": "Iris"}, "'Iris' cannot name a model"),
        ({"model": "../iris"}, "'../iris'"),
        ({"data_digest": "md5-1"}, "'md5-1' is not a digest"),
        ({"files": 5}, ""),
        ({"files": [{}]}, ""),
        ({"files": [{**FILE, "path": "../model"}]}, "'../model' cannot be a file"),
        ({"files": [{**FILE, "path": "/model"}]}, "'/model' cannot be a file"),
        ({"files": [{**FILE, "path": "a/b"}]}, "'a/b' cannot be a file"),
        ({"files": [{**FILE, "path": ".hidden"}]}, "'.hidden' cannot be a file"),
        ({"files": [{**FILE, "path": "manifest.json"}]}, "'manifest.json' cannot be a file"),
        ({"files": [{**FILE, "path": "manifest.json.sigstore.json"}]}, "sigstore.json' cannot be a file"),
        ({"files": [{**FILE, "path": 5}]}, "5 cannot be a file"),
        ({"files": [{**FILE, "size": 0}]}, "drops empty files"),
        ({"files": [{**FILE, "size": "1"}]}, "the size '1'"),
        ({"files": [{**FILE, "size": True}]}, "the size True"),
        ({"files": [{**FILE, "sha256": "0"}]}, "is not a digest"),
        ({"signature": {}}, "signature"),
        ({"signature": []}, "signature"),
        ({"parameters": 5}, ""),
    ],
)
def test_no_manifest_of_this_format(data: bytes, changes: dict[str, Any], says: str) -> None:
    """A key too many or too few, a path that leaves the directory, a size that is none: 20, with the value."""
    with pytest.raises(IntegrityError, match=r"manifest\.json is not a manifest of format 2") as caught:
        Manifest.from_bytes(changed(data, **changes))
    assert says in str(caught.value)
