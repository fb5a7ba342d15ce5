"""What a pickle may put into the objects that `allowed_types` lets it make, where not anything will do.

scikit-learn looks some attributes' values up as names, and numpy trusts what a pickle says about memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from artifact.errors import ForbiddenTypeError
from artifact.excerpt import excerpt

_METHODS = ("predict", "predict_proba", "decision_function")
_IMPORTANCE = re.compile(r"auto|([a-zA-Z][a-zA-Z0-9_]*\.)*(coef_|feature_importances_)")


def _is_method(value: Any) -> bool:
    return value is None or (type(value) is str and value in (*_METHODS, "auto"))


def _are_methods(value: Any) -> bool:
    return all(map(_is_method, value)) if type(value) in (list, tuple) else _is_method(value)


# Attribute of a listed class, or of one that inherits from it → what its values may be, and the same in words.
CHECKED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "stack_method_": (_are_methods, f"one of {', '.join(_METHODS)}"),
    "stack_method": (_are_methods, f"auto or one of {', '.join(_METHODS)}"),
    "response_method": (_are_methods, f"auto or one of {', '.join(_METHODS)}"),
    "_response_method": (_are_methods, f"one of {', '.join(_METHODS)}"),
    "importance_getter": (
        lambda value: type(value) is str and _IMPORTANCE.fullmatch(value) is not None,
        "auto, or a path of attributes that ends in coef_ or feature_importances_",
    ),
    # Vectorizers would open the file that a caller names.
    "input": (lambda value: type(value) is str and value == "content", "content"),
}


def check_value(name: str, value: Any) -> None:
    """ForbiddenTypeError (21) unless `value` may be that of the attribute `name`, one of CHECKED."""
    fits, words = CHECKED[name]
    if not fits(value):
        raise ForbiddenTypeError(
            f"model.joblib sets {name} to {excerpt(value, 80)}; a model that is served has {words}"
        )


def check_dtype(dtype: np.dtype) -> None:
    """ForbiddenTypeError (21) for a dtype that says other things about its memory than numpy would.

    A pickle gives the flags by itself: without the one that says "these are references to objects", an array would take
    bytes of the file for addresses.
    """
    if dtype.names is None and dtype.subdtype is None:
        fresh = np.dtype(dtype.str)
        right = (dtype.flags, dtype.itemsize, dtype.hasobject) == (fresh.flags, fresh.itemsize, fresh.hasobject)
    else:
        parts = [dtype.fields[name][0] for name in dtype.names] if dtype.names else [dtype.base]  # type: ignore[index]
        right = not dtype.hasobject and not any(part.hasobject for part in parts)
        for part in parts:
            check_dtype(part)
        if dtype.subdtype is not None:
            right = right and dtype.itemsize == dtype.base.itemsize * math.prod(dtype.shape)
        ends = [dtype.fields[name][1] + dtype.fields[name][0].itemsize for name in dtype.names or ()]  # type: ignore[index]
        right = right and all(0 <= end <= dtype.itemsize for end in ends)
    if not right:
        raise ForbiddenTypeError(f"model.joblib describes an array of {dtype!r:.80} that numpy would not make")


def check_array(state: Any) -> None:
    """ForbiddenTypeError (21) unless the state of an array, masked or not, has as many values as its shape says.

    numpy counts bytes, but not the objects of a list.
    """
    _, shape, dtype, _, values, *mask = state
    size = math.prod(shape)
    due = (list, size) if dtype.hasobject else (bytes, size * dtype.itemsize)
    right = all(type(length) is int and length >= 0 for length in shape) and (type(values), len(values)) == due
    if not right or (mask and (dtype.names is not None or type(mask[0]) is not bytes or len(mask[0]) != size)):
        raise ForbiddenTypeError(
            f"model.joblib describes an array of shape {excerpt(shape, 80)} with other values than that"
        )


def check_tree(state: Any) -> None:
    """ForbiddenTypeError (21) unless the state of a decision tree counts its nodes right: they are read unseen."""
    count = state["node_count"]
    if type(count) is not int or count != len(state["nodes"]):
        raise ForbiddenTypeError("model.joblib holds a Tree that no fit makes (its nodes are not as many as it says)")


def check_partial(state: Any) -> None:
    """ForbiddenTypeError (21) unless `state` is that of a `functools.partial` of check_array with named options."""
    from sklearn.utils import check_array

    options = {"dtype", "ensure_all_finite"}
    function, arguments, named, _ = state
    if function is not check_array or arguments != () or type(named) is not dict or not named.keys() <= options:
        raise ForbiddenTypeError(
            "model.joblib holds a functools.partial of something else than check_array with dtype and ensure_all_finite"
        )


def check_arguments(builder: str, arguments: tuple[Any, ...]) -> None:
    """ForbiddenTypeError (21) where a builder is called as no pickle of numpy's calls it."""
    if builder in _FIRST and (len(arguments) != 1 or not isinstance(arguments[0], _FIRST[builder])):
        raise ForbiddenTypeError(f"model.joblib calls {builder} with {excerpt(arguments, 80)}")
    # Arrays are made empty, and get their size together with their bytes.
    shape = arguments[_SHAPE[builder]] if builder in _SHAPE else (0,)
    if type(shape) is not tuple or len(shape) != 1 or type(shape[0]) is not int or shape[0] != 0:
        raise ForbiddenTypeError(f"model.joblib calls {builder} with the shape {excerpt(shape, 80)}")
    if builder in _EXACTLY and not _EXACTLY[builder](arguments):
        raise ForbiddenTypeError(f"model.joblib calls {builder} with {excerpt(arguments, 80)}")


def _is_dtype_copy(arguments: tuple[Any, ...]) -> bool:
    """Whether these are the arguments of a new dtype, which a state may follow: not of one that all arrays share."""
    return (
        len(arguments) == 3
        and type(arguments[0]) is str
        and _DTYPE.fullmatch(arguments[0]) is not None
        and arguments[1] is False
        and arguments[2] is True
    )


def _is_scalar(arguments: tuple[Any, ...]) -> bool:
    """Whether there is a dtype, and as many bytes as it has: without them numpy takes as much memory."""
    if len(arguments) != 2 or not isinstance(arguments[0], np.dtype) or type(arguments[1]) is not bytes:
        return False
    return not arguments[0].hasobject and len(arguments[1]) == arguments[0].itemsize


_FIRST: Mapping[str, Any] = {
    "numpy.random._pickle.__bit_generator_ctor": type,
    "numpy.random._pickle.__generator_ctor": np.random.BitGenerator,
    "numpy.random._pickle.__randomstate_ctor": np.random.BitGenerator,
}
_DTYPE = re.compile("[A-Za-z][0-9]{0,9}")
_EXACTLY: Mapping[str, Callable[[tuple[Any, ...]], bool]] = {
    "collections.OrderedDict": lambda arguments: arguments == (),  # its items follow
    "numpy.dtype": _is_dtype_copy,
    "numpy._core.multiarray.scalar": _is_scalar,
}
_SHAPE = {"numpy._core.multiarray._reconstruct": 1, "numpy.ma.core._mareconstruct": 2}
