"""Say whether the logged requests of one digest have drifted from the rows it was trained on, value by value.

The same test as `drift`, on exact quantiles of the reference rows, and one classifier that tries to tell the last
window's rows from them: it sees relations between features, too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artifact import confidence, moment, profile
from artifact.errors import DataContractError, UsageError
from artifact.feature import TIMES, Feature, as_json, label_text
from artifact.manifest import Manifest
from monitoring import arguments, domain_classifier, labels
from monitoring.column_bins import ColumnBins
from monitoring.confidence import Calibration
from monitoring.drift import WEEK, Drift, follow
from monitoring.drift_detector import LEAST_ROWS, Reference
from monitoring.input_counts import PREDICTED, Profile, Stream, Window
from monitoring.prometheus import Grid

if TYPE_CHECKING:
    import pandas as pd

_INPUT, _PROBABILITY = "in:", "p:"
_HASH = r"[0-9a-f]{32}"


@dataclass(frozen=True)
class LoggedRows:
    """Rows of one digest, in order of time: seconds since 1970, their requests, and values by input or answer.

    `sure`: the probability of the label that was answered; None without probabilities.
    """

    times: np.ndarray
    requests: np.ndarray
    columns: Mapping[str, np.ndarray]
    sure: np.ndarray | None


def measure(
    manifest: Manifest,
    described: Mapping[str, object],
    log: pd.DataFrame,
    reference: pd.DataFrame,
    window: float = WEEK,
    least: int = LEAST_ROWS,
    without: Sequence[str] = (),
) -> Drift:
    """The drift of what `log` has of the digest of `manifest`; `described`: its profile; `reference`: rows of training.

    Inputs that the log has not, and those named in `without`, are left out. DataContractError (40) for columns that
    cannot be read, UsageError (2) where the log has no row of the digest.
    """
    inputs = [
        feature for feature in manifest.signature.inputs if _INPUT + feature.name in log and feature.name not in without
    ]
    bins, trained = [], {}
    for feature in inputs:
        if feature.name not in reference:
            raise DataContractError(
                f"--reference has no column {feature.name}: give the rows that the model learned from"
            )
        trained[feature.name] = _values(reference[feature.name], feature, "--reference")
        bins.append(ColumnBins.of(feature.name, trained[feature.name], feature.numeric))
    name, dtype, _ = profile.series(manifest.signature)[0]
    outputs: Mapping[str, Mapping[str, object]] = described["outputs"]  # type: ignore[assignment]
    if manifest.signature.outputs[0].columns is None:
        bins.append(ColumnBins.of_profile(PREDICTED, outputs[name]))
    rows = _logged(log, manifest, inputs, Feature(name, dtype) if len(bins) > len(inputs) else None)
    for column in bins:
        _refuse_hashes(column, rows.columns[column.feature])
    expected = _profile(bins, described)
    drift = follow(
        {"digest": manifest.digest},
        expected,
        lambda grid: _window(expected, bins, rows, grid),
        float(rows.times[0]),
        float(rows.times[-1]),
        window,
        least,
    )
    return _explained(drift, bins, rows, trained) if drift.windows else drift


def _explained(drift: Drift, bins: Sequence[ColumnBins], rows: LoggedRows, trained: Mapping[str, np.ndarray]) -> Drift:
    """With the classifier's judgement of the last window, and what the shift of each feature is estimated to cost."""
    begun = drift.windows[-2].end if len(drift.windows) > 1 else -np.inf
    last = (rows.times > begun) & (rows.times <= drift.windows[-1].end)
    inputs = [column for column in bins if column.feature in trained]
    live, other = (
        np.column_stack([_number(column, columns[column.feature]) for column in inputs])
        for columns in ({name: column[last] for name, column in rows.columns.items()}, trained)
    )
    names, categorical = [column.feature for column in inputs], [not column.numeric for column in inputs]
    domain = domain_classifier.tell_apart(names, categorical, other, live, rows.requests[last])
    return replace(drift, domain=domain, costs=_costs(drift.profile.calibration, inputs, rows, last))


def _costs(
    calibration: Calibration | None, inputs: Sequence[ColumnBins], rows: LoggedRows, last: np.ndarray
) -> dict[str, float]:
    """Accuracy that is lost because a feature's shares changed: Σ (share in the reference − live share) · accuracy.

    The accuracy of a bin is what the confidence of its live rows promises. Empty without calibrated confidence.
    """
    if calibration is None or rows.sure is None:
        return {}
    promised = calibration.accuracies[confidence.bins_of(rows.sure[last])]
    costs = {}
    for column in inputs:
        places = column.places(rows.columns[column.feature][last])
        count = np.bincount(places[places >= 0], minlength=len(column.names))
        if not count.sum() or not column.counts.sum():
            continue
        sums = np.bincount(places[places >= 0], promised[places >= 0], len(column.names))
        accuracy = np.where(count > 0, sums / np.maximum(count, 1), promised.mean())
        costs[column.feature] = float((column.counts / column.counts.sum() - count / count.sum()) @ accuracy)
    return costs


def _number(bins: ColumnBins, column: np.ndarray) -> np.ndarray:
    """The values as the classifier takes them: numbers, or the bin of a category; NaN for missing."""
    if bins.numeric:
        return column
    places = bins.places(column).astype(np.float64)
    return np.where(places < 0, np.nan, places)


