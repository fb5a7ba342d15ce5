"""`python -m bench.log_drift`: seeded inference logs, watched by `monitoring log-drift`, value by value.

How many alarms the test of the values and the classifier raise without drift, and how many, after how many windows,
when one feature's mean moves, or when two features no longer move together, which no feature shows alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from artifact import profile
from artifact.manifest import FILE, Manifest
from artifact.signature import Feature
from bench.package import save_classifier
from monitoring import log_drift
from monitoring.drift_detector import ALARM

FEATURES, ROWS, WINDOWS, TRAINED = 10, 2000, 4, 10_000
_DAY, _BEGIN = 86400.0, 1_790_000_000.0
_TOGETHER = 0.8  # correlation of the first two features
_BINS = 20
_KINDS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("no drift", {}),
    ("no drift, requests of 20 rows of one client", {"clump": 20}),
    ("PSI 0.1 of one feature", {"psi": 0.1}),
    ("PSI 0.25 of one feature", {"psi": 0.25}),
    ("PSI 0.5 of one feature", {"psi": 0.5}),
    ("two features no longer move together", {"together": 0.0}),
)


def moved(psi: float) -> float:
    """How far the mean of a normal feature moves, in deviations, for this PSI over its 20-quantiles."""
    edges = norm.ppf(np.arange(1, _BINS) / _BINS)

    def excess(move: float) -> float:
        shares = np.diff(norm.cdf(edges - move), prepend=0.0, append=1.0)
        return float(np.sum((shares - 1 / _BINS) * np.log(shares * _BINS))) - psi

    return float(brentq(excess, 0.0, 3.0)) if psi else 0.0


def drawn(
    random: np.random.Generator, rows: int, *, psi: float = 0.0, together: float = _TOGETHER, clump: int = 1
) -> pd.DataFrame:
    """Normal features x0, x1, …; `clump` rows of a request share most of their values, as those of one client do."""
    values = random.normal(size=(rows, FEATURES))
    if clump > 1:
        client = np.repeat(random.normal(size=(rows // clump, FEATURES)), clump, axis=0)
        values = np.sqrt(0.8) * client + np.sqrt(0.2) * values
    values[:, 1] = together * values[:, 0] + np.sqrt(1 - together**2) * values[:, 1]
    values[:, 2] += moved(psi)
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(FEATURES)])


def packaged(folder: Path) -> tuple[LogisticRegression, pd.DataFrame]:
    """A classifier of such rows as an artifact in `folder`, and the rows that it learned from."""
    random = np.random.default_rng(0)
    table = drawn(random, TRAINED)
    labels = np.where(table["x0"] + table["x2"] + random.normal(size=TRAINED) > 0, "yes", "no")
    model = LogisticRegression().fit(table, labels)
    columns = {str(name): table[name].to_numpy() for name in table}
    features = tuple(Feature(name, "float64") for name in columns)
    save_classifier(folder, "bench", model, features, Feature("answer", "string"), columns, 4, {})
    return model, table


def log(model: LogisticRegression, named: str, rows: pd.DataFrame, clump: int) -> pd.DataFrame:
    """`rows` as the inference log of the digest `named` has them, spread evenly over WINDOWS days."""
    sure = model.predict_proba(rows)
    requests = np.arange(len(rows)) // clump
    seconds = _BEGIN + requests * (WINDOWS * _DAY / requests[-1])
    return rows.add_prefix("in:").assign(
        request_id=[f"r{number}" for number in requests],
        time=pd.to_datetime(seconds, unit="s", utc=True),
        digest=named,
        prediction=model.classes_[sure.argmax(axis=1)],
        **{f"p:{name}": sure[:, place] for place, name in enumerate(model.classes_)},
    )


def watch(seeds: int) -> list[tuple[str, int, int, str, str]]:
    """Of each kind: alarms of the values, of the classifier, windows until the first of the values, and the AUCs."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "artifact"
        model, reference = packaged(folder)
        manifest = Manifest.from_bytes((folder / FILE).read_bytes())
        described = profile.read(manifest.signature, (folder / profile.FILE).read_bytes())
        for title, kind in _KINDS:
            values, classifier, first, areas = 0, 0, [], []
            for seed in range(1, seeds + 1):
                live = drawn(np.random.default_rng(seed), WINDOWS * ROWS, **kind)
                logged = log(model, manifest.digest, live, kind.get("clump", 1))
                drift = log_drift.measure(manifest, described, logged, reference, _DAY, ROWS // 2)
                over = np.flatnonzero(drift.overall >= np.log(ALARM))
                values += bool(len(over))
                first += [int(over[0]) + 1] if len(over) else []
                assert drift.domain is not None
                classifier += drift.domain.alarms
                areas.append(drift.domain.auc)
            low, middle, high = np.quantile(areas, (0.1, 0.5, 0.9))
            spans = "/".join(f"{value:.0f}" for value in np.quantile(first, (0.5, 0.9))) if first else "–"
            rows.append((title, values, classifier, spans, f"{middle:.3f} ({low:.3f} to {high:.3f})"))
    return rows


def main() -> None:
    """Print the table; some minutes."""
    line = argparse.ArgumentParser(prog="python -m bench.log_drift", description=main.__doc__)
    line.add_argument("--seeds", type=int, default=40, help="logs of each kind (%(default)s)")
    options = line.parse_args()
    print(f"| rows, {WINDOWS} windows of {ROWS:,} | logs | alarms of the values | windows until then, 50 / 90 % |"
          " alarms of the classifier | its AUC, 50 % (10 to 90 %) |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for title, values, classifier, spans, area in watch(options.seeds):
        print(f"| {title} | {options.seeds} | {values} | {spans} | {classifier} | {area} |", flush=True)


if __name__ == "__main__":
    main()
