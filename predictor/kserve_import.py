"""Import of kserve without what serving never uses: half of the time to the first answer.

`kserve/__init__.py` imports a client for Kubernetes and a hundred of its models, and kserve's codec imports pandas for
two helpers and an annotation. Here the package stands without running its `__init__`, and pandas waits until somebody
uses it: a model that scikit-learn serves, or one of those helpers.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any


@contextmanager
def kserve() -> Iterator[None]:
    """Within this, modules of kserve are imported lean; where it is imported already, nothing changes."""
    # `kserve.model_server` parses sys.argv with a parser of its own, which would exit on arguments that are only ours.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    stand_in = _Pandas("pandas")
    defer = "pandas" not in sys.modules
    if defer:
        sys.modules["pandas"] = stand_in
    spec = PathFinder.find_spec("kserve")
    if "kserve" not in sys.modules and spec is not None:
        sys.modules["kserve"] = module_from_spec(spec)
    try:
        yield
    finally:
        sys.argv = arguments
        stand_in.import_now = True
        if defer and sys.modules.get("pandas") is stand_in:
            del sys.modules["pandas"]


class _Pandas(ModuleType):
    """pandas, imported when a name of it is used and not when it stands in an annotation."""

    import_now = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module("pandas"), name) if self.import_now else object
