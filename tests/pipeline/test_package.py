"""An artifact gets its name only when it loads with what the image holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artifact.errors import ConfigurationError, IncompatibleError
from pipeline import lock
from tests.pipeline.repository import Repository

EXTRA = """
from sklearn.base import BaseEstimator, TransformerMixin


class Extra(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        {line}
        return X
"""


def with_extra(repository: Repository, line: str) -> None:
    """Train with a transformer of features/ that runs `line` when it predicts."""
    (repository.path / "features/extra.py").write_text(EXTRA.format(line=line))
    repository.replace(
        "params.yaml", "        - sklearn.preprocessing.StandardScaler: {}", "        - features.extra.Extra"
    )
    repository.done("pipeline.train")


def test_a_model_that_needs_more_than_the_serving_lock_is_refused_by_name(again: Repository) -> None:
    """Exit 22 names the module, its distribution, who imports it, and the remedy; the old artifact stays whole."""
    before = again.read("build/artifact/manifest.json")
    with_extra(again, "import matplotlib.pyplot")
    refused = again.run("pipeline.package")
    assert refused.returncode == 22
    last = refused.stderr.splitlines()[-1]
    assert "features.extra imports 'matplotlib' (distribution matplotlib)" in last
    assert "add matplotlib to requirements/serving.in" in last
    assert again.read("build/artifact/manifest.json") == before
    assert not (again.path / "build/unproved").exists()


def test_an_import_that_may_fail_is_not_needed(again: Repository) -> None:
    """A module that is tried and done without, as scikit-learn does, refuses nothing; the manifest names ours."""
    with_extra(again, "\n        try:\n            import matplotlib\n        except ImportError:\n            pass")
    again.done("pipeline.package")
    manifest = json.loads(again.read("build/artifact/manifest.json"))
    assert set(manifest["features"]) == {"features", "features.extra"}


def test_locks_are_read_for_this_platform(tmp_path: Path) -> None:
    """Markers choose the pin, hashes and comments are passed over, names are canonical."""
    path = tmp_path / "serving.txt"
    path.write_text(
        "# by make lock\n"
        "Scikit_Learn==1.0 ; python_version < '3' \\\n    --hash=sha256:00\n"
        "scikit-learn==9.9 ; python_version >= '3' \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\nnumpy==1.2  # why\n"
    )
    assert lock.pins(path) == {"scikit-learn": "9.9", "numpy": "1.2"}
    with pytest.raises(IncompatibleError, match=r"numpy is .* here and 1\.2 in"):
        lock.check_installed(path, ("numpy",))
    with pytest.raises(ConfigurationError, match="does not pin joblib"):
        lock.check_installed(path, ("joblib",))
