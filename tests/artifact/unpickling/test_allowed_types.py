"""The list of what a pickle may name: each entry exists, is needed, and looks nothing up by a name that it is given."""

from __future__ import annotations

import ast
import importlib
import inspect
import operator
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact.unpickling import allowed_types
from artifact.unpickling.allowed_types import ATTRIBUTES, BUILT, EMPTY, Group

PAIRS = [
    (table, pair)
    for table in ("EMPTY", "BUILT", "ATTRIBUTES")
    for group in getattr(allowed_types, table)
    for pair in group.pairs()
]
OF_STATE = sorted({tuple(name.rsplit(".", 1)) for group in BUILT for name in group.takes})
NAMES = {pair for _, pair in PAIRS} | set(OF_STATE)

# What runs text, looks up, opens or starts: no function of a module on the list may call it …
DEEDS = {
    *"eval exec compile __import__ getattr setattr delattr open input breakpoint globals vars".split(),
    *"import_module attrgetter itemgetter methodcaller system popen Popen run check_output check_call".split(),
    *"loads load memmap fromfile tofile exec_module spec_from_file_location".split(),
}
# … but these, because the name is the code's own, or because artifact/unpickling/allowed_state.py says what it may be.
_KERNEL = "names in dir() that begin with hyperparameter_"
PARAMETERS = "names of parameters: those of the class's own __init__, and of steps"
FITTING = "only fit does so"
REQUESTS = "names of methods that scikit-learn lists; metadata routing is off"
TAGS = "a name that scikit-learn's own decorator was given, when its module was imported"
CHECKED = "the name is an attribute that artifact/unpickling/allowed_state.py checks"
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting"
REVIEWED: dict[str, str] = {
    "sklearn.base.BaseEstimator.get_params: getattr": PARAMETERS,
    "sklearn.base.BaseEstimator.set_params: setattr": PARAMETERS,
    "sklearn.ensemble._base.BaseEnsemble._make_estimator: getattr": FITTING,
    f"{_BOOSTING}._clear_state: delattr": FITTING,
    "sklearn.ensemble._stacking._BaseStacking._transform: getattr": CHECKED,
    "sklearn.ensemble._stacking._BaseStacking.fit: getattr": FITTING,
    "sklearn.feature_extraction.text._VectorizerMixin.build_tokenizer: compile": "a regular expression",
    "sklearn.feature_extraction.text._VectorizerMixin.decode: open": CHECKED,
    "sklearn.feature_extraction.text._VectorizerMixin: compile": "a regular expression",
    "sklearn.feature_extraction.text.strip_tags: compile": "a regular expression",
    "sklearn.feature_selection._base._get_feature_importances: attrgetter": CHECKED,
    "sklearn.frozen._frozen.FrozenEstimator.__getattr__: getattr": "the name is the one that code looks up",
    "sklearn.frozen._frozen._estimator_has.check: getattr": TAGS,
    "sklearn.gaussian_process.kernels.Kernel.get_params: getattr": PARAMETERS,
    "sklearn.gaussian_process.kernels.Kernel.hyperparameters: getattr": _KERNEL,
    "sklearn.gaussian_process.kernels.Kernel.set_params: setattr": PARAMETERS,
    "sklearn.kernel_approximation.Nystroem._get_kernel_params: getattr": "names of the kernels that scikit-learn lists",
    "sklearn.model_selection._search._search_estimator_has.check: getattr": TAGS,
    "sklearn.model_selection._split._build_repr: getattr": PARAMETERS,
    "sklearn.multiclass._estimators_has.check: getattr": TAGS,
    "sklearn.pipeline._final_estimator_has.check: getattr": TAGS,
    "sklearn.utils._metadata_requests.MetadataRequest.__getattr__: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest.__init__: setattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest.__sklearn_clone__: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest.__sklearn_clone__: setattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest._check_warnings: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest._get_param_names: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest._route_params: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest._serialize: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.MetadataRequest.consumes: getattr": REQUESTS,
    "sklearn.utils._metadata_requests.RequestMethod.__get__.func: getattr": REQUESTS,
    "sklearn.utils._metadata_requests._MetadataRequester.__init_subclass__: setattr": REQUESTS,
    "sklearn.utils._metadata_requests._MetadataRequester._get_class_level_metadata_request_values: getattr": REQUESTS,
    "sklearn.utils._metadata_requests._MetadataRequester._get_class_level_metadata_request_values: vars": REQUESTS,
    "sklearn.utils._metadata_requests._MetadataRequester._get_metadata_request: setattr": REQUESTS,
    "sklearn.utils._set_output._SetOutputMixin.__init_subclass__: getattr": "when a class is defined",
    "sklearn.utils._set_output._SetOutputMixin.__init_subclass__: setattr": "when a class is defined",
    "sklearn.utils._set_output.check_library_installed: import_module": "pandas or polars, by the adapters' own names",
    "sklearn.utils.metaestimators._BaseComposition._get_params: getattr": PARAMETERS,
    "sklearn.utils.metaestimators._BaseComposition._replace_estimator: getattr": PARAMETERS,
    "sklearn.utils.metaestimators._BaseComposition._replace_estimator: setattr": PARAMETERS,
    "sklearn.utils.metaestimators._BaseComposition._set_params: getattr": PARAMETERS,
    "sklearn.utils.metaestimators._BaseComposition._set_params: setattr": PARAMETERS,
    "sklearn.utils.validation._check_large_sparse: getattr": "names of the arrays of a sparse matrix",
    "sklearn.utils.validation._check_response_method: getattr": CHECKED,
    "sklearn.utils.validation._estimator_has.check: getattr": TAGS,
    "sklearn.utils.validation._is_fitted: vars": "looks at names only",
    "sklearn.utils.validation.check_symmetric: getattr": "tocsr or its like, by the format of a sparse matrix",
}


