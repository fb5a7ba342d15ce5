"""Where each release of a model comes from and where it went, as a graph in five columns that is drawn as SVG."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from artifact.quantity import quantity
from release.commit_message import short
from release.gitops.release import Release
from release.page.site_data import EnvironmentData, ModelData

COLUMNS = ("data", "commit", "artifact", "release", "traffic")
_WIDTH, _GAP, _HEIGHT, _SPACE, _TOP = 168, 44, 40, 16, 30


@dataclass(frozen=True)
class Node:
    """One box: `column` is an index of COLUMNS, `x` and `y` are pixels of its left upper corner."""

    key: str
    column: int
    label: str
    detail: str
    href: str
    live: bool  # it leads to a release that has traffic now, or is one
    x: int = 0
    y: int = 0


@dataclass(frozen=True)
class Edge:
    """From one box to one in the next column, as the path of an SVG."""

    path: str
    live: bool


@dataclass(frozen=True)
class Graph:
    """All boxes and lines with the size of the drawing in pixels."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


def of(model: ModelData) -> Graph:
    """The releases that the records of `model` remember, from data to traffic."""
    chains = list(_chains(model))
    live = {key for chain, serves in chains if serves for key in (node.key for node in chain)}
    nodes: dict[str, Node] = {}
    for node in (node for chain, _ in chains for node in chain):
        nodes.setdefault(node.key, node)  # what several releases share leads to the one deployed last
    columns = [[node for node in nodes.values() if node.column == column] for column in range(len(COLUMNS))]
    rows = max(map(len, columns), default=0)
    placed = {
        node.key: _placed(node, row, len(column), rows, node.key in live)
        for column in columns
        for row, node in enumerate(column)
    }
    pairs = {
        (start.key, end.key): serves
        for with_traffic in (False, True)  # a line that leads to traffic wins over one that does not
        for chain, serves in chains
        if serves is with_traffic
        for start, end in itertools.pairwise(chain)
    }
    edges = tuple(Edge(_curve(placed[start], placed[end]), serves) for (start, end), serves in pairs.items())
    width = len(COLUMNS) * _WIDTH + (len(COLUMNS) - 1) * _GAP
    return Graph(tuple(placed.values()), edges, width, _TOP + rows * (_HEIGHT + _SPACE))


def _chains(model: ModelData) -> Iterator[tuple[list[Node], bool]]:
    """Data, commit, artifact, release and environment of each release in each environment; whether it has traffic."""
    for name, release in model.releases.items():
        page = model.release_path(name)
        inputs, image = f"inputs {release.inputs_digest[7:15]}", f"image {release.image.rpartition(':')[2][:12]}"
        chain = [
            Node(release.data_digest, 0, short(release.data_digest), _used(model, release), f"{page}#data", False),
            Node(release.source_commit, 1, release.source_commit[:12], inputs, f"{page}#commit", False),
            Node(release.digest, 2, short(release.digest), f"gate: {release.gate}", f"{page}#artifact", False),
            Node(name, 3, name, image, page, False),
        ]
        for environment in model.environments:
            if not any(name == each.name for each in environment.record.releases):
                continue
            percent = environment.percent(name)
            # An environment is one box, but a release that has left it does not lead there any more.
            end = Node(
                f"environment {environment.folder.environment}",
                4,
                environment.folder.environment,
                _traffic(environment),
                environment.path,
                False,
            )
            if percent is None:
                yield chain, False
            else:
                yield [*chain, end], percent > 0


def _used(model: ModelData, release: Release) -> str:
    count = sum(other.data_digest == release.data_digest for other in model.releases.values())
    return f"in {quantity(count, 'release')}"


def _traffic(environment: EnvironmentData) -> str:
    """The shares of its releases, as `90 % / 10 %`."""
    return " / ".join(f"{share.percent} %" for share in environment.shares) or "empty"


def _placed(node: Node, row: int, count: int, rows: int, live: bool) -> Node:
    step = _HEIGHT + _SPACE
    y = _TOP + row * step + (rows - count) * step // 2
    return Node(node.key, node.column, node.label, node.detail, node.href, live, node.column * (_WIDTH + _GAP), y)


def _curve(start: Node, end: Node) -> str:
    x1, y1, x2, y2 = start.x + _WIDTH, start.y + _HEIGHT // 2, end.x, end.y + _HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
