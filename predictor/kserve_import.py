"""Import of kserve without what serving never uses: more than half of the time to the first answer.

`kserve/__init__.py` imports a client for Kubernetes and a hundred of its models: here the package stands without
running it. Modules of kserve and FastAPI import others for an annotation, a base or a helper that nothing here calls:
those wait until somebody uses them.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

DEFERRED = (
    "pandas",  # kserve's codec: two helpers, and annotations
    "httpx",  # kserve's client of another predictor, which a transformer has
    "psutil",  # kserve: how many workers fit the machine; there is one
    "yaml",  # kserve: a log configuration from a file
    "fastapi.openapi.models",  # 40 pydantic models that describe an API; ours is described by predictor/http/openapi.py
)


@contextmanager
def kserve() -> Iterator[None]:
    """Within this, modules of kserve are imported lean; where it is imported already, nothing changes."""
    # `kserve.model_server` parses sys.argv with a parser of its own, which would exit on arguments that are only ours.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    stand_ins = {name: _Deferred(name) for name in DEFERRED if name not in sys.modules}
    sys.modules |= stand_ins
    spec = PathFinder.find_spec("kserve")
    if "kserve" not in sys.modules and spec is not None:
        sys.modules["kserve"] = module_from_spec(spec)
    # Modules stay: looking among them for garbage, again and again while they come, takes a tenth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        sys.argv = arguments
        for name, stand_in in stand_ins.items():
            stand_in.import_now = True
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


class _Deferred(ModuleType):
    """A module that is imported when a name of it is used, and not when it stands in an annotation or as a base."""

    import_now = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.import_now:
            return getattr(importlib.import_module(self.__name__), name)
        return Exception if name.endswith("Error") else object  # what `except` takes, too
