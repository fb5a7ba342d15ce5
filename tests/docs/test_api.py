"""docs/api.md: each name exists, and says what it takes, gives and raises; examples of the docs import only those."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
OURS = ("artifact", "features", "pipeline", "predictor", "release", "scoring", "starter")
ARRAYS = re.compile(r"\b(ndarray|Columns|RawColumns|DataFrame|pa\.Table)\b")
SHAPE = re.compile(r"\[(rows|outputs|inputs)\b")

Definition = ast.FunctionDef | ast.ClassDef


def entries() -> dict[str, list[str]]:
    """Each name behind `:::`, with the members of it that the page shows."""
    matches = re.findall(r"^::: ([\w.]+)(?:\n {4}options: \{.*?(?:members: \[(.*?)\])?\})?$", PAGE, re.M)
    return {name: re.findall(r"\w+", members) for name, members in matches}


@cache
def module(name: str) -> tuple[Path, ast.Module]:
    """The longest part of a dotted name that is a file, parsed."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length]).with_suffix(".py")
        if path.is_file():
            return path, ast.parse(path.read_text(encoding="utf-8"))
    raise AssertionError(f"{name} is in no module")


def definition(name: str) -> Definition | None:
    """The function or class with this dotted name; None for a module."""
    path, tree = module(name)
    words = name.split(".")[len(path.relative_to(ROOT).with_suffix("").parts) :]
    return _member(tree, words[0]) if words else None


def _member(node: ast.Module | ast.ClassDef, name: str) -> Definition:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and child.name == name:
            return child
    raise AssertionError(f"there is no {name}")


def functions() -> list[tuple[str, str, ast.FunctionDef]]:
    """Each function and shown method: its name, what is said around it, and its definition.

    Around a method that is the class's docstring, around a transformer also the section: the source of features/ is
    part of the digest of every model that takes a class from there, so that a word added to it would void them.
    """
    every = []
    for name, members in entries().items():
        result = definition(name)
        if isinstance(result, ast.FunctionDef):
            every.append((name, "", result))
        elif result is not None:
            around = ast.get_docstring(result) or ""
            if name.startswith("features."):
                around += PAGE[PAGE.index("## Transformers") : PAGE.index("## The predictor")]
            for method in (_member(result, member) for member in members):
                assert isinstance(method, ast.FunctionDef)
                every.append((f"{name}.{method.name}", around, method))
    return every


def raised(node: ast.AST) -> list[str]:
    """What a function raises by name, but for what it may catch itself."""
    names = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            names.append(ast.unparse(child.exc.func))
        elif isinstance(child, ast.Try):
            names += [name for handler in child.handlers for name in raised(handler)]
        else:
            names += raised(child)
    return names


FUNCTIONS = functions()


@pytest.mark.parametrize("name", entries())
def test_every_name_exists_and_has_a_docstring(name: str) -> None:
    """A function or class of that name is where the page says, and its docstring is a sentence."""
    node = definition(name) or module(name)[1]
    assert re.match(r"[^\n]+(\n[^\n]+)*?[.:](\n|$)", ast.get_docstring(node) or "")


@pytest.mark.parametrize(("name", "around", "function"), FUNCTIONS, ids=[name for name, _, _ in FUNCTIONS])
def test_it_says_shapes_and_errors(name: str, around: str, function: ast.FunctionDef) -> None:
    """A docstring gives the shape of tables and arrays that go in or come out, and names what the function raises."""
    output = ast.get_docstring(function) or ""
    assert output, f"{name} has no docstring"
    annotations = [argument.annotation for argument in [*function.args.args, *function.args.kwonlyargs]]
    types = " ".join(
        ast.unparse(annotation) for annotation in [*annotations, function.returns] if annotation is not None
    )
    if ARRAYS.search(types):
        assert SHAPE.search(output + (around if name.startswith("features.") else "")), (
            f"{name} gives no shape: {types}"
        )
    for error in raised(function):
        assert error in output + around, f"{name} raises {error} and does not say so"


def test_a_section_a_row_of_the_table() -> None:
    """The table leads to each section, and names the modules that it is about."""
    rows = re.findall(r"^\| .* \| \[(.*)\]\(#([\w-]+)\) \|$", PAGE, re.M)
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", PAGE, re.M)]
    assert [anchor for _, anchor in rows] == headings
    for modules, _ in rows:
        for name in re.findall(r"`([\w.]+)`", modules):
            assert any(entry.startswith(name) for entry in entries()), name


def test_examples_import_what_is_on_the_page() -> None:
    """A block of Python in docs/ imports nothing of ours that the page does not list."""
    listed = set(entries())
    for path in sorted((ROOT / "docs").glob("*.md")):
        for block in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
                    for alias in node.names:
                        name = f"{node.module}.{alias.name}"
                        assert any(entry == name or entry.startswith(f"{name}.") for entry in listed), (path, name)
