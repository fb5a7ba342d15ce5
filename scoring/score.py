"""A table read in pieces, each scored here or on a Dask cluster, and its answers written in order."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifact import load
from artifact.errors import DataContractError, StorageError
from artifact.quantity import quantity
from pipeline.shared.progress import Progress
from release import client
from scoring import location
from scoring.batches import Batches
from scoring.parts import Parts
from scoring.scorer import Form, Scored, Scorer

Submit = Callable[[pa.Table, int], Any]


def score(options: argparse.Namespace) -> None:
    """Write the output and the rejected rows, as the `options` of `python -m scoring` say.

    DataContractError (40) beyond --max-rejected.
    """
    # Arrow's own allocator gives the memory of a piece back before the next one wants it, and the system clears it
    # anew: up to half of the time that reading takes.
    pa.set_memory_pool(pa.system_memory_pool())
    with _stored(), _artifact(options) as (directory, digest):
        verified = load.verify(directory, expected_digest=digest)
        artifact = load.deserialise(verified)
        source = Batches(location.parse(options.input))
        form = Form(source.text, tuple(options.missing), tuple(options.keep))
        names = list(dict.fromkeys((*artifact.signature.names, *form.keep)))
        source.require(names)
        scorer = Scorer(artifact, verified.files, form)
        scorer.check(source.types)
        plan = {"model_digest": artifact.digest, "input": source.location.identity(), "rows": options.rows}
        parts = Parts(location.parse(options.output), plan | {"missing": list(form.missing), "keep": list(form.keep)})
        finished = parts.begin(options.restart)
        if finished:
            print(f"an earlier run finished {quantity(finished, 'piece')} of {quantity(options.rows, 'row')}")
        tables = source.read(names, options.rows, skip=finished * options.rows)
        with (
            _submitting(scorer, directory, form) as (submit, ahead),
            Progress("rows", source.rows, parts.scored + parts.rejected) as progress,
            parts.output_open(),
        ):
            _refuse(parts, options.max_rejected)
            for scored in ordered(submit, read_ahead(tables), ahead, finished * options.rows + 1):
                parts.add(scored)
                progress.add(scored.predictions.num_rows + scored.rejected.num_rows)
                _refuse(parts, options.max_rejected)
            if not parts.scored + parts.rejected:
                raise DataContractError(f"{options.input} has a header and no rows; there is nothing to score")
        if not parts.scored:
            raise DataContractError(
                f"none of {quantity(parts.rejected, 'row')} was scored; {parts.rejects} says of each why: correct the "
                "table, or take the model that it was made for"
            )
    rejected = f", {parts.rejected:,} rejected: {parts.rejects}" if parts.rejected else ""
    name = f"{artifact.manifest.model} {artifact.digest}"
    print(f"{name}: {quantity(parts.scored, 'row')} scored: {parts.output}{rejected}")


def read_ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same tables; a thread reads the next one while the caller works on one."""
    with ThreadPoolExecutor(1) as reader:
        next_table = reader.submit(next, tables, None)
        while (table := next_table.result()) is not None:
            next_table = reader.submit(next, tables, None)
            yield table


def ordered(submit: Submit, tables: Iterator[pa.Table], ahead: int, first: int) -> Iterator[Scored]:
    """What `submit` makes of each table, in their order; at most `ahead` are on their way at a time."""
    pending: deque[Any] = deque()
    for table in tables:
        pending.append(submit(table, first))
        first += table.num_rows
        if len(pending) >= ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _refuse(parts: Parts, most: int | None) -> None:
    if most is not None and parts.rejected > most:
        parts.write_rejected()
        raise DataContractError(
            f"{quantity(parts.rejected, 'row')} of the first {parts.scored + parts.rejected:,} did not fit, "
            f"--max-rejected is {most}; {parts.rejects} says why: correct them and begin again with --restart, or "
            "allow more"
        )


@contextmanager
def _submitting(scorer: Scorer, directory: Path, form: Form) -> Iterator[tuple[Submit, int]]:
    """Threads of this process, or the Dask cluster that the environment names."""
    from pipeline.training import cluster

    address = cluster.address()
    if address is None:
        threads = min(4, len(os.sched_getaffinity(0)))
        with ThreadPoolExecutor(threads) as pool:

            def local(table: pa.Table, first: int) -> Future[Scored]:
                return pool.submit(scorer.score, table, first)

            # One piece that waits for a thread, and one that is written: no thread waits for either.
            yield local, threads + 2
    else:
        from scoring.cluster_scorer import Remote

        with cluster.connected(address) as client:
            remote = Remote(client, directory, form)
            yield remote.submit, remote.ahead


@contextmanager
def _artifact(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    if options.artifact is not None:
        yield options.artifact, options.digest
        return
    uri = client.artifact_uri(options.uri)
    with tempfile.TemporaryDirectory(prefix="modelpin-score-") as folder:
        client.fetch(str(uri), Path(folder) / "artifact")
        yield Path(folder) / "artifact", uri.digest


@contextmanager
def _stored() -> Iterator[None]:
    """What disk or S3 refuses, as StorageError (30)."""
    try:
        yield
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError  # here: a table on disk needs no client of S3

        if not isinstance(error, OSError | BotoCoreError | ClientError):
            raise
        raise StorageError(
            f"{' '.join(str(error).split())[:300] or type(error).__name__}; see whether disk or S3 can be reached and "
            "written, then run this again: it goes on where it was"
        ) from error
