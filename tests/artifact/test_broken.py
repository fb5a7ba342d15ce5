"""Broken artifacts under a manifest that names their bytes: exit code 20 to 23, or a model that serves."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from artifact import load
from artifact.errors import IncompatibleError, IntegrityError, ModelpinError
from artifact.live_counts import Distribution
from tests.artifact import breaking
from tests.artifact.tampering import sign
from tests.predictor import models
from tests.predictor.models import Packaged

IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
CODES = {20, 21, 22, 23}


def with_graph(directory: Path) -> Packaged:
    """The model echo, served by ONNX Runtime from a graph that hands its input on, with a file beside."""
    echo = models.echo(directory)
    column = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "echo", *([value] for value in column))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    (directory / "seen.npy").write_bytes(b"x")
    manifest = json.loads((directory / "manifest.json").read_bytes())
    sign(
        directory,
        engines=[{"name": "onnxruntime", "batching": False, "most_rows": None}],
        files=[*manifest["files"], *({"path": name} for name in ("model.onnx", "seen.npy"))],
        libraries={**manifest["libraries"], "onnxruntime": metadata.version("onnxruntime")},
    )
    return echo


@pytest.fixture(scope="module")
def artifacts(iris: Packaged, people: Packaged, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of whole artifacts: classification with numbers, with every type, and one of ONNX Runtime."""
    echo = tmp_path_factory.mktemp("echo") / "echo"
    with_graph(echo)
    return {"iris": iris.directory, "people": people.directory, "echo": echo}


def ended(directory: Path, named: str | None = None) -> int:
    """The exit code of a load, 0 when the model that loads also serves: its rows and its profile are used once."""
    try:
        loaded = load.load(directory, expected_digest=named, allow_unpinned=True)
    except ModelpinError as error:
        return error.exit_code
    loaded.runner.predict(loaded.sample)
    for feature in loaded.signature.inputs:
        Distribution(loaded.profile["features"][feature.name], feature.dtype == "bool").add(loaded.sample[feature.name])
    Distribution(loaded.profile["outputs"][loaded.signature.outputs[0].name])
    json.dumps(loaded.signature.to_dict(), ensure_ascii=False).encode()
    return 0


def run(good: Path, folder: Path, file: str, contents: Iterable[tuple[str, bytes]]) -> dict[str, int]:
    """Title → how the artifact ends whose `file` has these contents, and whose manifest names them."""
    directory = folder / "broken"
    shutil.copytree(good, directory)
    codes = {}
    for title, content in contents:
        (directory / file).write_bytes(content)
        if file != "manifest.json":
            sign(directory)
        codes[title] = ended(directory)
    return codes


JUNK = [(model, file) for model in ("iris", "echo") for file in ("manifest.json", "golden.json", "profile.json")]


@pytest.mark.parametrize(("model", "file"), [*JUNK, ("iris", "model.joblib"), ("echo", "model.onnx")])
def test_junk(artifacts: dict[str, Path], tmp_path: Path, model: str, file: str) -> None:
    """Cut short, longer, or with other bytes and JSON of another kind, no file of an artifact makes a model."""
    codes = run(artifacts[model], tmp_path, file, breaking.junk((artifacts[model] / file).read_bytes()))
    assert {title: code for title, code in codes.items() if code not in CODES} == {}


@pytest.mark.parametrize(
    "file", ["manifest.json", "golden.json", "profile.json", "model.joblib", "model.onnx", "seen.npy"]
)
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_missing_or_empty(artifacts: dict[str, Path], tmp_path: Path, file: str, how: str) -> None:
    """A file that is not there, or has no bytes, is 20, whether or not the manifest still names it."""
    change: Callable[[Path], Any] = Path.unlink if how == "missing" else lambda path: path.write_bytes(b"")
    for forget in (False, True):
        directory = tmp_path / str(forget)
        shutil.copytree(artifacts["echo"], directory)
        manifest = json.loads((directory / "manifest.json").read_bytes())
        if forget and file != "seen.npy":
            manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != file]
            sign(directory, files=manifest["files"])
        change(directory / file)
        assert ended(directory) == 20


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=[pytest.mark.story, pytest.mark.sweep])])
@pytest.mark.parametrize(("model", "file"), JUNK)
def test_values_out_of_bounds(artifacts: dict[str, Path], tmp_path: Path, model: str, file: str, step: int) -> None:
    """Each value of a JSON file replaced by any other, each key removed, doubled, joined by a new one."""
    contents = list(breaking.changed((artifacts[model] / file).read_bytes()))[::step]
    assert set(run(artifacts[model], tmp_path, file, contents).values()) <= {0, *CODES}


