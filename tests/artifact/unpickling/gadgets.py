"""Pickles that would run code, or reach what does, built from allowed names, from others, and by search."""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import pickle
import struct
import sys
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np

FIRED: list[str] = []  # what a chain that runs writes into
CODE = f"__import__({__name__!r}, fromlist=['x']).FIRED.append('ran')"
LIBRARIES = ("joblib", "numpy", "pandas", "scipy", "sklearn", "threadpoolctl")
STANDARD = (
    "ast asyncio bdb builtins cProfile cmd code codecs codeop collections contextlib copyreg ctypes dataclasses "
    "doctest enum functools imp importlib inspect io itertools linecache logging mailcap multiprocessing "
    "operator os pdb pickle pickletools pkgutil platform posixpath profile pty pydoc runpy shelve shutil site "
    "socket sqlite3 string subprocess sys tempfile test threading timeit trace types typing unittest "
    "urllib.request warnings weakref webbrowser zipimport"
).split()
# A name in the code of a function by which it may run, fetch, open or start something.
DEEDS = frozenset(
    "eval exec compile __import__ import_module getattr attrgetter itemgetter methodcaller open system popen Popen run "
    "check_output loads load call apply reduce partial func __globals__ __builtins__".split()
)


class Written:
    """A pickle of protocol 4, written operation by operation."""

    def __init__(self) -> None:
        self._data = b"\x80\x04"

    def name(self, path: str) -> Written:
        """Look up `module:name`."""
        for text in path.split(":"):
            self._data += pickle.BINUNICODE + struct.pack("<I", len(text)) + text.encode()
        self._data += pickle.STACK_GLOBAL
        return self

    def value(self, value: Any) -> Written:
        """Put plain data."""
        self._data += _plain(value)
        return self

    def op(self, *codes: bytes) -> Written:
        """Further operations."""
        self._data += b"".join(codes)
        return self

    def call(self, path: str, *arguments: Any) -> Written:
        """Call `path` with plain data."""
        return self.name(path).value(arguments).op(pickle.REDUCE)

    def make(self, path: str) -> Written:
        """An empty object of the class `path`."""
        return self.name(path).op(pickle.EMPTY_TUPLE, pickle.NEWOBJ)

    def end(self) -> bytes:
        """The whole pickle."""
        return self._data + pickle.STOP


def _plain(value: Any) -> bytes:
    """Plain data without marks of the memo, in one frame's bytes."""
    pickler = pickle._Pickler(stream := io.BytesIO(), 4)  # type: ignore[attr-defined]
    pickler.framer.start_framing = lambda: None
    pickler.fast = True
    pickler.dump(value)
    return stream.getvalue()[2:-1]


