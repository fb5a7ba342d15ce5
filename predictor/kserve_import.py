"""Import of kserve without what serving never uses: more than half of the time to the first answer.

`kserve/__init__.py` imports a client for Kubernetes and a hundred of its models: here the package stands without
running it, and so does uvicorn, which would import its command line. Modules of kserve and FastAPI import others for an
annotation, a base or a helper that nothing here calls: those wait until somebody uses them.
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
    """Within this, modules of kserve are imported lean; where it is imported already, nothing changes."""
    # `kserve.model_server` parses sys.argv with a parser of its own, which would exit on arguments that are only ours.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    stand_ins = {name: _Deferred(name) for name in DEFERRED if name not in sys.modules}
    sys.modules |= stand_ins
    _stand_without_running("kserve")
    if uvicorn := _stand_without_running("uvicorn"):
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
    """Within this, FastAPI finds no `pydantic.v1`, as it is prepared for, and does not import it to look at our routes.

    Whoever needs it later imports it.
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


def _stand_without_running(package: str) -> Any:
    """The package, put among the modules so that its own modules can be imported; None where it was before."""
    spec = None if package in sys.modules else PathFinder.find_spec(package)
    if spec is None:
        return None
    sys.modules[package] = module_from_spec(spec)
    return sys.modules[package]


class _Deferred(ModuleType):
    """A module that is imported when a name of it is used, and not when it stands in an annotation or as a base."""

    import_now = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.import_now:
            return getattr(importlib.import_module(self.__name__), name)
        return Exception if name.endswith("Error") else object  # what `except` takes, too
