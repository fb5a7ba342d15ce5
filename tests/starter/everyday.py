"""Small tables as people have them, each with one thing that a first reading gets wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

ROWS = 300
_RANDOM = np.random.default_rng(8)
X = _RANDOM.normal(size=ROWS).round(3)
_LABEL = np.where(X + _RANDOM.normal(0, 0.7, ROWS) > 0, "q", "p")


WORDS = [
    first + second
    for first in ("ba", "ko", "li", "mu", "ne", "ri", "so", "ta")
    for second in ("den", "lum", "pos", "rax", "sim", "tor", "vel")
]


def tables() -> dict[str, pd.DataFrame | str]:
    """By name; the target is y."""
    few = _RANDOM.integers(1, 4, ROWS)
    z = _RANDOM.normal(size=ROWS).round(2)
    amounts = (50_000 + 5_000 * X + 800 * z).round().astype(int)
    codes = _RANDOM.choice(["00501", "94105", "10001"], ROWS)
    counts = np.r_[np.arange(13), np.repeat(np.arange(12), 24)[: ROWS - 13]]
    rare = _LABEL.astype(object)
    rare[7] = "rare"
    gone = _LABEL.astype(object)
    gone[[0, 3, 5]] = None
    spaced = np.where(_LABEL == "q", "yes", np.where(np.arange(ROWS) % 5, "no", "no "))
    customers = _RANDOM.integers(0, 40, ROWS) + 1000
    flag = _RANDOM.choice(np.array(["true", "false", ""], dtype=object), ROWS)
    percents = [f"{50 + 5 * x_value + z_value:.1f}%" for x_value, z_value in zip(X, z, strict=True)]
    frame = pd.DataFrame({"x": X, "y": _LABEL})
    regression = pd.DataFrame({"x": X + z})
    return {
        "amounts": frame.assign(amount=[f"{amount:,}" for amount in amounts]),
        "us dates": frame.assign(day=[f"{row % 12 + 1}/{row % 28 + 1}/2023" for row in range(ROWS)]),
        "codes": frame.assign(zip=codes),
        "percent": regression.assign(y=percents),
        "nearly percent": regression.assign(y=[*percents[:-1], "n.k."]),
        "thousands": regression.assign(y=[f"{amount:,}" for amount in amounts]),
        "decimals": frame.assign(
            price=[f"{amount:,.2f} €".translate(str.maketrans(",.", ".,")) for amount in amounts / 3]
        ),
        "spaces": frame.assign(y=spaced),
        "N/A as an answer": frame.assign(y=np.where(np.arange(ROWS) % 9, _LABEL, "N/A")).map(str),
        "float classes": frame.assign(y=(_LABEL == "q").astype(float)),
        "counts": frame.assign(y=counts),
        "rare": frame.assign(y=rare),
        "no target": frame.assign(y=gone),
        "comment": f"# exported 2024\n{frame.to_csv(index=False)}",
        "several labels": frame.assign(y=_RANDOM.choice(["a", "b", "c", "a|b", "b|c", "a|b|c", "a|c"], ROWS)),
        "reviews": frame.assign(
            said=[
                " ".join([*_RANDOM.choice(WORDS, 8), *(("great", "lovely") if label == "q" else ("poor", "broken"))])
                for label in np.where(_RANDOM.random(ROWS) < 0.85, _LABEL, "p")
            ]
        ),
        "customers": frame.assign(customer_id=customers),
        "blanks": frame.assign(flag=flag, y=np.where((flag == "") ^ (X > 1.5), "miss", "known")),
        "leak": frame.assign(**{"paid back": np.where(_LABEL == "q", 1.5, 0.25)}),
        "one feature": pd.DataFrame({"c": _RANDOM.choice(["u", "v", "w"], ROWS), "y": _LABEL}),
        "likert": pd.DataFrame({"q1": few, "q2": _RANDOM.integers(1, 4, ROWS), "y": _LABEL}),
        "small integers": pd.DataFrame({"a": few, "b": few[::-1], "y": _LABEL}),
        "few values of a regression": pd.DataFrame({"a": few, "b": few[::-1], "y": X}),
    }
