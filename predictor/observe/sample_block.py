"""A metric family of very many samples, which makes the texts of their labels once and keeps the values as one array.

prometheus_client keeps a tuple and a dictionary for each sample, and escapes each label again at each scrape: of 5,000
features with ten bins each that takes most of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from prometheus_client.core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

_PIECE = 1000  # samples rendered at once

Encode = Callable[[Any], bytes]  # prometheus_client's encoders
_EOF = b"# EOF\n"


class Labels:
    """The labels of a family's samples: `names`, and the values of each sample in that order."""

    def __init__(self, names: Sequence[str], values: Sequence[Sequence[str]]) -> None:
        self.names = tuple(names)
        self.values = values

    @cached_property
    def texts(self) -> list[str]:
        """`{name="value",…}` of each sample, as prometheus_client writes it: sorted by name, values escaped."""
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        named = [(place, f'{self.names[place]}="') for place in order]
        return [
            "{" + ",".join([f'{name}{_escaped(values[place])}"' for place, name in named]) + "}"
            for values in self.values
        ]


class Block:
    """A counter or gauge family, with what prometheus_client reads of its own Metric."""

    unit = ""

    def __init__(self, name: str, documentation: str, kind: str, labels: Labels, values: np.ndarray) -> None:
        """`values`: shape [samples], in the order of `labels`."""
        self.name = name
        self.documentation = documentation
        self.type = kind
        self.labels = labels
        self.values = values

    @property
    def samples(self) -> list[Sample]:
        """The samples one by one, for code that takes any metric family."""
        name, names = self._sample_name, self.labels.names
        pairs = zip(self.labels.values, self.values.tolist(), strict=True)
        return [Sample(name, dict(zip(names, values, strict=True)), value) for values, value in pairs]

    def pieces(self, encode: Encode) -> Iterator[bytes]:
        """The bytes that `encode` would write, some at a time."""
        # Names and the family's head are escaped in several ways: prometheus_client writes those, on one sample.
        alone = Metric(self.name, self.documentation, self.type)
        alone.add_sample(self._sample_name, {}, 0.0)
        *head, line = without_end(encode(Families([alone]))).splitlines(keepends=True)
        yield b"".join(head)
        name = line.decode().partition(" ")[0]
        texts = _Numbers()
        for start in range(0, len(self.values), _PIECE):
            numbers = map(texts.__getitem__, self.values[start : start + _PIECE].tolist())
            labels = self.labels.texts[start : start + _PIECE]
            lines = [f"{name}{label} {number}\n" for label, number in zip(labels, numbers, strict=True)]
            yield "".join(lines).encode()

    @property
    def _sample_name(self) -> str:
        return f"{self.name}_total" if self.type == "counter" else self.name


class Families:
    """What prometheus_client's encoders take for a registry."""

    def __init__(self, families: Iterable[Any]) -> None:
        self._families = families

    def collect(self) -> Iterator[Any]:
        """The families."""
        yield from self._families


def render(families: Iterable[Any], encode: Encode) -> Iterator[bytes]:
    """What `encode` would write of `families`, some at a time."""
    for family in families:
        if isinstance(family, Block):
            yield from family.pieces(encode)
        else:
            yield without_end(encode(Families([family])))
    yield encode(Families([]))


def without_end(encoded: bytes) -> bytes:
    """`encoded` without the line that ends OpenMetrics."""
    return encoded.removesuffix(_EOF)


class _Numbers(dict[float, str]):
    """Numbers as prometheus_client writes them; most of one scrape are a few small ones."""

    def __missing__(self, number: float) -> str:
        text: str = floatToGoString(number)  # type: ignore[no-untyped-call]
        self[number] = text
        return text


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