class Calls:
    """Pickles to a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def state(path: str, **attributes: Any) -> bytes:
    """An object of the class `path` whose attributes are plain data."""
    return Written().make(path).value(attributes).op(pickle.BUILD).end()


def with_attribute(path: str, attribute: str, name: str) -> bytes:
    """An object of the class `path` with one attribute that is the thing `name`."""
    content = Written().make(path).op(pickle.EMPTY_DICT).value(attribute).name(name)
    return content.op(pickle.SETITEM, pickle.BUILD).end()


def running() -> Iterator[tuple[str, bytes]]:
    """Title and pickle of chains that run CODE where a pickle is just loaded: the test proves that they do."""
    yield "eval", pickle.dumps(Calls(eval, CODE))
    yield "exec", pickle.dumps(Calls(exec, CODE))
    yield "eval, protocol 0", pickle.dumps(Calls(eval, CODE), 0)
    yield "eval, protocol 2", pickle.dumps(Calls(eval, CODE), 2)
    yield "INST", b"(S" + repr(CODE).encode() + b"\nibuiltins\neval\n."
    yield "OBJ", b"(cbuiltins\neval\nS" + repr(CODE).encode() + b"\no."
    got = Written().call("operator:itemgetter", "eval").op(pickle.EMPTY_DICT).value("eval").name("builtins:eval")
    got = got.op(pickle.SETITEM, pickle.TUPLE1, pickle.REDUCE)
    yield "itemgetter", got.value((CODE,)).op(pickle.REDUCE).end()
    yield "map", pickle.dumps(Calls(list, Calls(map, eval, [CODE])))
    partial = Written().name("functools:partial").name("builtins:eval").op(pickle.TUPLE1, pickle.REDUCE)
    yield "partial", partial.value((CODE,)).op(pickle.REDUCE).end()
    yield "reduce", pickle.dumps(Calls(functools.reduce, eval, [CODE, {}]))
    array = np.empty(1, dtype=object)
    array[0] = Calls(eval, CODE)
    stream = io.BytesIO()
    joblib.dump([np.eye(2), {"a": array}], stream)
    yield "in an array of objects", stream.getvalue()
    yield "sklearn's getter", _by_getter()
    yield "a generator's constructor", (
        Written().name("numpy.random._pickle:__generator_ctor").value(CODE).name("builtins:eval")
        .op(pickle.TUPLE2, pickle.REDUCE).end()
    )  # fmt: skip
    yield "__setstate__ in the state", (
        Written().make("sklearn._loss.link:IdentityLink").op(pickle.EMPTY_DICT).value("__setstate__")
        .name("builtins:eval").op(pickle.SETITEM, pickle.BUILD).value(CODE).op(pickle.BUILD).end()
    )  # fmt: skip


def _by_getter() -> bytes:
    """_get_feature_importances(FunctionTransformer, getter="fit.__globals__"), and from there to eval."""
    path = "sklearn.feature_selection._base:_get_feature_importances"
    content = Written().name("operator:itemgetter").value(("eval",)).op(pickle.REDUCE)
    content = content.name("operator:itemgetter").value(("__builtins__",)).op(pickle.REDUCE)
    content = content.name(path).name("sklearn.preprocessing:FunctionTransformer").value("fit.__globals__")
    for _ in range(2):  # itemgetter(…)(mapping), twice
        content = content.op(pickle.TUPLE2 if _ == 0 else pickle.TUPLE1, pickle.REDUCE)
    return content.op(pickle.TUPLE1, pickle.REDUCE).value((CODE,)).op(pickle.REDUCE).end()


def of_allowed_names() -> Iterator[tuple[str, bytes]]:
    """Title and pickle of chains that ask for listed names only, and do with them what the list does not say."""
    log = "numpy:log"
    linear, stacking = "sklearn.linear_model._base:LinearRegression", "sklearn.ensemble._stacking:StackingClassifier"
    select, scorer = "sklearn.feature_selection._from_model:SelectFromModel", "sklearn.metrics._scorer:_Scorer"
    fixed = "sklearn.model_selection._classification_threshold:FixedThresholdClassifier"
    for path in ("coef_.__class__", "fit.__globals__", "__init__.__globals__", "_x.coef_", "coef_.tofile", "", 5, None):
        yield f"importance_getter {path}", state(select, importance_getter=path)
    yield "importance_getter, a function", with_attribute(select, "importance_getter", log)
    for names in (["fit"], ["__class__"], ["predict", "set_params"], "fit", [["predict"]], [5]):
        yield f"stack_method_ {names}", state(stacking, stack_method_=names)
    grown = Written().make(stacking).op(pickle.EMPTY_DICT).value("stack_method_").op(pickle.EMPTY_LIST, pickle.MEMOIZE)
    yield (
        "stack_method_ grown later",
        (grown.op(pickle.SETITEM, pickle.BUILD, pickle.BINGET, b"\0").value("fit").op(pickle.APPEND, pickle.POP).end()),
    )
    for name in ("fit", "__call__", ["fit"]):
        yield f"response_method {name}", state(fixed, response_method=name)
        yield f"_response_method {name}", state(scorer, _response_method=name)
    for kind in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"):
        for source in ("filename", "file"):
            yield f"{kind} {source}", state(f"sklearn.feature_extraction.text:{kind}", input=source)
    for method in (
        "predict",
        "fit",
        "get_params",
        "__call__",
        "__class__",
        "__setstate__",
        "__sklearn_tags__",
        "__dict__",
    ):
        yield f"{method} replaced", with_attribute(linear, method, log)
    yield (
        "a function in a Bunch",
        (Written().make("sklearn.utils._bunch:Bunch").value("predict").name(log).op(pickle.SETITEM).end()),
    )
    for name in ("numpy:log", "numpy:mean", "builtins:float", "builtins:object", "numpy:ndarray", "numpy:matrix"):
        yield f"a call of {name}", Written().call(name, 1).end()
    for name in (linear, "sklearn.pipeline:Pipeline", "sklearn.utils._bunch:Bunch"):
        yield f"a call of {name}", Written().call(name, 1).end()
        yield f"{name} with arguments", Written().name(name).value((1,)).op(pickle.NEWOBJ).end()
    for name in (log, linear, "builtins:float", "numpy:dtype", "sklearn.metrics._regression:r2_score"):
        yield f"attributes for {name}", Written().name(name).value({"a": 1}).op(pickle.BUILD).end()
    yield "slots", Written().make("sklearn._loss.link:IdentityLink").value((None, {"link": 1})).op(pickle.BUILD).end()
    yield "no mapping", Written().make(linear).value([1]).op(pickle.BUILD).end()
    yield "items of an estimator", Written().make(linear).value("a").value(1).op(pickle.SETITEM).end()
    yield "append to an estimator", Written().make(linear).value(1).op(pickle.APPEND).end()
    yield "add to an estimator", Written().make(linear).op(pickle.MARK).value(1).op(pickle.ADDITEMS).end()
    for durations in (log, "builtins:float", linear, "numpy:ndarray"):
        yield (
            f"partial of {durations}",
            Written().name("functools:partial").name(durations).op(pickle.TUPLE1, pickle.REDUCE).end(),
        )
        for builder in (
            "sklearn.neighbors._kd_tree:newObj sklearn.metrics._dist_metrics:newObj "
            "numpy.random._pickle:__bit_generator_ctor numpy.random._pickle:__generator_ctor "
            "numpy.random._pickle:__randomstate_ctor builtins:slice "
            "numpy.ma.core:_mareconstruct"
        ).split():
            yield (
                f"{builder} of {durations}",
                Written().name(builder).name(durations).op(pickle.TUPLE1, pickle.REDUCE).end(),
            )
    yield "a generator by name", Written().call("numpy.random._pickle:__bit_generator_ctor", "MT19937").end()
    checked = Written().name("functools:partial").name("sklearn.utils.validation:check_array")
    for function, named in ((log, {}), ("sklearn.utils.validation:check_array", {"accept_sparse": CODE})):
        yield f"partial turned to {function}", (
            Written().op(checked.end()[2:-1], pickle.TUPLE1, pickle.REDUCE, pickle.MARK).name(function)
            .op(pickle.EMPTY_TUPLE).value(named).value(None).op(pickle.TUPLE, pickle.BUILD).end()
        )  # fmt: skip
    for flags in (0, 1, 62):
        lie = Written().call("numpy:dtype", "O8", False, True).value((3, "|", None, None, None, -1, -1, flags))
        yield f"objects that say flags {flags}", lie.op(pickle.BUILD).end()
    fields = {"a": (np.dtype("O"), 0)}
    yield "objects in fields", pickle.dumps(np.dtype({"names": ["a"], "formats": [fields["a"][0]]}), 4)
    for size in (1 << 40, 8):
        empty = Written().name("numpy._core.multiarray:_reconstruct").name("numpy:ndarray")
        yield (
            f"an array of {size} bytes of nothing",
            empty.value((size,)).value(b"b").op(pickle.TUPLE3, pickle.REDUCE).end(),
        )
    filled = Written().name("numpy._core.multiarray:_reconstruct").name("numpy:ndarray").value((0,)).value(b"b")
    filled = filled.op(pickle.TUPLE3, pickle.REDUCE, pickle.MARK).value(1).value((1 << 30,))
    filled = filled.call("numpy:dtype", "O8", False, True).value(False).value(["a"]).op(pickle.TUPLE, pickle.BUILD)
    yield "more objects than there are", filled.end()
    for subclass in ("numpy:memmap", "numpy:log", linear):
        wrapper = Written().make("joblib.numpy_pickle:NumpyArrayWrapper").op(pickle.EMPTY_DICT).value("subclass")
        yield f"an array of {subclass}", wrapper.name(subclass).op(pickle.SETITEM, pickle.BUILD).end()
    yield "a huge bytearray", b"\x80\x05" + pickle.BYTEARRAY8 + struct.pack("<Q", 1 << 40) + b"x."
    for title, code in {"EXT1": b"\x82\x01", "PERSID": b"Px\n", "BINPERSID": b"NQ", "GLOBAL": b"cnumpy\nlog\n"}.items():
        yield title, b"\x80\x04" + code + b"."
    yield "NEXT_BUFFER", b"\x80\x05\x97."


def named() -> Iterator[tuple[str, str]]:
    """Module and name of each function and class in the modules of LIBRARIES that are here, and in STANDARD."""
    for module in (*STANDARD, "pandas", "scipy.interpolate", "scipy.io", "scipy.optimize", "scipy.stats"):
        try:
            importlib.import_module(module)
        except ImportError:
            continue  # not every Python has it
    for module in sorted(sys.modules):
        if module.partition(".")[0] in LIBRARIES or module in STANDARD:
            for name, thing in sorted(vars(sys.modules[module]).items()) if sys.modules[module] else ():
                if callable(thing):
                    yield module, name


def leads_on(thing: Any) -> bool:
    """Whether the code of a function, or of a method of a class, names one of DEEDS; what is compiled may."""
    functions = (
        [member for member in vars(thing).values() if inspect.isfunction(member)] if inspect.isclass(thing) else [thing]
    )
    codes = [function.__code__ for function in map(inspect.unwrap, functions) if inspect.isfunction(function)]
    while codes:
        code = codes.pop()
        if DEEDS & {*code.co_names, *code.co_freevars}:
            return True
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return not functions or inspect.isbuiltin(thing)
