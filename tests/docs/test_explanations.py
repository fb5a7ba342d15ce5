"""docs/explanations.md against the code it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from artifact.explanation.background import FILE, LINEAR, SCALES, TREES
from artifact.extras import EXTRAS
from pipeline.params.params import Package
from predictor.protocols import explained
from predictor.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanations.md").read_text(encoding="utf-8")


def test_the_keys_of_an_answer_are_those_of_the_page() -> None:
    """Methods, scales, tensors, parameters and the file have the names that they have on the wire."""
    named = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.S)))
    assert {LINEAR, TREES, FILE, *SCALES, *explained.DATATYPES} <= named
    keys = {"method", "scale", "features", "outputs", "base", "contributions"}
    assert keys <= {
        word for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE, re.M) for word in re.findall(r"\w+", row)
    }
    assert {"explanation_method", "explanation_scale"} <= named


def test_the_example_and_the_extras_exist() -> None:
    """params.yaml takes the example; the extra is one; the Makefile knows each extra; the setting has its default."""
    (block,) = re.findall(r"```yaml\n(package:.*?)```", PAGE, re.S)
    assert Package.model_validate(yaml.safe_load(block)["package"]).explain
    assert "EXTRAS=shap" in PAGE
    match = re.search(r"^KNOWN_EXTRAS = (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert match is not None
    assert set(match[1].split()) == set(EXTRAS)
    assert "--explain_rows 0" in PAGE
    assert Settings().explain_rows > 0
    assert (ROOT / "bench/explain.py").exists()