@pytest.mark.parametrize("places", [25, pytest.param(1000, marks=[pytest.mark.story, pytest.mark.sweep])])
@pytest.mark.parametrize("model", ["iris", "people"])
def test_flipped_models(artifacts: dict[str, Path], tmp_path: Path, model: str, places: int) -> None:
    """A model with a bit or a byte flipped is refused, or answers its golden requests and serves."""
    data = (artifacts[model] / "model.joblib").read_bytes()
    codes = run(artifacts[model], tmp_path, "model.joblib", breaking.flipped(data, places))
    assert set(codes.values()) <= {0, *CODES}


@pytest.mark.parametrize(
    ("file", "change", "code", "says"),
    [
        ("golden.json", {"tolerance": 1e9}, 23, "a tolerance of 1e+09 proves nothing; at most 1e-06 does"),
        ("golden.json", {"tolerance": 1.1e-6}, 23, "proves nothing"),
        ("golden.json", {"tolerance": -1}, 23, "proves nothing"),
        ("golden.json", {"inputs": {}}, 23, "missing"),
        (
            "golden.json",
            {"inputs": {name: [] for name in IRIS}, "outputs": {"label": [], "probabilities": []}},
            23,
            "rows",
        ),
        ("golden.json", {"more": 1}, 20, "tolerance, inputs and outputs"),
        ("profile.json", {"rows": 149}, 20, "150 values of 149 rows"),
        ("profile.json", {"features": {}}, 20, "where an object of sepal length (cm)"),
        ("manifest.json", {"libraries": {}}, 22, "does not say with which joblib it was made"),
        ("manifest.json", {"libraries": {"": "1"}}, 20, "the library ''"),
        ("manifest.json", {"features": {"features./": "sha256-" + "0" * 64}}, 20, "is no module of features/"),
        ("manifest.json", {"metrics": {"accuracy": "1"}}, 20, "'accuracy' is no number"),
    ],
)
def test_what_is_said(
    artifacts: dict[str, Path], tmp_path: Path, file: str, change: dict[str, Any], code: int, says: str
) -> None:
    """The line says which file, the value that is wrong, and what is due."""
    directory = tmp_path / "broken"
    shutil.copytree(artifacts["iris"], directory)
    path = directory / file
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    if file != "manifest.json":
        sign(directory)
    with pytest.raises(ModelpinError) as caught:
        load.load(directory, expected_digest=None, allow_unpinned=True)
    assert caught.value.exit_code == code
    assert says in str(caught.value)


@pytest.mark.parametrize("library", ["joblib", "numpy", "scikit-learn", "scipy", "onnxruntime"])
def test_every_library_that_serves_is_named(artifacts: dict[str, Path], tmp_path: Path, library: str) -> None:
    """A manifest that leaves one out is 22, with its name: nobody could tell that another version serves."""
    directory = tmp_path / "broken"
    shutil.copytree(artifacts["echo"], directory)
    libraries = json.loads((directory / "manifest.json").read_bytes())["libraries"]
    sign(directory, libraries={name: version for name, version in libraries.items() if name != library})
    with pytest.raises(IncompatibleError, match=f"with which {library} it was made"):
        load.load(directory, expected_digest=None, allow_unpinned=True)


def test_a_large_file_is_not_read(iris: Packaged, tmp_path: Path) -> None:
    """A file of another size than named, or a manifest of a terabyte, is refused before it is in memory."""
    for file, says in (("model.joblib", "its manifest names"), ("manifest.json", "a manifest has at most")):
        directory = tmp_path / file
        shutil.copytree(iris.directory, directory)
        os.truncate(directory / file, 1 << 40)
        with pytest.raises(IntegrityError, match=says):
            load.verify(directory, expected_digest=None, allow_unpinned=True)
