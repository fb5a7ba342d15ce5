"""Which types and functions a model may name: those that `allowed_types` lists, and those that features/ defines."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from typing import Any

from artifact.errors import ForbiddenTypeError, IncompatibleError
from artifact.unpickling.allowed_types import ATTRIBUTES, BUILT, EMPTY

_LIST = "artifact/unpickling/allowed_types.py"
_OURS = "features"
TAKES = {pair: group.takes for group in BUILT for pair in group.pairs()}
_TYPES_TAKEN = {tuple(name.rsplit(".", 1)) for group in BUILT for name in group.takes}
_EMPTY = {pair for group in EMPTY for pair in group.pairs()}
_ATTRIBUTES = {pair for group in ATTRIBUTES for pair in group.pairs()} | _TYPES_TAKEN


def find(module: str, name: str) -> Any:
    """The listed type or function, or one that a module of features/ defines.

    Raises ForbiddenTypeError (21) for any other, IncompatibleError (22) for one that this environment does not have.
    """
    pair = (module, name)
    if pair not in _EMPTY and pair not in TAKES and pair not in _ATTRIBUTES and not is_ours(pair):
        raise refused(f"asks for {module}.{name}")
    sys.audit("pickle.find_class", module, name)  # as the standard library's does
    try:
        thing = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise IncompatibleError(
            f"the model needs what this environment does not have: {error}; train and serve from the same locks"
        ) from error
    if is_ours(pair) and not _defined(thing, module, name):
        raise refused(f"asks for {module}.{name}, which is no class or function of that module")
    return thing


def is_ours(pair: tuple[str, str]) -> bool:
    """Whether `pair`, a module and a name in it, is of features/."""
    return pair[0].partition(".")[0] == _OURS


def is_empty(pair: tuple[str, str]) -> bool:
    """Whether `pair` is a class of the list whose objects are made empty and get attributes."""
    return pair in _EMPTY


def _defined(thing: Any, module: str, name: str) -> bool:
    return (inspect.isclass(thing) or inspect.isfunction(thing)) and (thing.__module__, thing.__qualname__) == (
        module,
        name,
    )


def is_listed(kind: type) -> bool:
    """Whether objects of `kind` may get a state."""
    pair = (kind.__module__, kind.__qualname__)
    return pair in _EMPTY or pair in TAKES or pair in _ATTRIBUTES or is_ours(pair)


@functools.cache
def methods(kind: type) -> frozenset[str]:
    """Names by which `kind` has methods and properties."""
    members = ((name, inspect.getattr_static(kind, name)) for name in dir(kind))
    return frozenset(name for name, member in members if callable(member) or hasattr(member, "__get__"))


def words_for(thing: Any, pair: tuple[str, str] | None = None) -> str:
    """Words for `thing` in an error: its place, `pair` where the pickle named it, or its type."""
    if pair is not None:
        return ".".join(pair)
    kind = thing if isinstance(thing, type) else type(thing)
    name = getattr(thing, "__qualname__", None) if callable(thing) else None
    return (
        f"{getattr(thing, '__module__', kind.__module__)}.{name}"
        if isinstance(name, str)
        else f"a {kind.__module__}.{kind.__qualname__}"
    )


def refused(deed: str) -> ForbiddenTypeError:
    """The error (21) for a pickle that does `deed`."""
    return ForbiddenTypeError(
        f"model.joblib {deed}, which is not on the list of {_LIST}; a model is made of what stands there and of "
        "features/: do without it, or add it there in a reviewed commit"
    )
