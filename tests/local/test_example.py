"""The example's data."""

import hashlib

import pytest
import yaml

from local import example
from local.state import REPOSITORY


@pytest.mark.example
def test_the_bytes_are_those_that_dvc_names() -> None:
    """What scikit-learn's copy becomes is byte for byte what data/iris.csv.dvc names, so nobody has to ship it."""
    (out,) = yaml.safe_load((REPOSITORY / "data" / "iris.csv.dvc").read_text())["outs"]
    data = example.iris()
    assert (out["md5"], out["size"]) == (hashlib.md5(data).hexdigest(), len(data))
