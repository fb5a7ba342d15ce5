"""dvc.yaml: what runs, when it runs again, and when it does not."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from mlflow.tracking import MlflowClient

from artifact import digest
from local.filters import Filters
from pipeline.__main__ import COMMANDS
from pipeline.params.yaml12 import read
from pipeline.shared import code_digests
from tests.pipeline.repository import Repository, stages

ROOT = Path(__file__).parents[2]
STAGES = [
    "inputs", "champion", "prepare", "tune", "train", "convert", "evaluate", "package", "measure", "gate", "report",
    "track",
]  # fmt: skip
DECLARED = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def folders(module: str, events: set[str]) -> set[str]:
    """The folders of ours that `module`, and what it imports, lie in: a package, or a room of pipeline/."""
    path = Path(*module.split(".")).with_suffix(".py")
    if module in events or not (ROOT / path).is_file():
        return set()
    events.add(module)
    if path.parts[0] != "pipeline":
        return {path.parts[0]}
    result = {path.parent.as_posix()}
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            result |= folders(name, events)
    return result


@pytest.mark.parametrize("stage", STAGES[2:])
def test_a_stage_depends_on_the_code_it_imports(stage: str) -> None:
    """A changed room runs the stages that use it again, and no others. (A model may load any module of features/.)"""
    code = [path for path in DECLARED[stage]["deps"] if path.startswith(("pipeline", "artifact", "features"))]
    expected = folders(COMMANDS[stage], set())
    if stage in ("tune", "train", "convert", "evaluate", "package", "measure", "gate"):
        expected.add("features")
    assert sorted(code) == sorted(expected)
    assert DECLARED[stage]["cmd"] == f"python -m pipeline {stage}"


def test_the_code_that_makes_an_artifact_is_an_input() -> None:
    """Up to the artifact, each room that a stage imports is in the inputs digest; a search's key has what tune imports.

    Pictures are left out: evaluate draws them beside its numbers.
    """
    stages_of_artifact = [name for name in STAGES[: STAGES.index("measure")] if name in COMMANDS]
    result = set().union(*(folders(COMMANDS[name], set()) for name in stages_of_artifact))
    assert result | {"features"} == {*code_digests.ARTIFACT, "pipeline/pictures"}
    assert folders(COMMANDS["tune"], set()) | {"features"} == set(code_digests.TRAINING)
    assert set(code_digests.ARTIFACT) <= set(DECLARED["inputs"]["deps"])
    assert {path for path in DECLARED["inputs"]["deps"] if path.startswith("pipeline")} <= set(code_digests.ARTIFACT)


def test_nothing_is_listed_twice() -> None:
    """No stage lists a dependency or an output twice."""
    for name, stage in DECLARED.items():
        for key in ("deps", "outs"):
            listed = [next(iter(item)) if isinstance(item, dict) else item for item in stage.get(key, [])]
            assert len(listed) == len(set(listed)), f"{name} {key}"


def test_dvc_yaml_can_be_read_at_once() -> None:
    """A stage names rooms, not modules: the whole file stays under 300 lines."""
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 300


def test_what_speaks_of_one_place_and_time_is_not_cached() -> None:
    """What DVC can restore it restores; not what Git said, what a machine measured, or that a run was tracked."""
    uncached = [out for stage in DECLARED.values() for out in stage["outs"] if not isinstance(out, str)]
    assert all(settings["cache"] is False for out in uncached for settings in out.values())
    assert [path for out in uncached for path in out] == [
        "build/champion.json",
        "reports/latency.json",
        "reports/figures",
        "reports/report.md",
        "build/tracked.json",
    ]
    assert list(DECLARED) == STAGES


def test_the_first_repro_runs_everything_and_the_second_nothing(
    trained: tuple[Repository, str], again: Repository
) -> None:
    """`dvc repro` alone, with no server and no network: a first deployment; then it is up to date.

    Only Git is asked again whether the champion is still the same, and its answer changes nothing.
    """
    repository, output = trained
    assert stages(output) == STAGES
    second = again.done("dvc", "repro")
    assert stages(second) == ["champion"]
    assert again.git("status", "--porcelain") == "?? dvc.lock\n"
    verdict = json.loads(repository.read("build/verdict.json"))
    assert (verdict["outcome"], verdict["passed"]) == ("first-deployment", True)
    assert verdict["model_digest"] == digest.of_file(repository.path / "build/artifact/manifest.json")


def test_metrics_and_plots_show(again: Repository) -> None:
    """`dvc metrics show` and `diff`, and `dvc plots show`, find what evaluate wrote: three tables, three images."""
    metrics = json.loads(again.done("dvc", "metrics", "show", "--json").splitlines()[-1])
    assert set(metrics[""]["data"]["reports/metrics.json"]["data"]["accuracy"]) == {"value", "low", "high"}
    again.git("add", "dvc.lock", "reports/metrics.json", "-f")
    again.git("commit", "-q", "-m", "trained")
    again.replace("reports/metrics.json", '"rows": 45', '"rows": 46')
    assert json.loads(again.done("dvc", "metrics", "diff", "--json").splitlines()[-1]) == {
        "reports/metrics.json": {"rows": {"old": 45, "new": 46, "diff": 1}}
    }
    page = Path(again.done("dvc", "plots", "show").split("file://")[1].strip())
    text = page.read_text(encoding="utf-8")
    for name in (
        "predictions.png",
        "importance.png",
        "reliability.png",
        "feature importance",
        "versicolor",
        "observed",
    ):
        assert name in text


CHANGES = [
    ("model__name", "other", {"inputs", "package", "measure", "gate", "report", "track"}),
    ("prepare__split__seed", 21, {"inputs", "prepare", "tune", "package"}),
    ("train__parameters__C", 0.5, {"inputs", "tune", "train", "package"}),
    ("evaluate__bootstrap__seed", 21, {"inputs", "evaluate", "gate", "report"}),
    ("package__golden", 8, {"inputs", "package"}),
    ("gate__thresholds", {"accuracy": {"min": 0.5}}, {"inputs", "gate"}),
    ("track__experiment", "other", {"inputs", "track"}),
    ("data__missing", ["NA"], {"inputs", "prepare"}),
]


def test_a_changed_value_runs_what_depends_on_it(again: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each section of params.yaml is a dependency of the stages that read it, and of the inputs digest."""
    for name in ("DVC_SITE_CACHE_DIR", "DVC_NO_ANALYTICS"):
        monkeypatch.setenv(name, again.env[name])
    monkeypatch.chdir(again.path)
    before = again.read("params.yaml")
    for path, value, expected in CHANGES:
        again.params(**{path: value})
        with Repo() as repository:
            assert set(repository.status()) - {"champion"} == expected, path
        (again.path / "params.yaml").write_text(before, encoding="utf-8")


