"""The chapters of the report on where a model comes from: its data, its inputs, its commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.report.evidence import Evidence
from pipeline.report.markdown import code, folded, number
from pipeline.shared.markdown import table, text


def data(evidence: Evidence) -> list[str]:
    """What was trained on, and what changed since the champion."""
    counts = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in evidence.prepared["rows"].items() if count
    )
    lines = ["## Data", "", f"Rows: {counts}.", ""]
    before = evidence.champion_manifest
    if before is not None:
        same = before.data_digest == evidence.manifest.data_digest
        lines += [f"{'The very data' if same else 'Other data than that'} the champion was trained on.", ""]
    target = evidence.prepared["target"]
    if "mean" in target or "means" in target:
        means = target["means"] if "means" in target else {"": target["mean"]}
        rows = [
            [f"mean of {text(name)}" if name else "mean", *(number(mean[part]) for part in ("train", "test"))]
            for name, mean in means.items()
        ]
    elif "several" in target:
        rows = [
            [f"{text(column)} = {text(name)}", *(str(counts[part].get(name, 0)) for part in ("train", "test"))]
            for column, counts in target["several"].items()
            for name in counts["train"]
        ]
    else:
        counts_of = [target["train"], target["test"]]
        rows = [[text(name), *(str(part.get(name, 0)) for part in counts_of)] for name in target["train"]]
    lines += table(("target", "training", "held out"), rows, 1)
    return lines + _changes(evidence.data)


def _changes(report: Mapping[str, Any]) -> list[str]:
    """What stage prepare found: broken rules, leakage, and features that drifted since the champion."""
    marks = {"ok": "", "warn": "⚠ changed", "refuse": "✗ refused"}
    broken = [
        [text(violation["column"]), text(violation["rule"]), str(violation["count"])]
        for violation in (*report.get("violations", ()), *report.get("leakage", ()))
    ]
    lines = table(("column", "rule", "rows"), broken, 2)
    drift = report.get("drift")
    if drift is None:
        return lines
    rows = [
        [
            text(feature["column"]),
            text(feature["note"]) if feature.get("note") else number(feature.get("psi"), 3),
            number(feature.get("chance"), 3),
            number(feature.get("missing"), 3),
            number(feature.get("unseen"), 3),
            marks.get(feature["state"], text(feature["state"])),
        ]
        for feature in drift["features"]
    ]
    header = ("feature", "PSI against the champion's", "by chance", "missing, more", "never seen", "")
    changed = sum(feature["state"] != "ok" for feature in drift["features"])
    return [
        *lines, f"{changed} of {len(rows)} features changed since the champion was trained.", "",
        *folded("Each feature", table(header, rows, 1)),
    ]  # fmt: skip


def lineage(evidence: Evidence) -> list[str]:
    """What both models were made from."""
    before, source = evidence.champion.release or {}, evidence.source
    commit = (source.commit or "–") + (", with uncommitted changes" if source.dirty else "")
    rows = [
        ["artifact", *map(_short, (before.get("digest"), evidence.verdict["model_digest"]))],
        ["inputs", *map(_short, (before.get("inputs_digest"), evidence.verdict["inputs_digest"]))],
        ["data", *map(_short, (before.get("data_digest"), evidence.verdict["data_digest"]))],
        ["commit", _short(before.get("source_commit")), code(commit)],
        ["serves since", text(before.get("since") or "–"), "–"],
    ]
    libraries = [[text(name), code(version)] for name, version in evidence.manifest.libraries.items()]
    return [
        "## Lineage",
        "",
        *table(("", "champion", "challenger"), rows),
        *folded("Libraries of the challenger", table(("library", "version"), libraries)),
    ]


def _short(digest: Any) -> str:
    return code(str(digest)[:19] + "…") if digest else "–"
