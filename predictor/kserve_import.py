"""Import kserve without the modules that serving never uses, which took more than half of the time to the first answer.

`kserve/__init__.py` imports a client for Kubernetes and a hundred of its models, `uvicorn/__init__.py` its command
line: both packages are put into `sys.modules` without running their `__init__`. Other modules are imported by kserve
and FastAPI for an annotation, a base class or a helper that nothing here calls: a stand-in imports them at their first
use.
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

DEFERRED = (
    "pandas",  # kserve's codec: two helpers, and annotations
    "httpx",  # kserve's client of another predictor, which a transformer has
    "psutil",  # kserve: how many workers fit the machine; there is one
    "yaml",  # kserve: a log configuration from a file
    "fastapi.openapi.models",  # 40 pydantic models that describe an API; ours is described by predictor/http/openapi.py
    "kserve.protocol.rest.timeseries.types",  # pydantic models of a protocol that only KServe's own forecasters speak
)


@contextmanager
def kserve() -> Iterator[None]:
    """Within this, an import of a module of kserve is a short one; does nothing where kserve is imported already."""
    # `kserve.model_server` parses sys.argv with a parser of its own, which would exit on arguments that are only ours.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    stand_ins = {name: _Deferred(name) for name in DEFERRED if name not in sys.modules}
    sys.modules |= stand_ins
    _put_without_running("kserve")
    if uvicorn := _put_without_running("uvicorn"):
        # What its `__init__` names, without its command line, and so without click and watchfiles.
        uvicorn.Config = importlib.import_module("uvicorn.config").Config
        uvicorn.Server = importlib.import_module("uvicorn.server").Server
    try:
        yield
    finally:
        sys.argv = arguments
        for name, stand_in in stand_ins.items():
            stand_in.import_now = True
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


@contextmanager
def without_pydantic_v1() -> Iterator[None]:
    """Within this, `pydantic.v1` cannot be imported. FastAPI tries to when it looks at our routes, and can do without.

    Later imports of it work.
    """
    name = "pydantic.v1"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it raises ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[name]


def _put_without_running(package: str) -> Any:
    """Put the package into `sys.modules`, so that its modules can be imported; None where it was there before."""
    spec = None if package in sys.modules else PathFinder.find_spec(package)
    if spec is None:
        return None
    sys.modules[package] = module_from_spec(spec)
    return sys.modules[package]


class _Deferred(ModuleType):
    """Stands in for a module until a name of it is used, but not by an annotation or as a base class."""

    import_now = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.import_now:
            return getattr(importlib.import_module(self.__name__), name)
        return Exception if name.endswith("Error") else object  # what `except` takes, too
