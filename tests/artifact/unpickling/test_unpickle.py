"""Deserialising: every component that params.yaml admits comes through, and nothing that could run a command does."""

from __future__ import annotations

import builtins
import datetime
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.metrics import fbeta_score, get_scorer, get_scorer_names, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from artifact.errors import ForbiddenTypeError, IncompatibleError
from artifact.unpickling import allowed_names, unpickle
from features.calendar import CalendarFeatures
from tests.artifact.components import DATA, X, admitted, dumped, fitted, of_features, others, parts


def calls(module: str, name: str, *arguments: Any) -> bytes:
    """A pickle that calls `module.name` with `arguments`."""
    looked_up = b"".join(b"\x8c" + bytes([len(text.encode())]) + text.encode() for text in (module, name)) + b"\x93"
    return b"\x80\x04" + looked_up + pickle.dumps(arguments, 4)[2:-1] + b"R."


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")  # deprecated, and still served
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")  # rows without a neighbour
@pytest.mark.parametrize(("name", "kind"), admitted(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_component(name: str, kind: type[Any]) -> None:
    """Fitted on a small table, it loads through the list, and computes what it computed before."""
    estimator = fitted(name, kind)
    loaded = unpickle.loads(dumped(estimator))
    assert type(loaded) is kind
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(estimator, method):
            first = DATA.get(name, (X,))[0]
            before, after = (getattr(model, method)(first) for model in (estimator, loaded))
            # Where BLAS finds an array in memory, the last bit may hang on that: exactness is for golden to prove.
            np.testing.assert_allclose(_dense(after), _dense(before), rtol=1e-9)


@pytest.mark.parametrize("part", [*parts(), *(kind() for kind in of_features())], ids=lambda part: type(part).__name__)
def test_every_part(part: Any) -> None:
    """A kernel, a splitter, an estimate of covariance, a transformer of features/: whatever a parameter may be."""
    assert type(unpickle.loads(dumped(part))) is type(part)


def test_every_scorer() -> None:
    """What a search keeps of each name that its scoring may be."""
    for name in get_scorer_names():
        assert type(unpickle.loads(dumped(get_scorer(name)))) is type(get_scorer(name)), name


def test_what_params_yaml_does_not_admit() -> None:
    """An estimator that is neither a step nor train.estimator is on no list unless another makes it."""
    result = {"FrozenEstimator", "AgglomerativeClustering", "NearestNeighbors", "MinCovDet", "OAS", "LedoitWolf"}
    result |= {"EmpiricalCovariance", "GraphicalLasso", "GraphicalLassoCV", "ShrunkCovariance"}
    refused = [(name, kind) for name, kind in others() if name not in result]
    assert {"DBSCAN", "TSNE", "KernelDensity", "GaussianMixture"} <= set(dict(refused))
    for name, kind in refused:
        with pytest.raises(ForbiddenTypeError, match=f"{kind.__module__}.{name}.*artifact/unpickling/allowed_types.py"):
            unpickle.loads(dumped(kind()))


def _dense(value: Any) -> Any:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


@pytest.mark.parametrize(
    "value",
    [
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
        CalendarFeatures(("month",)),
        np.array(["text", None, 1.5], dtype=object),
        np.asfortranarray(np.eye(3)),
        {"a": (1, 2.5, None, True, b"x", {3}, frozenset({4}), range(5), slice(1, 2), 1 + 2j, 2**70)},
        np.float64(0.1),
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        OrderedDict(a=1),
        [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1), Decimal("0.1")],
        FunctionTransformer(np.log1p, np.expm1),
        SelectKBest(f_regression),
        make_scorer(fbeta_score, beta=2),
        np.random.default_rng(20),
        np.random.RandomState(20),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_models_hold(value: Any) -> None:
    """Parameters and attributes of models: numbers, texts, containers, arrays, generators, users' own transformers."""
    loaded = unpickle.loads(dumped(value))
    assert type(loaded) is type(value)
    assert repr(loaded) == repr(value) or "Generator" in repr(value) or "RandomState" in repr(value)


FORBIDDEN = [
    "os:system",
    "posix:system",
    "nt:system",
    "subprocess:Popen",
    "subprocess:check_output",
    "pty:spawn",
    "shutil:rmtree",
    "socket:create_connection",
    "ctypes:CDLL",
    "importlib:import_module",
    "runpy:run_path",
    "code:interact",
    "webbrowser:open",
    "sys:exit",
    "pickle:loads",
    "joblib:load",
    "joblib.numpy_pickle:load",
    "joblib.numpy_pickle:NumpyUnpickler",
    "marshal:loads",
    "types:FunctionType",
    "types:CodeType",
    "operator:attrgetter",
    "operator:methodcaller",
    "functools:reduce",
    "copyreg:_slotnames",
    "codecs:open",
    "_codecs:lookup",
    "io:open",
    "pathlib:Path",
    "builtins:eval",
    "builtins:exec",
    "builtins:compile",
    "builtins:getattr",
    "builtins:setattr",
    "builtins:__import__",
    "builtins:open",
    "builtins:print",
    "builtins:globals",
    "builtins:type",
    "builtins:map",
    "__builtin__:eval",
    "sklearn.base:warnings",  # modules that an allowed module imported
    "pandas.core.frame:sys",
    "numpy._core._methods:pickle",
    "numpy:f2py",
    "sklearn.base:warnings.sys.modules",  # dotted names reach through
    "numpy:f2py.os.system",
    "builtins:object.__subclasses__",
    "builtins:str.format",
    "numpy:ndarray.tofile",
    "numpy.f2py:compile",
    "numpy.f2py.crackfortran:myeval",
    "numpy.testing:rundocs",
    "numpy.distutils.exec_command:exec_command",  # functions of allowed packages that run, load, read or write
    "numpy:load",
    "numpy:save",
    "numpy:savetxt",
    "numpy:loadtxt",
    "numpy:fromfile",
    "numpy:memmap",
    "numpy:test",
    "numpy.ctypeslib:load_library",
    "numpy.lib._datasource:open",
    "numpy.lib.npyio:DataSource",
    "numpy.lib.format:open_memmap",
    "numpy:apply_along_axis",
    "scipy.io:loadmat",
    "scipy.io.wavfile:write",
    "scipy.optimize:minimize",
    "scipy._lib._bunch:_make_tuple_bunch",
    "pandas.core.apply:frame_apply",
    "pandas.core.common:pipe",
    "pandas.util._tester:test",
    "pandas.compat._optional:import_optional_dependency",
    "sklearn.utils._testing:assert_run_python_script_without_output",
    "sklearn:show_versions",
    "numpy.testing._private.utils:runstring",
    "pandas:eval",
    "pandas:read_pickle",
    "pandas:read_csv",
    "pandas.io.pickle:read_pickle",
    "pandas.core.computation.eval:eval",
    "sklearn.datasets:fetch_openml",
    "sklearn.datasets:load_files",
    "sklearnx:anything",
    "numpyx.core:anything",
    "predictor.errors:body",
    "artifact.unpickling.unpickle:loads",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden(name: str) -> None:
    """A pickle that asks for it is refused with 21, the name and the remedy; it is never called."""
    module, _, attribute = name.partition(":")
    with pytest.raises(ForbiddenTypeError) as caught:
        unpickle.loads(calls(module, attribute, "true"))
    assert f"{module}.{attribute}" in str(caught.value)
    assert "artifact/unpickling/allowed_types.py" in str(caught.value)


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"a": value}])
def test_forbidden_deep_inside(wrap: Callable[[Any], Any]) -> None:
    """It does not matter where in a model it is, nor whether a number's array stands before it."""
    with pytest.raises(ForbiddenTypeError, match="eval"):
        unpickle.loads(dumped([np.eye(2), wrap(_Evil())]))


def test_forbidden_in_an_array_of_objects() -> None:
    """joblib reads arrays of objects with an unpickler of their own; it obeys the same list."""
    array = np.empty(1, dtype=object)
    array[0] = _Evil()
    with pytest.raises(ForbiddenTypeError, match="eval"):
        unpickle.loads(dumped(array))


@pytest.mark.parametrize("name", ["features.no_such_module:Thing", "features.calendar:NoSuchThing"])
def test_what_is_not_here(name: str) -> None:
    """A type of features/ that this environment does not have is 22."""
    with pytest.raises(IncompatibleError, match="the model needs what this environment does not have"):
        unpickle.loads(calls(*name.split(":")))


def test_a_listed_type_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a listed type that another version of its library does not have."""
    monkeypatch.setattr(allowed_names, "_EMPTY", {("sklearn.no_such_module", "Thing")})
    with pytest.raises(IncompatibleError, match="no_such_module"):
        unpickle.loads(calls("sklearn.no_such_module", "Thing"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a pickle",
        dumped([1])[:-1],
        dumped([1]) + b"x",
        dumped(np.eye(3))[:-9],
        b"\x80\x04R.",
        b"\x80\x04.",
    ],
    ids=lambda value: repr(value[:12]),
)
def test_no_dump(data: bytes) -> None:
    """Bytes that are no whole dump are 21, with the remedy."""
    with pytest.raises(ForbiddenTypeError, match="dvc repro"):
        unpickle.loads(data)


def test_compressed() -> None:
    """A compressed dump is no dump of ours: its bytes would not be what the profile of a model's size says."""
    stream = io.BytesIO()
    joblib.dump(np.eye(3), stream, compress=3)
    with pytest.raises(ForbiddenTypeError, match="uncompressed"):
        unpickle.loads(stream.getvalue())


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return builtins.eval, ("1 + 1",)
