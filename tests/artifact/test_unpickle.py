"""Deserialising: every estimator of scikit-learn comes through, and nothing that could run a command does."""

from __future__ import annotations

import builtins
import io
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators

from artifact import unpickle
from artifact.errors import ForbiddenTypeError, IncompatibleError
from features.calendar import CalendarFeatures

X, Y = (array[::3] for array in load_iris(return_X_y=True))
TEXTS = ["one two", "two three", "three one"] * 4
CLASSIFIER, REGRESSOR = LogisticRegression(max_iter=200), Ridge()
# What an estimator needs to be made at all, or to be fitted in less than a second.
PARAMETERS: dict[str, dict[str, Any]] = {
    **{
        name: {"estimator": CLASSIFIER}
        for name in "ClassifierChain FixedThresholdClassifier MultiOutputClassifier OneVsOneClassifier "
        "OneVsRestClassifier OutputCodeClassifier RFE RFECV SelectFromModel SelfTrainingClassifier "
        "SequentialFeatureSelector TunedThresholdClassifierCV".split()
    },
    **{name: {"estimator": REGRESSOR} for name in "MultiOutputRegressor RegressorChain".split()},
    **{name: {"n_components": 1} for name in "CCA PLSCanonical PLSSVD".split()},
    **{name: {"n_components": 2} for name in "GaussianRandomProjection SparseRandomProjection".split()},
    **{name: {"max_iter": 3} for name in "HistGradientBoostingClassifier HistGradientBoostingRegressor".split()},
    **{name: {"n_estimators": 3} for name in "GradientBoostingClassifier IsolationForest".split()},
    "ColumnTransformer": {"transformers": [("scale", StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("scale", StandardScaler())]},
    "FrozenEstimator": {"estimator": LogisticRegression(max_iter=200).fit(X, Y)},
    "GaussianProcessRegressor": {"optimizer": None},
    "GridSearchCV": {"estimator": REGRESSOR, "param_grid": {"alpha": [0.1, 1.0]}, "scoring": "r2"},
    "LatentDirichletAllocation": {"max_iter": 2},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2, "max_iter": 200, "use_legacy_attributes": False},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("model", CLASSIFIER)]},
    "RandomizedSearchCV": {"estimator": REGRESSOR, "param_distributions": {"alpha": [0.1, 1.0]}, "n_iter": 1},
    "SparseCoder": {"dictionary": X[:5] / np.linalg.norm(X[:5], axis=1, keepdims=True)},
    "StackingClassifier": {"estimators": [("one", CLASSIFIER)]},
    "StackingRegressor": {"estimators": [("one", REGRESSOR)]},
    "TSNE": {"max_iter": 250, "perplexity": 3},
    "TheilSenRegressor": {"max_subpopulation": 100},
    "VotingClassifier": {"estimators": [("one", CLASSIFIER)]},
    "VotingRegressor": {"estimators": [("one", REGRESSOR)]},
}
MULTI = np.column_stack([Y, Y + 1.0])
# What an estimator is fitted on, where that is not the table of flowers.
DATA: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys("MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV".split(), (X, MULTI)),
    **{name: (X, (MULTI > 1).astype(int)) for name in "ClassifierChain MultiOutputClassifier".split()},
    **dict.fromkeys("MultiOutputRegressor RegressorChain".split(), (X, MULTI)),
    **{name: (X, (Y > 0).astype(int)) for name in "FixedThresholdClassifier TunedThresholdClassifierCV".split()},
    **dict.fromkeys("LabelBinarizer LabelEncoder".split(), (Y,)),
    **dict.fromkeys("CountVectorizer TfidfVectorizer".split(), (TEXTS,)),
    "HashingVectorizer": (TEXTS,),
    "DictVectorizer": ([{"a": 1.0}, {"b": 2.0}],),
    "FeatureHasher": ([{"a": 1.0}, {"b": 2.0}],),
    "GammaRegressor": (X, Y + 1.0),
    "IsotonicRegression": (X[:, 0], Y),
    "KernelCenterer": (X @ X.T,),
    "MultiLabelBinarizer": ([[0, 1], [1]],),
    "PatchExtractor": (np.arange(800.0).reshape(2, 20, 20),),
    "TSNE": (X[:12],),
}


def dumped(value: Any) -> bytes:
    """What joblib.dump writes."""
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()


def calls(module: str, name: str, *arguments: Any) -> bytes:
    """A pickle that calls `module.name` with `arguments`."""
    looked_up = b"".join(b"\x8c" + bytes([len(text.encode())]) + text.encode() for text in (module, name)) + b"\x93"
    return b"\x80\x04" + looked_up + pickle.dumps(arguments, 4)[2:-1] + b"R."


def fitted(name: str, kind: type[BaseEstimator]) -> BaseEstimator:
    """One estimator, fitted."""
    estimator = kind(**PARAMETERS.get(name, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*DATA.get(name, (X, Y)))


@pytest.mark.parametrize(("name", "kind"), all_estimators(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_estimator(name: str, kind: type[BaseEstimator]) -> None:
    """Fitted on a small table, it loads through the list, and computes what it computed before."""
    estimator = fitted(name, kind)
    loaded = unpickle.loads(dumped(estimator))
    assert type(loaded) is kind
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(estimator, method):
            first = DATA.get(name, (X,))[0]
            before, after = (getattr(one, method)(first) for one in (estimator, loaded))
            # Where BLAS finds an array in memory, the last bit may hang on that: exactness is for golden to prove.
            np.testing.assert_allclose(_dense(after), _dense(before), rtol=1e-9)


def _dense(value: Any) -> Any:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


@pytest.mark.parametrize(
    "value",
    [
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
        CalendarFeatures(("month",)),
        np.array(["text", None, 1.5], dtype=object),
        np.asfortranarray(np.eye(3)),
        {"a": (1, 2.5, None, True, b"x", {3}, frozenset({4}), range(5), slice(1, 2), 1 + 2j)},
        np.float64(0.1),
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2024-01-01", None])}),
        pd.Series([1.5, 2.5], index=pd.to_datetime(["2024-01-01", "2024-01-02"]), name="s"),
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
    "artifact.unpickle:loads",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden(name: str) -> None:
    """A pickle that asks for it is refused with 21, the name and the remedy; it is never called."""
    module, _, attribute = name.partition(":")
    with pytest.raises(ForbiddenTypeError) as caught:
        unpickle.loads(calls(module, attribute, "true"))
    assert f"{module}.{attribute}" in str(caught.value)
    assert "artifact/unpickle.py" in str(caught.value)


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


@pytest.mark.parametrize("module", ["sklearn.no_such_module", "features.no_such_module", "scipy.no_such_module"])
def test_what_is_not_here(module: str) -> None:
    """A type of an allowed library that this environment does not have is 22."""
    with pytest.raises(IncompatibleError, match="the model needs what this environment does not have"):
        unpickle.loads(calls(module, "Thing"))


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
