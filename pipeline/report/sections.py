"""The chapters of the report, each as lines of Markdown from the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifact.quantity import quantity
from pipeline.gate import outcomes
from pipeline.gate.rules import mib
from pipeline.params.metrics import Entry
from pipeline.report.evidence import Evidence
from pipeline.report.markdown import code, folded, image, interval, number, signed
from pipeline.shared.markdown import table, text

_MOST = 8  # slices; the others are folded away


def verdict(evidence: Evidence) -> list[str]:
    """The answer, in a title and a sentence."""
    answer = evidence.verdict
    mark = "✓" if answer["passed"] else "✗"
    words = {**outcomes.REFUSALS, **(outcomes.PASSES if answer["passed"] else {})}[answer["outcome"]]
    serves = "Git names no model yet; this would be the first."
    if answer["champion"]:
        serves = f"The champion serves in **{text(answer['champion']['environment'])}**."
    return [
        f"# {mark} {text(evidence.name)}: {answer['outcome']}",
        "",
        f"**{'May be deployed' if answer['passed'] else 'Is not published'}**: {text(words)}. {serves}",
        "",
        f"> {text(answer['reason'])}",
        "",
    ]


def metrics(evidence: Evidence) -> list[str]:
    """Each metric of both models, and who is ahead."""
    lines = ["## Metrics on rows that training never saw", ""]
    entries = [entry for name, entry in evidence.catalogue.items() if name in evidence.metrics]
    meanings = [[code(entry.name), _direction(entry)] for entry in entries]
    says = folded("What the metrics say", table(("metric", "it is the"), meanings))
    compared = evidence.comparison
    if compared is None:
        rows = [
            [code(name), number(measure["value"]), interval(measure["low"], measure["high"])]
            for name, measure in evidence.metrics.items()
            if isinstance(measure, Mapping)
        ]
        return [*lines, *table(("metric", "value", "interval"), rows, 1), *says]
    rows = []
    for name in evidence.metrics:
        if name in compared["differences"]:
            difference, bold = compared["differences"][name], "**" if name == compared["metric"] else ""
            before, now = compared["champion"][name], compared["challenger"][name]
            ahead = [
                signed(difference["value"]),
                interval(difference["low"], difference["high"], sign=True),
                _lead(difference),
            ]
            rows.append([f"{bold}{code(name)}{bold}", number(before["value"]), number(now["value"]), *ahead])
    header = ("metric", "champion", "challenger", "better (+) or worse (−) by", "interval", "")
    holdout = compared["holdout"]
    note = f"{compared['rows']} held-out rows, the same for both; {compared['confidence']:.0%} intervals of the "
    note += f"difference. **{text(compared['metric'])}** decides, within a margin of {compared['margin']:g}."
    if holdout["trained"] or holdout["unknown"]:
        note += f" Left out: {quantity(holdout['trained'], 'row')} that the champion was trained on"
        note += f", {holdout['unknown']} of which that is not known." if holdout["unknown"] else "."
    picture = image("difference by slice", "figures/difference.png")
    return [*lines, *table(header, rows, 1), note, "", *says, *picture]


def slices(evidence: Evidence) -> list[str]:
    """Where the challenger does worst: beside the champion, if there is one, and by itself."""
    alone, loss = evidence.slices["slices"], evidence.slices["loss"]
    if not alone:
        return [
            "## Slices",
            "",
            f"No part of the holdout has {evidence.slices['rows']} rows (`evaluate.slices.rows`).",
            "",
        ]
    rows = [
        [
            text(part["name"]),
            str(part["rows"]),
            number(part["value"], 3),
            interval(part["low"], part["high"]),
            "⚠\u00a0worse than all" if part["worse"] else "",
        ]
        for part in alone
    ]
    note = f"Mean {loss}, less is better; over all rows {number(evidence.slices['overall'], 3)}. The intervals of all "
    note += f"{len(alone)} slices hold together."
    header = ("slice", "rows", loss, "interval", "")
    if evidence.comparison is None:
        more = folded(f"{len(rows) - _MOST} more slices", table(header, rows[_MOST:], 1)) if rows[_MOST:] else []
        return ["## Slices", "", *table(header, rows[:_MOST], 1), note, "", *more]
    worst = folded("Where the challenger by itself does worst", [*table(header, rows[:_MOST], 1), note, ""])
    return ["## Slices", "", *_beside(evidence.comparison), *worst]


def _beside(compared: Mapping[str, Any]) -> list[str]:
    parts = compared["slices"]
    rows = [
        [
            text(part["name"]),
            str(part["rows"]),
            number(part["champion"], 3),
            number(part["challenger"], 3),
            signed(part["difference"]["value"]),
            interval(part["difference"]["low"], part["difference"]["high"], sign=True),
            "✗\u00a0worse" if part["worse"] else _lead(part["difference"]),
        ]
        for part in parts
    ]
    if not rows:
        return ["None of the rows compared form a slice.", ""]
    header = ("slice", "rows", "champion", "challenger", "better (+) or worse (−) by", "interval", "")
    note = (
        f"Mean {parts[0]['loss']}, less is better. A slice refuses the model when it is certainly worse by more than "
    )
    note += f"{compared['slice_margin']:g}, all {len(parts)} slices taken together."
    more = folded(f"{len(rows) - _MOST} more slices", table(header, rows[_MOST:], 1)) if rows[_MOST:] else []
    return [*table(header, rows[:_MOST], 1), note, "", *more]


def calibration(evidence: Evidence) -> list[str]:
    """Whether its certainty can be taken at its word."""
    if not evidence.calibration["bins"]:
        return []
    words = (
        "On the dashed line a model is right as often as it says. Below it, it is too sure of itself."
        if evidence.task != "regression"
        else "On the dashed line the mean of the target is what was predicted."
    )
    bins = evidence.comparison["calibration"]["challenger"] if evidence.comparison else evidence.calibration["bins"]
    rows = [[str(row["rows"]), number(row["predicted"], 3), number(row["observed"], 3)] for row in bins]
    numbers = folded("The challenger's numbers", table(("rows", "predicted", "observed"), rows, 0))
    return ["## Calibration", "", words, "", *image("calibration", "figures/reliability.png"), *numbers]


def behaviour(evidence: Evidence) -> list[str]:
    """What a change of one column does to the prediction."""
    rows = [
        [
            "✓" if check["passed"] else "✗",
            text(check["check"]),
            f"{check['broke']} of {check['rows']}",
            f"{check['tolerated']:.2%}",
            number(check["worst"], 2),
        ]
        for check in evidence.behaviour
    ]
    return (
        ["## Behaviour", "", *table(("", "expected", "rows that break it", "tolerated", "worst"), rows)] if rows else []
    )


def engine(evidence: Evidence) -> list[str]:
    """What serves the model and gave every answer on this page, and how far it is from scikit-learn."""
    return ["## Engine", "", f"Every answer here is that of {text(evidence.choice.in_words())}.", ""]


def cost(evidence: Evidence) -> list[str]:
    """Latency and size of what would serve."""
    before, now = evidence.latency.get("champion"), evidence.latency["challenger"]
    sizes = [
        None if manifest is None else mib(manifest) for manifest in (evidence.champion_manifest, evidence.manifest)
    ]
    rows = [
        [words, number(before and before[key], 3), number(now[key], 3)]
        for words, key in (
            ("one row, median, ms", "p50_ms"),
            ("one row, 99 of 100, ms", "p99_ms"),
        )
    ]
    rates = [None if timing is None else timing["rows_per_second"] for timing in (before, now)]
    rows.append(["rows a second, 1000 at a time", *("–" if rate is None else f"{rate:,.0f}" for rate in rates)])
    rows.append(["size, MiB", number(sizes[0], 3), number(sizes[1], 3)])
    engines = [
        None if manifest is None else manifest.engine for manifest in (evidence.champion_manifest, evidence.manifest)
    ]
    rows.append(["engine", *("–" if name is None else text(name) for name in engines)])
    note = "Measured in turn on one machine, the engine alone: without HTTP, and not comparable with another report."
    return ["## Cost", "", *table(("", "champion", "challenger"), rows, 1), note, ""]


def golden(evidence: Evidence) -> list[str]:
    """Which of the champion's recorded answers change."""
    if evidence.comparison is None:
        return []
    answers = evidence.comparison["golden"]
    moved = "" if answers["moved"] is None else f" The largest move of a number is {number(answers['moved'], 3)}."
    rows = [
        [
            "<br>".join(f"{text(name)} = {text(value)}" for name, value in example["row"].items()),
            text(example["champion"]),
            text(example["challenger"]),
        ]
        for example in answers["examples"]
    ]
    return [
        "## Golden answers that changed",
        "",
        f"{answers['changed']} of the champion's {answers['rows']} recorded requests get another answer.{moved}",
        "",
        *folded(f"The first {len(rows)}", table(("request", "champion", "challenger"), rows)),
    ]


def rules(evidence: Evidence) -> list[str]:
    """Every rule of the gate."""
    rows = [
        ["✓" if rule["passed"] else "✗", code(rule["rule"]), text(rule["words"])] for rule in evidence.verdict["rules"]
    ]
    return ["## Rules", "", *table(("", "rule", "what was found"), rows)]


def pictures(evidence: Evidence) -> list[str]:
    """Predictions against the truth, and which features matter."""
    title = "residuals" if evidence.task == "regression" else "confusion matrix"
    lines = [*image(title, "plots/predictions.png"), *image("feature importance", "plots/importance.png")]
    return [
        "## Predictions and features",
        "",
        *folded("Predictions against the truth, and which features matter", lines),
    ]


def _direction(entry: Entry) -> str:
    return f"{entry.words}; {'more' if entry.more_is_better else 'less'} is better"


def _lead(difference: Mapping[str, Any]) -> str:
    if difference["low"] is None:
        return ""
    return "▲\u00a0better" if difference["low"] > 0 else "▼\u00a0behind" if difference["high"] < 0 else ""