def _profile(bins: Sequence[ColumnBins], described: Mapping[str, object]) -> Profile:
    listed = [stream for column in bins for stream in column.streams()]
    certainty = described["confidence"]
    calibration = None
    if isinstance(certainty, Mapping):
        calibration = Calibration(np.array(certainty["counts"]), np.array(certainty["right"]))
    return Profile(
        tuple(stream for stream, *_ in listed),
        Reference(np.array([count / of for _, count, of in listed]), np.array([of for *_, of in listed])),
        np.array([count for _, count, _ in listed]),
        calibration,
        tuple(confidence.NAMES),
    )


def _window(expected: Profile, bins: Sequence[ColumnBins], rows: LoggedRows, grid: Grid) -> Window:
    """The rows from the start of `grid` to its end, counted."""
    there = (
        (rows.times > grid.start) & (rows.times <= grid.end) if grid.start > rows.times[0] else rows.times <= grid.end
    )
    intervals = grid.points - 1
    interval = np.clip(((rows.times[there] - grid.start) / grid.step).astype(np.int64), 0, intervals - 1)
    live: dict[Stream, np.ndarray] = {}
    for column in bins:
        live |= column.live(rows.columns[column.feature][there], interval, intervals)
    sure: dict[str, float] = {}
    if rows.sure is not None:
        counts = np.bincount(confidence.bins_of(rows.sure[there]), minlength=confidence.BINS)
        sure = dict(zip(confidence.NAMES, counts.astype(float).tolist(), strict=True))
    return expected.window_of(grid, live, sure)


def _logged(log: pd.DataFrame, manifest: Manifest, inputs: Sequence[Feature], answer: Feature | None) -> LoggedRows:
    import pandas as pd  # here, so that --help loads no pandas

    missing = [name for name in ("request_id", "time", "digest", "prediction") if name not in log]
    if missing:
        raise DataContractError(f"--log has no column {', '.join(missing)}: is it what `python -m shipper` wrote?")
    own = log[log["digest"].astype(str) == manifest.digest]
    if own.empty:
        digests = ", ".join(sorted(set(log["digest"].astype(str)))[:3])
        raise UsageError(
            f"the log has no row of {manifest.digest}, of {digests or 'none'}: give the artifact that it logs"
        )
    own = own.assign(time=pd.to_datetime(own["time"], utc=True)).sort_values("time", kind="stable")
    columns = {feature.name: _values(own[_INPUT + feature.name], feature, "--log") for feature in inputs}
    if answer is not None:
        columns[PREDICTED] = _values(own["prediction"], answer, "--log")
    sure = None
    chosen = (
        own["prediction"].map(lambda value: _PROBABILITY + label_text(as_json(value)))
        if answer is not None
        else own["time"]
    )
    if manifest.signature.task == "classification" and answer is not None and chosen.isin(own.columns).all():
        sure = np.full(len(own), np.nan)
        for name in chosen.unique():
            there = (chosen == name).to_numpy()
            sure[there] = own[name].to_numpy(dtype=np.float64)[there]
    seconds = (own["time"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()
    return LoggedRows(seconds, own["request_id"].astype(str).to_numpy(), columns, sure)


def _values(column: pd.Series, feature: Feature, option: str) -> np.ndarray:
    """Numbers with NaN, or texts with None for missing values; DataContractError (40) for a number that is none."""
    import pandas as pd

    if not feature.numeric:
        return np.array([None if pd.isna(value) else label_text(as_json(value)) for value in column], dtype=object)
    try:
        if feature.dtype in TIMES and column.dtype == object:
            read = [
                np.nan if pd.isna(value) else moment.seconds(str(value), feature.dtype, feature.zone)
                for value in column
            ]
            return np.array(read, dtype=np.float64)
        if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
            instants = pd.to_datetime(column, utc=True) - pd.Timestamp(0, tz="UTC")
            return np.asarray(instants.dt.total_seconds().to_numpy(dtype=np.float64))
        return np.asarray(pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan))
    except (ValueError, TypeError) as error:
        remedy = f"if the log hashes it, --without {feature.name!r}"
        raise DataContractError(
            f"{option} has values of {feature.name} that are no {feature.dtype} ({error}): {remedy}"
        ) from error


def _refuse_hashes(bins: ColumnBins, column: np.ndarray) -> None:
    """DataContractError (40) where every text is a keyed hash and none is a value of the reference."""
    import pandas as pd

    if bins.values is None:
        return
    texts = pd.Series([value for value in column if value is not None], dtype=object)
    if len(texts) and not texts.isin(bins.values).any() and texts.str.fullmatch(_HASH).all():
        raise DataContractError(f"the log hashes {bins.feature}, the reference does not: --without {bins.feature!r}")


def main(argv: Sequence[str] | None = None) -> None:
    """As `measure`."""
    line = argparse.ArgumentParser(prog="python -m monitoring log-drift", description=__doc__)
    line.add_argument("--log", required=True, metavar="PATH", help="the inference log: a folder, or s3://…")
    line.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="that answered")
    line.add_argument("--reference", type=Path, required=True, metavar="FILE", help="as build/prepared/train.parquet")
    line.add_argument("--without", nargs="+", default=[], metavar="INPUT", help="inputs that the log hashes")
    arguments.add_windows(line, WEEK, LEAST_ROWS)
    options = line.parse_args(argv)
    manifest, described = labels.artifact(options.artifact)
    log, reference = labels.read(options.log, "--log"), labels.read(str(options.reference), "--reference")
    drift = measure(manifest, described, log, reference, options.window, options.least, options.without)
    if options.page:
        options.page.write_text(drift.page(), encoding="utf-8")
    print(json.dumps(drift.as_json(), indent=2) if options.json else "\n".join(drift.lines()))
