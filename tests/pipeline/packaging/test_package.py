"""An artifact gets its name only when it loads with what the image holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from artifact.errors import ConfigurationError, IncompatibleError
from pipeline.packaging import lock
from tests.pipeline.repository import Repository

EXTRA = """
from sklearn.base import BaseEstimator, TransformerMixin


class Extra(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        try:
            import matplotlib.pyplot
        except {caught}:
            pass
        return X
"""


@pytest.mark.story
def test_a_model_loads_with_what_the_image_holds(again: Repository) -> None:
    """A module that a transformer can do without is no need; one it needs is refused by name, exit 22.

    The manifest names the modules of features/ that loading took; a refusal leaves the artifact before it whole.
    """
    extra = again.path / "features/extra.py"
    extra.write_text(EXTRA.format(caught="ImportError"))
    again.replace("params.yaml", "        - sklearn.preprocessing.StandardScaler: {}", "        - features.extra.Extra")
    again.done("pipeline", "train")
    again.done("pipeline", "convert")
    again.done("pipeline", "package")
    packaged = again.read("build/artifact/manifest.json")
    assert set(json.loads(packaged)["features"]) == {"features", "features.extra"}

    extra.write_text(EXTRA.format(caught="KeyError"))
    refused = again.run("pipeline", "package")
    assert refused.returncode == 22
    last = refused.stderr.splitlines()[-1]
    assert "features.extra imports 'matplotlib' (distribution matplotlib)" in last
    assert "add matplotlib to requirements/serving.in" in last
    assert again.read("build/artifact/manifest.json") == packaged
    assert not (again.path / "build/unproved").exists()


@pytest.mark.story
def test_a_model_of_an_extra(again: Repository) -> None:
    """Training names the one command that chooses the extra; package refuses, with 22, what no chosen extra loads.

    The manifest names the library where model.joblib serves, and not where a graph does.
    """
    again.params(train__estimator="lightgbm.LGBMClassifier", train__parameters={"n_estimators": 5, "random_state": 1})
    refused = again.run("pipeline", "train")
    assert refused.returncode == 10
    assert "run `make extras EXTRAS='lightgbm'`" in refused.stderr.splitlines()[-1]
    choose = [sys.executable, "requirements/extras/choose.py"]
    subprocess.run([*choose, "lightgbm"], cwd=again.path, check=True)
    for stage in ("train", "convert", "package"):
        again.done("pipeline", stage)
    manifest = json.loads(again.read("build/artifact/manifest.json"))
    assert (manifest["engines"][0]["name"], "lightgbm" in manifest["libraries"]) == ("onnxruntime", False)

    again.params(train__calibration={"method": "sigmoid", "folds": 3})
    for stage in ("train", "convert", "package"):
        again.done("pipeline", stage)
    assert json.loads(again.read("build/artifact/manifest.json"))["libraries"]["lightgbm"] == "4.7.0"
    subprocess.run(choose, cwd=again.path, check=True)
    refused = again.run("pipeline", "package")
    assert refused.returncode == 22
    assert "needs the extra lightgbm, which requirements/extras/chosen.txt does not name" in refused.stderr


@pytest.mark.story
def test_an_artifact_that_explains(again: Repository) -> None:
    """`package.explain: true` adds the background, a file that the manifest names; a model that cannot be taken apart
    is refused with 10, and the artifact before it stays."""
    plain = json.loads(again.read("build/artifact/manifest.json"))
    assert "background.json" not in {file["path"] for file in plain["files"]}
    again.params(package__explain=True)
    assert "explains its answers: linear, log-odds of" in again.done("pipeline", "package")
    packaged = again.read("build/artifact/manifest.json")
    assert "background.json" in {file["path"] for file in json.loads(packaged)["files"]}
    again.params(train__calibration={"method": "sigmoid", "folds": 3})
    for stage in ("train", "convert"):
        again.done("pipeline", stage)
    refused = again.run("pipeline", "package")
    assert refused.returncode == 10
    assert "package.explain: CalibratedClassifierCV is neither linear nor made of trees" in refused.stderr
    assert again.read("build/artifact/manifest.json") == packaged


def test_locks_are_read_for_this_platform(tmp_path: Path) -> None:
    """Markers choose the pin, hashes and comments are passed over, names are canonical."""
    path = tmp_path / "serving.txt"
    path.write_text(
        "# by make lock\n"
        "Scikit_Learn==9.9 ; python_version >= '3' \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
        "scikit-learn==1.0 ; python_version < '3' \\\n    --hash=sha256:00\n"
        "numpy==1.2  # why\n"
    )
    assert lock.pins(path) == {"scikit-learn": "9.9", "numpy": "1.2"}
    with pytest.raises(IncompatibleError, match=r"numpy is .* here and 1\.2 in"):
        lock.check_installed(path, ("numpy",))
    with pytest.raises(ConfigurationError, match="does not pin joblib"):
        lock.check_installed(path, ("joblib",))
