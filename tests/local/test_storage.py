"""The storage initializer: KServe's own, against the embedded S3."""

from pathlib import Path

import pytest

from artifact.errors import StorageError
from local import storage
from tests.conftest import Bucket


def test_a_prefix_is_downloaded(s3: Bucket, tmp_path: Path) -> None:
    """Everything under a URI with its trailing slash arrives byte for byte, and nothing of its neighbours."""
    for key in ("models/iris/v1/manifest.json", "models/iris/v1/model.joblib", "models/iris/v10/manifest.json"):
        s3.client.put_object(Bucket=s3.name, Key=key, Body=key.encode())
    storage.main([f"s3://{s3.name}/models/iris/v1/", str(tmp_path / "model")])
    assert {file.name: file.read_text() for file in (tmp_path / "model").iterdir()} == {
        "manifest.json": "models/iris/v1/manifest.json",
        "model.joblib": "models/iris/v1/model.joblib",
    }


def test_a_missing_model_is_an_error(s3: Bucket, tmp_path: Path) -> None:
    """Nothing under the URI is a storage error with the initializer's own words."""
    with pytest.raises(StorageError, match=r"cannot fetch s3://.*No model found"):
        storage.download(f"s3://{s3.name}/nothing/", tmp_path / "model", s3.env, print)
