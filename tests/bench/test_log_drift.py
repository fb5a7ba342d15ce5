"""The logs of `python -m bench.log_drift`: what is said to have drifted has, and nothing else."""

import numpy as np
import pytest

from bench import log_drift


@pytest.mark.parametrize("psi", [0.0, 0.1, 0.5])
def test_the_mean_moves_as_far_as_the_psi_says(psi: float) -> None:
    """One feature's shares of the reference's 20-quantiles; the others keep theirs."""
    random = np.random.default_rng(1)
    before, after = log_drift.drawn(random, 200_000), log_drift.drawn(random, 200_000, psi=psi)
    for name in ("x2", "x3"):
        edges = np.quantile(before[name], np.arange(1, 20) / 20)
        shares = np.bincount(np.searchsorted(edges, after[name]), minlength=20) / len(after)
        events = float(np.sum((shares - 0.05) * np.log(shares / 0.05)))
        assert events == pytest.approx(psi if name == "x2" else 0.0, abs=0.02)


def test_a_relation_breaks_that_no_feature_shows() -> None:
    """Two features move together, or not; each of them alone is the same."""
    random = np.random.default_rng(2)
    together, apart = log_drift.drawn(random, 50_000), log_drift.drawn(random, 50_000, together=0.0)
    assert together["x0"].corr(together["x1"]) == pytest.approx(log_drift._TOGETHER, abs=0.02)
    assert apart["x0"].corr(apart["x1"]) == pytest.approx(0.0, abs=0.02)
    assert apart["x1"].std() == pytest.approx(together["x1"].std(), abs=0.02)
