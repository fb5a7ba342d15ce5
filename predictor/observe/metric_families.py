"""Metric families of several workers: how one tells them to another, and how they become one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from predictor.observe.sample_block import Block, Labels

# Gauges of which a sum says nothing: what is the same in each worker, and what is true of all only if it is of each.
_LEAST = (
    "modelpin_ready",
    "modelpin_start_seconds",
    "modelpin_reference_",
    "process_start_time_seconds",
    "process_max_fds",
    "python_info",
)
_LENGTH = 4  # bytes of the big-endian length before the JSON
_UNKNOWN = Labels((), ())


def write(families: Iterable[Any]) -> bytes:
    """`families` for another worker: JSON, and behind it the values of each Block, whose labels all workers know."""
    table: list[Any] = []
    values: list[bytes] = []
    for family in families:
        named = [family.name, family.documentation, family.type]
        if isinstance(family, Block):
            table.append([*named, len(family.values)])
            values.append(family.values.astype("<f8").tobytes())
        else:
            table.append([*named, [[one.name, one.labels, one.value] for one in family.samples]])
    head = json.dumps(table).encode()  # unlike orjson it can write NaN
    return b"".join([len(head).to_bytes(_LENGTH, "big"), head, *values])


def read(data: bytes) -> list[Any]:
    """What `write` wrote; a Block is without its labels."""
    at = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
    families: list[Any] = []
    for name, documentation, kind, samples in json.loads(data[_LENGTH:at]):
        if isinstance(samples, int):
            values = np.frombuffer(data, "<f8", samples, at)
            families.append(Block(name, documentation, kind, _UNKNOWN, values))
            at += values.nbytes
        else:
            family = Metric(name, documentation, kind)
            family.samples = [Sample(*one) for one in samples]
            families.append(family)
    return families


def merge(tables: Sequence[Iterable[Any]]) -> list[Any]:
    """One table of families: counts and sums added, and of gauges those that are not amounts the least.

    Labels of a Block are those of the first table.
    """
    merged: dict[str, list[Any]] = {}
    for table in tables:
        for family in table:
            merged.setdefault(family.name, []).append(family)
    return [_blocks(same) if isinstance(same[0], Block) else _metrics(same) for same in merged.values()]


def _blocks(same: list[Block]) -> Block:
    first = same[0]
    values = [block.values for block in same]
    together = np.minimum.reduce(values) if first.name.startswith(_LEAST) else np.add.reduce(values)
    return Block(first.name, first.documentation, first.type, first.labels, together)


def _metrics(same: list[Metric]) -> Metric:
    first = same[0]
    values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in (sample for metric in same for sample in metric.samples):
        key = (sample.name, tuple(sample.labels.items()))
        if key not in values:
            values[key] = sample.value
        elif first.type == "info" or sample.name.startswith(_LEAST) or sample.name.endswith("_created"):
            values[key] = min(values[key], sample.value)
        else:
            values[key] += sample.value
    metric = Metric(first.name, first.documentation, first.type)
    metric.samples = [Sample(name, dict(labels), value) for (name, labels), value in values.items()]
    return metric
