"""The commands of docs/to-your-cluster that install a cluster: those pages are the only place where they stand."""

import re
from dataclasses import dataclass

from artifact.errors import ConfigurationError
from local.cluster.names import PAGES

# Page and heading; the first block of shell under it. All of them can be run again.
INSTALL = (
    ("cluster.md", "cert-manager"),
    ("cluster.md", "Knative Serving"),
    ("cluster.md", "KServe"),
    ("argocd.md", "Argo CD"),
)


@dataclass(frozen=True)
class Block:
    """What is installed, and the lines of shell that do it."""

    title: str
    shell: str


def blocks() -> list[Block]:
    """The blocks of INSTALL, in order; ConfigurationError when a page has no such heading, or no block under it."""
    return [Block(title, _first(page, title)) for page, title in INSTALL]


def _first(page: str, title: str) -> str:
    text = (PAGES / page).read_text(encoding="utf-8")
    _, heading, below = text.partition(next(iter(re.findall(rf"^#+ {re.escape(title)}$", text, re.M)), "\0"))
    section = re.split(r"^#+ ", below, maxsplit=1, flags=re.M)[0] if heading else ""
    block = re.search(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    if block is None:
        raise ConfigurationError(f"docs/to-your-cluster/{page} has no block of `sh` under the heading {title!r}")
    return block[1]
