"""docs/data.md against the code it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from artifact.signature import DTYPES
from pipeline.data import kinds, sample
from pipeline.params import prepare
from pipeline.params.cells import Format
from pipeline.shared import paths
from tests.pipeline.params.test_params import read

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/data.md").read_text(encoding="utf-8")
YAML = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S)]


def test_every_setting_is_accepted(tmp_path: Path) -> None:
    """Each block of params.yaml in the page loads, and its columns' rules with it."""
    assert len(YAML) == 6
    for block in YAML:
        prepared = block.get("prepare", {})
        changes = {f"prepare__{key}": value for key, value in prepared.items()}
        changes |= {f"data__{key}": value for key, value in block.get("data", {}).items()}
        schema = {"a": {"dtype": "float64"}, "b": {"dtype": "string"}} | block.get("schema", {})
        for columns in prepared.get("leakage", {}).get("allow", {}).values():
            schema |= {column: {"dtype": "string"} for column in columns}
        time = "when" if "contract" in prepared else None
        read(tmp_path, schema=schema | {"y": {"dtype": "string"}}, train__preprocessing={}, data__time=time, **changes)


def test_the_defaults_are_those_of_the_code(tmp_path: Path) -> None:
    """What the page calls a default is what an empty section means."""
    defaults = read(tmp_path).prepare
    (drift,) = (block["prepare"]["drift"] for block in YAML if "drift" in block.get("prepare", {}))
    assert defaults.drift.warn.to_dict() == drift["warn"]
    assert defaults.drift.refuse.to_dict() == (drift["refuse"] or {})
    assert f"{defaults.leakage.threshold:g} by default" in TEXT
    assert f"{sample.SIZE:,} rows" in TEXT


def test_every_rule_and_check_is_there() -> None:
    """The tables have each key of a column, of the contract, of the leakage checks, and each dtype."""
    table = re.findall(r"^\| `([\w.]+)` \|", TEXT, re.M)
    contract = {"contract.key", "contract.rows", "contract.max_age_days"}
    own = {"dtype", "nullable", "range", "categories", "zone", "unique", "format"}
    assert set(table) == {*own, *contract, *prepare.LEAKS}
    assert all(dtype in TEXT for dtype in DTYPES)
    assert all(f"| {method} | " in TEXT for method in prepare.SPLITS)
    assert all(key in TEXT for key in Format.model_fields)
    assert all(ending in TEXT for ending in kinds.ENDINGS)
    assert all(shift in TEXT for shift in prepare.SHIFTS)


def test_every_path_and_module_exists() -> None:
    """Files that the page names are those that the code writes, or are here."""
    named = {word for word in re.findall(r"`([\w./-]+/[\w./-]*)`", TEXT) if not word.startswith("2024")}
    content = {str(path) for path in (paths.DATA, paths.DATA_TEXT, paths.CHAMPION, paths.CHAMPION_RECORD)} | {"build/"}
    assert {path for path in named - content if not (ROOT / path).exists()} == set()
    assert content <= named
    for module in re.findall(r"python -m ([\w.]+)", TEXT):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_the_report_of_the_page_is_the_one_of_iris(tmp_path: Path) -> None:
    """The page shows what prepare writes for the shipped example, to the letter."""
    from pipeline.data.data_report import DataReport

    (text,) = re.findall(r"```markdown\n(.*?)```", TEXT, re.S)
    report = DataReport("data/iris.csv", 150, {"train": 105, "test": 45, "left_out": 0}, 2)
    assert text == report._text()
