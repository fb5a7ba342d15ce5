"""docs/notebook.md: its code runs as it stands, and gives what serving gives."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.repository import Repository

PAGE = Path(__file__).parents[3] / "docs/notebook.md"

CHECK = """
columns = {name: frame[name].to_numpy() for name in model.signature.names}
exact = model.runner.predict(columns)
assert answers["label"].tolist() == same["label"].tolist() == labels.tolist() == exact.values.tolist()
assert (answers.filter(like="probability_").to_numpy() == exact.probabilities).all()
assert same.equals(answers)
assert digest == model.digest
assert sklearn_pipeline.predict(frame[list(model.signature.names)]).tolist() == labels.tolist()
print("equal")
"""


@pytest.mark.story
def test_the_page_runs(again: Repository) -> None:
    """Blocks of the page, one behind the other: load, predict, and the same by name and alias from MLflow."""
    again.done("pipeline", "track")
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))
    environment = again.env | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        ["python", "-c", code + CHECK], cwd=again.path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["equal"], done.stderr[-2000:]
