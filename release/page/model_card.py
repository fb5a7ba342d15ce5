"""The model card: what a model is for its users, from its manifest, its profile and the gate's verdict.

Mitchell et al., Model Cards for Model Reporting, 2019. It holds no time, so that equal models have equal pages.
"""

from __future__ import annotations

from typing import Any

from artifact import confidence
from artifact.feature import Feature
from artifact.text_file import readable_json
from release.documents.subject import Subject
from release.page import distribution, html
from release.page.distribution import Distribution

FILE = "card.html"
_ALONE = "card_alone.html"


def page(subject: Subject) -> bytes:
    """The card as a page that needs no other file."""
    return html.text(_ALONE, card=subject, style=html.style(), **values(subject)).encode()


def values(subject: Subject) -> dict[str, Any]:
    """What the template of the card takes beside its subject."""
    features = subject.profile["features"]
    return {
        "inputs": [
            (feature, _allowed(feature), distribution.of(features[feature.name], feature.dtype))
            for feature in subject.signature.inputs
        ],
        "answers": _answers(subject),
        "sure": _sure(subject),
        "parameters": readable_json(subject.manifest.parameters).rstrip(),
        "size": (distribution.WIDTH, distribution.HEIGHT),
    }


def _allowed(feature: Feature) -> str:
    """Which values are taken, in words."""
    if feature.categories is not None:
        allowed = "one of " + ", ".join(map(str, feature.categories))
    else:
        low, high = feature.range or (None, None)
        ends = [f"from {low:g}" if low is not None else "", f"to {high:g}" if high is not None else ""]
        allowed = " ".join(end for end in ends if end) or "any"
    return allowed + (", or missing" if feature.nullable else "")


def _answers(subject: Subject) -> list[tuple[str, Distribution]]:
    """What held-out rows were answered: the name of each series, and its distribution."""
    kinds = {output.name: output.dtype for output in subject.signature.outputs}
    return [
        (name, distribution.of(summary, kinds.get(name, "float64")))
        for name, summary in subject.profile["outputs"].items()
    ]


def _sure(subject: Subject) -> list[tuple[str, int, int]]:
    """Of each bin of certainty that has answers: its name, how many there were, and how many were right."""
    bins = subject.profile.get("confidence")
    if bins is None:
        return []
    rows = zip(confidence.NAMES, bins["counts"], bins["right"], strict=True)
    return [(name, count, right) for name, count, right in rows if count]
