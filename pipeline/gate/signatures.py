"""What differs between two signatures for a caller."""

from __future__ import annotations

from artifact.signature import Signature


def difference(before: Signature, now: Signature) -> str | None:
    """The first difference that callers would notice, in words; ranges and categories of inputs do not count."""
    if before.task != now.task:
        return f"the task was {before.task}, now {now.task}"
    for kind, old, new in (
        ("input", [feature.name for feature in before.inputs], [feature.name for feature in now.inputs]),
        ("output", [output.name for output in before.outputs], [output.name for output in now.outputs]),
    ):
        for change, names in (("is gone", set(old) - set(new)), ("is new", set(new) - set(old))):
            if names:
                return f"the {kind} {min(names)!r} {change}"
        if old != new:
            return f"the {kind}s have another order"
    for first, second in zip(before.inputs, now.inputs, strict=True):
        for key in ("dtype", "nullable", "zone"):
            if getattr(first, key) != getattr(second, key):
                return f"{key} of {first.name!r} was {getattr(first, key)}, now {getattr(second, key)}"
    for first_output, second_output in zip(before.outputs, now.outputs, strict=True):
        if first_output != second_output:
            return f"the output {first_output.name!r} has other classes or columns"
    return None