EDITS = [
    ("pipeline/training/seeds.py", {"inputs", "tune", "train"}),
    ("pipeline/data/leakage.py", {"inputs", "prepare"}),
    ("pipeline/packaging/lock.py", {"inputs", "package", "measure", "gate", "report"}),
    ("pipeline/pictures/plots.py", {"evaluate", "report"}),
    ("pipeline/gate/rules.py", {"measure", "gate", "report"}),
    ("pipeline/report/sections.py", {"report", "track"}),
    ("pipeline/tracking/registry.py", {"track"}),
    ("audit/lineage.py", set()),
    ("scoring/score.py", set()),
    ("starter/init.py", set()),
]


def test_an_edit_trains_only_where_it_can_make_another_model(
    again: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plot, the report or lineage: the same inputs digest, the same trials, no workflow. Training code: all three."""
    for name in ("DVC_SITE_CACHE_DIR", "DVC_NO_ANALYTICS"):
        monkeypatch.setenv(name, again.env[name])
    monkeypatch.chdir(again.path)
    workflow = yaml.safe_load((ROOT / ".github/workflows/train.yml").read_text(encoding="utf-8"))
    filters = Filters.parse(workflow[True]["push"])
    artifact, training = (code_digests.digests(folders) for folders in (code_digests.ARTIFACT, code_digests.TRAINING))
    for path, expected in EDITS:
        before = again.read(path)
        (again.path / path).write_text(before + "# edited\n", encoding="utf-8")
        with Repo() as repository:
            assert set(repository.status()) - {"champion"} == expected, path
        assert (code_digests.digests(code_digests.ARTIFACT) != artifact) is ("inputs" in expected), path
        assert (code_digests.digests(code_digests.TRAINING) != training) is ("tune" in expected), path
        assert filters.decide("refs/heads/main", [path])[0] is ("inputs" in expected), path
        (again.path / path).write_text(before, encoding="utf-8")


def test_the_order_of_the_features_is_an_input(again: Repository) -> None:
    """DVC compares mappings without their order; the model's inputs have one, and a change of it trains again."""
    values = read(again.path / "params.yaml")
    again.params(schema=dict(reversed(values["schema"].items())))
    again.done("dvc", "repro", "inputs")
    assert set(json.loads(again.done("dvc", "status", "--json").splitlines()[-1])) == {
        "champion",
        "prepare",
        "tune",
        "train",
        "gate",
    }


@pytest.mark.story
def test_a_comment_trains_again_and_names_the_same_model(again: Repository) -> None:
    """Other code, equal artifact; back again, everything but report and tracking comes out of DVC's run-cache.

    A comment in params.yaml is no input at all: the digest is one of its values.
    """
    artifact, inputs = again.read("build/artifact/manifest.json"), again.read("build/inputs.json")
    again.replace("pipeline/training/train.py", "import numpy as np\n", "import numpy as np  # a comment\n")
    again.replace("params.yaml", "golden: 16", "golden:  16  # another comment\n  ")
    assert stages(again.done("dvc", "repro")) == ["inputs", "champion", "tune", "train", "gate", "report", "track"]
    assert again.read("build/artifact/manifest.json") == artifact
    assert again.read("build/inputs.json") != inputs

    again.git("checkout", "-q", "pipeline/training/train.py")  # and not params.yaml
    shutil.rmtree(again.path / "build")
    output = again.done("dvc", "repro")
    assert stages(output) == ["inputs", "champion", "report", "track"]
    assert {line.split("'")[1] for line in output.splitlines() if "is cached - skipping run" in line} >= {
        "train",
        "gate",
    }
    assert again.read("build/inputs.json") == inputs

    uri = f"sqlite:///{again.path}/.mlflow/mlflow.db"
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("iris")
    assert experiment is not None
    # The first training was tracked where `trained` lives, whose database this is a copy of: found, not made again.
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert len(client.search_model_versions("name = 'iris'")) == 1
