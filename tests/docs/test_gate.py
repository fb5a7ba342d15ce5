"""docs/gate.md against the code it speaks of."""

import re
from pathlib import Path

import yaml

from artifact.signature import Feature
from audit import mlflow_aliases
from pipeline.evaluation import bootstrap
from pipeline.gate import outcomes
from pipeline.packaging import training_rows
from pipeline.params.evaluate import KINDS, Evaluate, Slices, check_evaluate
from pipeline.params.gate import Gate
from pipeline.params.metrics import CATALOGUE
from pipeline.params.section import read

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
ADR = (ROOT / "docs/adr/0012-who-saw-which-rows.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    body = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_the_verdicts_are_those_of_the_code() -> None:
    """Each outcome in its order, whether it passes, and the sentence that the report says."""
    verdicts = {}
    for name, passes, when in rows("Verdicts"):
        verdicts[name.strip("`")] = (passes, when)
    assert list(verdicts) == list(outcomes.EVERY)
    for name, (passes, when) in verdicts.items():
        refused, passed = name in outcomes.REFUSALS, name in outcomes.PASSES
        assert passes == ("with `replaces`" if refused and passed else "yes" if passed else "no"), name
        assert when == {**outcomes.PASSES, **outcomes.REFUSALS}[name]


def test_each_setting_has_its_row() -> None:
    """The table of rules names every setting of the gate, so that a new one is not left out of the page."""
    listed = set()
    for cell, *_ in rows("Rules"):
        first, *others = re.findall(r"`([\w.]+)`", cell)
        listed |= {first, *(f"{first.rpartition('.')[0]}.{name}" for name in others)}
    settings = set()
    for section, field in Gate.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {})
        settings |= {f"gate.{section}.{key.alias or name}" for name, key in keys.items()} or {f"gate.{section}"}
    assert {name for name in listed if name.startswith("gate.")} == settings, "docs/gate.md, section Rules"


def test_the_defaults_are_those_of_the_code() -> None:
    """What the table of rules promises is what a params.yaml that says nothing of it gets."""
    defaults = {name.strip("`"): default for name, default, _ in rows("Rules")}
    gate = Gate()
    champion = gate.champion
    assert defaults["gate.floor.metric"] == "`log_loss`; `balanced_accuracy` without probabilities; `r2`"
    floors = [("classification", True), ("classification", False), ("regression", False)]
    assert [gate.floor.metric_name(*floor) for floor in floors] == ["log_loss", "balanced_accuracy", "r2"]
    assert defaults["gate.champion.metric"] == "`log_loss`; `accuracy` without probabilities; `r2`"
    assert [champion.compared("classification", probabilities)[0] for probabilities in (True, False)] == [
        "log_loss",
        "accuracy",
    ]
    assert champion.compared("regression", False)[0] == "r2"
    assert (
        defaults["gate.champion.margin"]
        == f"{CATALOGUE['log_loss'].margin} log loss; {CATALOGUE['r2'].margin} of others"
    )
    assert {entry.margin for name, entry in CATALOGUE.items() if name != "log_loss"} == {0.01, None}
    _, margin, on_a_slice = champion.compared("classification", True)
    assert defaults["gate.champion.slice_margin"] == f"{on_a_slice / margin:g} × the margin"
    assert defaults["gate.champion.rows"] == str(champion.rows)
    assert defaults["gate.latency.ratio`, `slack_ms"] == f"{gate.latency.ratio}, {gate.latency.slack}"
    assert defaults["gate.size.ratio`, `slack_mib"] == f"{gate.size.ratio}, {gate.size.slack}"
    slices = Slices()
    assert (defaults["evaluate.slices.found"], defaults["evaluate.slices.rows"]) == ("true", str(slices.rows))
    assert slices.found
    for name in ("gate.champion.replaces", "gate.latency.max_ms", "gate.size.max_mib"):
        assert defaults[name] == "null"
    assert (champion.replaces, gate.latency.most, gate.size.most) == (None, None, None)


def test_the_expectations_of_the_page_can_be_declared() -> None:
    """The example under the rules is read as it stands, and has every kind of check."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    declared = yaml.safe_load(block)["evaluate"]["behaviour"]
    number = [Feature(name, "float64") for name in ("income", "age", "noise")]
    features = (*number, Feature("gender", "string"))
    target = Feature("y", "string", categories=("approved", "refused"))
    regression = [entry for entry in declared if entry["column"] == "age"]
    others = [entry for entry in declared if entry not in regression]
    kinds = set()
    for task, behaviour in (("classification", others), ("regression", regression)):
        values = {"bootstrap": {"resamples": 10, "confidence": 0.9, "seed": 1}, "behaviour": behaviour}
        evaluate = read(Evaluate, values, "evaluate")
        check_evaluate(evaluate, features, (target,), task)
        kinds |= {check.kind for check in evaluate.behaviour}
    assert kinds == set(KINDS)


def test_the_aliases_are_those_of_the_mirror() -> None:
    """The table of the registry names each alias."""
    assert [row[0].strip("`") for row in rows("The registry")] == [
        mlflow_aliases.CHAMPION,
        mlflow_aliases.PREVIOUS,
        mlflow_aliases.CHALLENGER,
    ]


def test_the_numbers_are_those_of_the_code() -> None:
    """Rows beyond which a sample tells the spread; hashes that an artifact carries, and their size."""
    assert f"more than {bootstrap.ROWS:,} rows" in PAGE
    assert f"{training_rows.LIMIT:,} smallest 64-bit hashes" in ADR
    assert training_rows.LIMIT * 8 == 256 * 1024
    assert "in 256 KiB" in ADR


def test_what_the_page_names_exists() -> None:
    """Its links, its make targets and its modules."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", PAGE)) <= targets
    for link in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
    for module in re.findall(r"`python -m ([a-z.]+)", PAGE):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
