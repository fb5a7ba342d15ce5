"""Deserialise joblib bytes while naming what they may construct: defence in depth behind the digest.

The digest in Git is what makes bytes trusted. This list is the second line: an artifact whose pickle asks for `os`,
`subprocess`, `eval` or a library nobody reviewed is refused with exit code 21, even when Git names it. To serve a
model of another library, add it to requirements/serving.in and to ALLOWED, in one reviewed commit.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from artifact.errors import ForbiddenTypeError, IncompatibleError

ALLOWED = frozenset({"features", "numpy", "pandas", "scipy", "sklearn"})
# Parts of those packages whose types run text as code, start processes, load libraries, or read and write files.
_FORBIDDEN = (
    "numpy._pytesttester",
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.lib",
    "numpy.memmap",
    "numpy.testing",
    "pandas.core.apply",
    "pandas.core.computation",
    "pandas.io",
    "pandas.util",
    "scipy._lib._testutils",
    "scipy.io",
    "sklearn.datasets",
    "sklearn.externals",
    "sklearn.utils._testing",
)
# Of functions, unlike types and ufuncs, only those that models are known to hold: another may do anything when called.
_FUNCTIONS = frozenset(
    {
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.ma.core._mareconstruct",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "pandas._libs.internals._unpickle_block",
        "pandas.core.indexes.base._new_Index",
        "pandas.core.indexes.datetimes._new_DatetimeIndex",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
    }
)
_FUNCTIONS_OF = ("features", "sklearn.cluster._kmeans", "sklearn.feature_selection", "sklearn.metrics")
_RECONSTRUCTORS = ("__pyx_unpickle_", "newObj")  # Cython's own
_STANDARD = frozenset(
    {
        ("builtins", name)
        for name in "bool bytearray bytes complex dict float frozenset int list object range set slice str".split()
    }
    | {("collections", name) for name in "Counter OrderedDict defaultdict deque".split()}
    | {("datetime", name) for name in "date datetime time timedelta timezone".split()}
    | {
        ("operator", "itemgetter"),
        ("functools", "partial"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("builtins", "tuple"),
    }
    | {("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor"), ("__builtin__", "object"), ("_codecs", "encode")}
)
_REFUSED = (
    "model.joblib asks for {}, which is not on the list of artifact/unpickle.py; "
    "a model is made of scikit-learn, numpy, scipy, pandas and features/ only"
)


def loads(data: bytes) -> Any:
    """The object in `data`, the uncompressed output of joblib.dump.

    Raises ForbiddenTypeError (21) for a type outside the list, or for bytes that are no such dump; IncompatibleError
    (22) for a type that this environment does not have.
    """
    file = io.BytesIO(data)
    try:
        model = _Unpickler("", file, True).load()
    except (ForbiddenTypeError, IncompatibleError):
        raise
    except (ImportError, AttributeError) as error:
        raise IncompatibleError(
            f"the model needs what this environment does not have: {error}; train and serve from the same locks"
        ) from error
    except Exception as error:
        # A pickle may raise anything at all while it is read; its digest was right, so this is the format, not damage.
        raise ForbiddenTypeError(
            f"model.joblib is not an uncompressed joblib dump ({type(error).__name__}: {error}); run `dvc repro` again"
        ) from error
    if file.read(1):
        raise ForbiddenTypeError("model.joblib goes on after the model; package it again with `dvc repro`")
    return model


class _Unpickler(NumpyUnpickler):
    """Joblib's own unpickler, which also reads object arrays through this find_class."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "joblib.numpy_pickle" and name == "NumpyArrayWrapper":
            return NumpyArrayWrapper
        if (module, name) not in _STANDARD and not _allowed(module, name):
            raise ForbiddenTypeError(_REFUSED.format(f"{module}.{name}"))
        found = super().find_class(module, name)
        # An allowed module may hold what it imported from elsewhere (`sklearn.base.os`): the thing itself counts.
        origin = getattr(found, "__module__", None)
        foreign = isinstance(origin, str) and (origin, name) not in _STANDARD and not _allowed(origin, name)
        if (module, name) not in _STANDARD and (foreign or not _known(found, module, name)):
            raise ForbiddenTypeError(_REFUSED.format(f"{module}.{name}"))
        return found


def _known(found: Any, module: str, name: str) -> bool:
    return (
        isinstance(found, type | np.ufunc)
        or f"{module}.{name}" in _FUNCTIONS
        or name.startswith(_RECONSTRUCTORS)
        or (callable(found) and _within(module, _FUNCTIONS_OF))
    )


def _allowed(module: str, name: str) -> bool:
    # A dotted name would reach through an allowed module into what that one imported.
    root = module.partition(".")[0]
    return root in ALLOWED and "." not in name and not _within(f"{module}.{name}", _FORBIDDEN)


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)