def thing(pair: tuple[str, str]) -> Any:
    """What an entry names."""
    return getattr(importlib.import_module(pair[0]), pair[1])


def test_length() -> None:
    """The list is as long as docs/adr/0004 says, and names nothing twice."""
    assert len(PAIRS) == len({pair for _, pair in PAIRS})
    page = (Path(__file__).parents[3] / "docs/adr/0004-verify-before-deserialising.md").read_text(encoding="utf-8")
    assert f"{len(NAMES)} names" in page


@pytest.mark.parametrize("table", [EMPTY, BUILT, ATTRIBUTES], ids=["EMPTY", "BUILT", "ATTRIBUTES"])
def test_every_group_has_its_reason(table: tuple[Group, ...]) -> None:
    """A sentence, before the names."""
    for group in table:
        assert group.reason.endswith(".")
        assert group.pairs()


def test_each_entry_is_there() -> None:
    """No entry is stale: the locked libraries have it, under that name; a name is no path through other things."""
    for module, name in NAMES:
        assert "." not in name
        entry = thing((module, name))
        assert inspect.isclass(entry) or inspect.isroutine(entry) or isinstance(entry, np.ufunc) or callable(entry), (
            name
        )
        assert not isinstance(entry, types.ModuleType | types.MethodType), name


def test_each_entry_is_of_its_table() -> None:
    """EMPTY are classes that are made without arguments; what a builder takes are classes, or the one function."""
    for table, pair in PAIRS:
        if table == "EMPTY":
            assert inspect.isclass(thing(pair)), pair
            new = thing(pair).__new__
            plain = new in (object.__new__, dict.__new__) or new.__qualname__.startswith("deprecated.")  # it warns
            assert plain or issubclass(thing(pair), tuple), pair
    assert {pair for pair in OF_STATE if not inspect.isclass(thing(pair))} == {
        ("sklearn.utils.validation", "check_array")
    }


def test_no_entry_fetches() -> None:
    """None is a getter of attributes, items or methods, or wraps another function but check_array."""
    getters = (operator.attrgetter, operator.itemgetter, operator.methodcaller)
    for pair in NAMES:
        entry = thing(pair)
        assert getattr(entry, "__module__", "") not in ("operator", "_operator", "builtins.eval", "importlib"), pair
        assert entry not in (getattr, setattr, eval, exec, compile, open, __import__, type, vars, map, filter), pair
        assert not isinstance(entry, getters), pair
        assert not (inspect.isclass(entry) and issubclass(entry, getters)), pair
        if inspect.isroutine(entry) or isinstance(entry, np.ufunc):
            assert not hasattr(entry, "func"), pair
    fetching = {
        name
        for module, name in NAMES
        if inspect.isclass(entry := thing((module, name)))
        and any("__getattr__" in vars(base) or "__getattribute__" in vars(base) for base in python_classes(entry))
    }
    # They get names from code, never from the file: a Bunch its items, a FrozenEstimator the attributes of its
    # estimator, a MetadataRequest names that scikit-learn lists; of partial, only check_array is let through.
    assert fetching == {"Bunch", "FrozenEstimator", "MetadataRequest", "partial"}


def python_classes(kind: type) -> list[type]:
    """The classes of `kind` that are written in Python."""
    return [base for base in kind.__mro__ if base.__module__ in sys.modules and base.__flags__ & (1 << 9)]


@cache
def deeds(module: str) -> frozenset[str]:
    """`function: call` of each call of DEEDS in the source of `module`, but getattr and the like of a literal name."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):
        return frozenset()  # compiled
    return frozenset(_deeds(tree, ""))


def _deeds(node: ast.AST, location: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else None
        if isinstance(child, ast.Call):
            called = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
            literal = any(isinstance(argument, ast.Constant) for argument in child.args[:2])
            if called in DEEDS and not (called.endswith(("attr", "getter")) and literal):
                yield f"{location}: {called}"
        yield from _deeds(child, f"{location}.{inside}".lstrip(".") if inside else location)


def modules() -> set[str]:
    """The modules of scikit-learn that define the entries, or the classes that they inherit from."""
    todo = {pair[0] for pair in NAMES} | {
        base.__module__ for pair in NAMES if inspect.isclass(thing(pair)) for base in python_classes(thing(pair))
    }
    return {name for name in todo if name.partition(".")[0] == "sklearn"}


def test_the_sources_look_nothing_up() -> None:
    """No module of the list calls what runs text, opens, starts, or fetches by a name, but where that was reviewed."""
    assert {f"{module}.{deed}" for module in modules() for deed in deeds(module)} == set(REVIEWED)
