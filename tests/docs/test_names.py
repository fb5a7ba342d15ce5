"""CONTRIBUTING's rule on names: values are called by what they hold, not by what was done to them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# `found`, `one` or `here` say nothing of a value: `rows`, `release` and `checkout` do.
VAGUE = frozenset(
    """asked counted found given held here judged kept known made one priced said seen shown taken told wanted what
    where written""".split()
)
# What may define one of them: no other file is parsed, which would take seconds.
_MENTION = re.compile(rf"\b_*(?:{'|'.join(VAGUE)})_*\s*(?:[-+*/|&@]?=(?!=)|[:,()]|in\b)", re.IGNORECASE)
# Keys of files that people wrote, and code whose digest stands in the manifests of artifacts.
PERMANENT = {("pipeline/params/evaluate.py", "found")}
WITH_A_DIGEST = "features/"


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each variable, field, parameter, function and method that the code defines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store(), id=name) | ast.Attribute(ctx=ast.Store(), attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name


def test_values_are_named_by_what_they_hold() -> None:
    """No variable, constant, field, parameter or function has a participle or a pronoun for a name."""
    vague = [
        f"{path}:{line}: {name}"
        for file in sorted(ROOT.glob("[a-z]*/**/*.py"))
        if not (path := str(file.relative_to(ROOT))).startswith(WITH_A_DIGEST)
        if _MENTION.search(text := file.read_text(encoding="utf-8"))
        for line, name in names(ast.parse(text))
        if name.strip("_").lower() in VAGUE and (path, name) not in PERMANENT
    ]
    assert not vague, "say what each value is (rows, answer, verdict, expected, …):\n" + "\n".join(vague)
