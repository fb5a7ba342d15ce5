"""Join labels that are known later to the inference log, and test whether live losses are worse than the held-out ones.

Labels (CSV or Parquet): request_id, label, time (when it came back), and row where a request has several. The log (a
Parquet file, or a folder of them partitioned by digest and day): request_id, prediction, time, digest, and row.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artifact import profile
from artifact.errors import DataContractError, StorageError, UsageError
from artifact.manifest import FILE as MANIFEST
from artifact.manifest import Manifest
from monitoring import arguments, risk

if TYPE_CHECKING:
    import pandas as pd

_KEY = ["request_id", "row"]


@dataclass(frozen=True)
class Promise:
    """The mean loss that held-out rows had, on how many rows, and how much worse the gate lets a model be."""

    loss: float
    rows: int
    margin: float = 0.0
    binary: bool = True

    @property
    def bound(self) -> float:
        """What the live loss is held to: the upper end of the held-out one, and the margin."""
        return min(0.999, risk.upper_bound(self.loss, self.rows, self.binary) + self.margin)


@dataclass(frozen=True)
class Realised:
    """What the labels say of one digest: `losses` in the order in which labels came; `logged`: rows of its log."""

    digest: str
    losses: np.ndarray
    logged: int
    delays: np.ndarray  # seconds from request to label
    unmatched: int  # labels of no row of the log, of any digest

    def as_json(self, promise: Promise | None) -> dict[str, Any]:
        """For programs and for `release retrain`."""
        count = len(self.losses)
        log_m = risk.log_m(self.losses, promise.bound) if promise and count else np.zeros(0)
        return {
            "kind": "performance",
            "digest": self.digest,
            "labels": count,
            "coverage": round(count / self.logged, 4) if self.logged else 0.0,
            "delay_seconds": [round(float(delay), 1) for delay in np.quantile(self.delays, (0.5, 0.9))]
            if count
            else [],
            "loss": round(float(self.losses.mean()), 4) if count else None,
            "bound": round(promise.bound, 4) if promise else None,
            "alarm": bool(log_m.size and log_m.max() >= np.log(risk.ALARM)),
            "log10_m": round(float(log_m[-1]) / np.log(10), 3) if log_m.size else None,
            "alarm_at": round(float(np.log10(risk.ALARM)), 3),
            "unmatched": self.unmatched,
        }


def join(labels: pd.DataFrame, log: pd.DataFrame, scale: float | None) -> list[Realised]:
    """Each digest of the log with the losses of its labels; the last label of a row counts.

    `scale` None: the loss is 1 for a wrong answer, else 0. Otherwise it is the absolute error over `scale`, at most 1.
    """
    labels, log = _keyed(labels, "label", "the labels"), _keyed(log, "prediction", "the log")
    log = log.drop_duplicates(_KEY, keep="first")
    newest = labels.sort_values("time", kind="stable").drop_duplicates(_KEY, keep="last")
    both = newest.merge(log, on=_KEY, how="left", suffixes=("_label", "_request"), indicator=True)
    unmatched = int((both["_merge"] == "left_only").sum())
    joined = both[both["_merge"] == "both"].sort_values("time_label", kind="stable")
    results = []
    for digest, rows in log.groupby("digest", sort=True):
        own = joined[joined["digest"] == digest]
        delays = (own["time_label"] - own["time_request"]).dt.total_seconds().to_numpy(dtype=np.float64)
        results.append(Realised(str(digest), _losses(own, scale), len(rows), delays, unmatched))
    return results


def _losses(joined: pd.DataFrame, scale: float | None) -> np.ndarray:
    if scale is None:
        wrong = joined["label"].astype(str) != joined["prediction"].astype(str)
        return wrong.to_numpy(dtype=np.float64)
    try:
        errors = joined["label"].astype(float) - joined["prediction"].astype(float)
    except ValueError as error:
        raise DataContractError(f"--scale is for numbers: {error}; leave it out for classes") from error
    return np.asarray(np.clip(np.abs(errors.to_numpy(dtype=np.float64)) / scale, 0.0, 1.0))


def _keyed(table: pd.DataFrame, value: str, title: str) -> pd.DataFrame:
    """`table` with a row number and times in UTC; DataContractError (40) for a column or a value that is missing."""
    import pandas as pd  # here, so that --help loads no pandas

    needed = ["request_id", value, "time", *(["digest"] if value == "prediction" else [])]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataContractError(
            f"{title} need the columns {', '.join(missing)} too: there are {', '.join(map(str, table.columns))}"
        )
    columns = table[[*needed, *(["row"] if "row" in table.columns else [])]].copy()
    if columns["request_id"].isna().any() or columns[value].isna().any():
        raise DataContractError(f"{title} have rows without a request_id or a {value}: leave those out")
    try:
        columns["time"] = pd.to_datetime(
            columns["time"], utc=True, format="ISO8601" if columns["time"].dtype == object else None
        )
        columns["row"] = columns["row"].astype("int64") if "row" in columns else 0
    except (ValueError, TypeError) as error:
        raise DataContractError(
            f"{title} have a time or a row that is none ({str(error).partition('.')[0]:.100}): write times as "
            "2026-11-26T07:00:00Z, and rows as whole numbers from 0"
        ) from error
    texts = [name for name in ("request_id", "digest") if name in columns]
    columns[texts] = columns[texts].astype(str)  # a partition of a dataset is a category
    return columns


def read(path: str, option: str) -> pd.DataFrame:
    """A CSV file, a Parquet file, or a folder of Parquet files, also s3://….

    UsageError (2) for anything else, and where nothing is there; StorageError (30) where S3 does not answer.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"request_id": str}) if path.endswith(".csv") else pd.read_parquet(path)
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and path.startswith("s3://"):
            raise StorageError(f"{option} {path}: S3 did not answer ({error!s:.200}): see its URL and keys") from error
        raise UsageError(f"{option} {path} cannot be read ({error!s:.200}): give CSV or Parquet") from error
    if not len(table.columns):
        raise UsageError(f"{option} {path} has no Parquet file in it: see whether anything was logged and shipped")
    return table


