"""Where the stages find and leave things, relative to the root of the repository, from which every stage runs."""

from __future__ import annotations

from pathlib import Path

from artifact.extras import CHOSEN

SERVING_LOCK = Path("requirements/serving.txt")
PIPELINE_LOCK = Path("requirements/pipeline.txt")
EXTRAS_LOCK = Path(CHOSEN)

INPUTS = Path("build/inputs.json")
ORDER = Path("build/order.json")
TRAIN = Path("build/prepared/train.parquet")
TEST = Path("build/prepared/test.parquet")
PREPARED = Path("build/prepared/prepare.json")
TUNED = Path("build/tuned.json")
MODEL = Path("build/model/model.joblib")
DECISION = Path("build/model/decision.json")
PROOF = Path("build/engine/proof.json")
ARTIFACT = Path("build/artifact")
CHAMPION = Path("build/champion")
CHAMPION_RECORD = Path("build/champion.json")
VERDICT = Path("build/verdict.json")
TRACKED = Path("build/tracked.json")
METRICS = Path("reports/metrics.json")
GUESSING = Path("reports/guessing.json")
DATA = Path("reports/data.json")
DATA_TEXT = Path("reports/data.md")
SLICES = Path("reports/slices.json")
CALIBRATION = Path("reports/calibration.json")
BEHAVIOUR = Path("reports/behaviour.json")
LATENCY = Path("reports/latency.json")
COMPARISON = Path("reports/comparison.json")
PLOTS = Path("reports/plots")
FIGURES = Path("reports/figures")
REPORT = Path("reports/report.md")
TRACKING = Path(".mlflow")
TUNING = Path(".tune")