def artifact(folder: Path) -> tuple[Manifest, Mapping[str, Any]]:
    """The manifest and the profile in `folder`; UsageError (2) where they are not, IntegrityError (20)."""
    try:
        manifest = Manifest.from_bytes((folder / MANIFEST).read_bytes())
        return manifest, profile.read(manifest.signature, (folder / profile.FILE).read_bytes())
    except OSError as error:
        raise UsageError(f"--artifact {folder} is no artifact ({error}): give its folder") from error


def promised(folder: Path, margin: float) -> Promise:
    """Of the artifact of a classifier, in `folder`: its held-out accuracy. Errors as of `artifact`."""
    described, reference = artifact(folder)
    accuracy = described.metrics.get("accuracy")
    if accuracy is None:
        raise UsageError(f"{folder} has no metric accuracy: say what was promised, with --loss and --rows")
    return Promise(1 - float(accuracy), int(reference["held_out"]), margin)


def main(argv: Sequence[str] | None = None) -> None:
    """As `join`, with the sequential test of `monitoring.risk` for each digest."""
    line = argparse.ArgumentParser(prog="python -m monitoring labels", description=__doc__)
    line.add_argument("--in", dest="labels", required=True, metavar="FILE", help="the labels")
    line.add_argument("--log", required=True, metavar="PATH", help="the inference log: a folder, or s3://…")
    line.add_argument("--artifact", type=Path, metavar="DIR", help="of a classifier: what its held-out rows promised")
    line.add_argument("--loss", type=arguments.share, metavar="L", help="in its place: mean held-out loss …")
    line.add_argument("--rows", type=arguments.whole, metavar="N", help="… and of how many rows")
    line.add_argument("--margin", type=arguments.share, default=0.0, metavar="M", help="of the gate (%(default)s)")
    line.add_argument(
        "--scale", type=arguments.positive, metavar="S", help="of a number: the error that counts as a loss of 1"
    )
    line.add_argument("--digest", help="this one alone, as `release retrain --alarm` takes it")
    line.add_argument("--json", action="store_true", help="for programs")
    options = line.parse_args(argv)
    if (options.loss is None) != (options.rows is None) or (options.artifact and options.loss is not None):
        raise UsageError("say what was promised once: --artifact, or --loss with --rows")
    promise = None
    if options.artifact:
        promise = promised(options.artifact, options.margin)
    elif options.loss is not None:
        promise = Promise(options.loss, options.rows, options.margin, options.scale is None)
    results = join(read(options.labels, "--in"), read(options.log, "--log"), options.scale)
    results = [result for result in results if options.digest in (None, result.digest)]
    if not results:
        raise UsageError(f"the log has no row of {options.digest or 'any digest'}")
    listed = [result.as_json(promise) for result in results]
    if options.json:
        print(json.dumps(listed[0] if options.digest else listed, indent=2))
        return
    for entry in listed:
        verdict = (
            ""
            if promise is None
            else f", at most {entry['bound']} was promised: {'worse' if entry['alarm'] else 'kept'}"
        )
        loss = f"loss {entry['loss']} of {entry['labels']} labels{verdict}" if entry["labels"] else "no label yet"
        print(f"{entry['digest']}: {loss}")
        print(
            f"  coverage {entry['coverage']:.1%}, delay 50 / 90 %: {entry['delay_seconds']} s, "
            f"unmatched {entry['unmatched']}"
        )
