"""The operations by which a pickle makes a model; each does only what artifact/unpickling/allowed_types.py lets it."""

from __future__ import annotations

import functools
import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.tree._tree import Tree
from sklearn.utils import Bunch

from artifact.excerpt import excerpt
from artifact.unpickling import allowed_names, allowed_state, structure
from artifact.unpickling.allowed_names import TAKES, is_empty, is_listed, is_ours, methods, refused, words_for
from artifact.unpickling.memory import Memory, charging
from artifact.unpickling.work import Work, check_key

# What joblib.dump writes in protocol 4, and numpy in protocol 5; the codes of older protocols do the same otherwise.
_NAMES = (
    "PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8 EMPTY_LIST EMPTY_DICT "
    "EMPTY_SET EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 FROZENSET APPEND APPENDS SETITEM SETITEMS ADDITEMS "
    "BINPUT LONG_BINPUT BINGET LONG_BINGET MEMOIZE STACK_GLOBAL REDUCE NEWOBJ BUILD"
).split()
_OPCODES: Mapping[str, int] = {name: getattr(pickle, name)[0] for name in _NAMES}
_PurePython: Any = pickle._Unpickler


@dataclass(frozen=True)
class Reading:
    """What is looked at once, when all is read; by id, so that a pickle that names a thing often gains nothing."""

    work: Work
    memory: Memory
    objects: dict[int, Any] = field(default_factory=dict)  # with attributes that the pickle set
    attributes: dict[tuple[str, int], tuple[str, Any]] = field(default_factory=dict)
    structures: dict[int, Any] = field(default_factory=dict)
    dtypes: dict[int, np.dtype] = field(default_factory=dict)  # whose state is still to come


class Unpickler(_PurePython):
    """The standard library's unpickler in Python, as joblib's is, with a table of fewer operations."""

    def __init__(self, file: io.BytesIO, reading: Reading) -> None:
        super().__init__(file)
        self._file = file
        self._reading, self.memory = reading, reading.memory
        self._names: dict[int, tuple[str, str]] = {}  # of what find_class returned, by id: modules keep it alive

    def find_class(self, module: str, name: str) -> Any:
        """The listed type or function, or one that a module of features/ defines."""
        thing = allowed_names.find(module, name)
        self._names[id(thing)] = (module, name)
        return thing

    def _reduce(self) -> None:
        arguments = self.stack.pop()
        builder = self.stack.pop()
        pair = self._names.get(id(builder))
        if pair is None or pair not in TAKES:
            raise refused(f"calls {words_for(builder, pair)} while it is read")
        if type(arguments) is not tuple:
            raise refused(f"calls {words_for(builder, pair)} with no tuple")
        for argument in arguments:
            if callable(argument) and ".".join(self._names.get(id(argument), ())) not in TAKES[pair]:
                raise refused(f"calls {words_for(builder, pair)} with {words_for(argument)}")
        allowed_state.check_arguments(".".join(pair), arguments)
        for argument in arguments:
            self._check_whole(argument)
        self._reading.work.count(arguments)
        thing = builder(*arguments)
        self.memory.take_object(thing)
        if isinstance(thing, np.dtype):
            self._reading.dtypes[id(thing)] = thing
        self._look_later(thing)
        self.append(thing)

    def _look_later(self, thing: Any) -> None:
        if structure.needs_check(type(thing)):
            self._reading.structures[id(thing)] = thing

    def _check_whole(self, dtype: Any) -> None:
        # A state that came later would change the memory of an array that is there already.
        if isinstance(dtype, np.dtype) and id(dtype) in self._reading.dtypes:
            raise refused("uses a dtype before it gives its state")

    def _new(self) -> None:
        arguments = self.stack.pop()
        kind = self.stack.pop()
        pair = self._names.get(id(kind))
        if pair is None or not isinstance(kind, type) or not (is_empty(pair) or is_ours(pair)):
            raise refused(f"makes an object of {words_for(kind, pair)}")
        if arguments and not issubclass(kind, tuple):  # a named tuple has its values from the beginning
            raise refused(f"makes an object of {words_for(kind, pair)} with arguments")
        self.append(kind.__new__(kind, *arguments))
        self.memory.take_object(self.stack[-1])

    def _build(self) -> None:
        state = self.stack.pop()
        thing = self.stack[-1]
        kind = type(thing)
        if kind is NumpyArrayWrapper:
            self.stack[-1] = self._array(state)
        elif isinstance(thing, np.dtype):
            self._set_dtype(thing, state)
        elif not is_listed(kind):
            raise refused(f"changes {words_for(thing)}")
        elif kind is functools.partial:
            allowed_state.check_partial(state)
            thing.__setstate__(state)
        else:
            if issubclass(kind, np.ndarray):
                allowed_state.check_array(state)
                self._check_whole(state[2])
            if issubclass(kind, Tree):
                allowed_state.check_tree(state)
            if type(state) is dict and kind.__dictoffset__:
                self._reading.work.count_members(len(state))
                self.memory.take_members(len(state))
                self._check_names(kind, state)
                self._reading.objects[id(thing)] = thing
            else:
                self._reading.work.count(state)
            # As a method of the class: one that the state brought along would be the pickle's.
            set_state = getattr(kind, "__setstate__", None)
            if set_state is not None:
                set_state(thing, state)
            elif type(state) is dict:
                vars(thing).update(state)
            else:
                raise refused(f"changes {words_for(thing)} by other means than its attributes")
            self._look_later(thing)

    def _set_dtype(self, dtype: Any, state: Any) -> None:
        if self._reading.dtypes.pop(id(dtype), None) is None:
            raise refused("gives a dtype a second state")
        dtype.__setstate__(state)
        parts = [] if dtype.names is None else [dtype.fields[name][0] for name in dtype.names]
        for part in [*parts, dtype.base]:
            self._check_whole(part)
        allowed_state.check_dtype(dtype)

    def _check_names(self, kind: type, state: Mapping[Any, Any]) -> None:
        for name, value in state.items():
            if type(name) is not str or name.startswith("__") or name in methods(kind):
                raise refused(f"puts something in the place of {kind.__module__}.{kind.__qualname__}.{name}")
            if name in allowed_state.CHECKED and any(
                is_empty((base.__module__, base.__qualname__)) for base in kind.__mro__
            ):
                self._reading.attributes[name, id(value)] = name, value

    def _array(self, state: Any) -> np.ndarray:
        wrapper = NumpyArrayWrapper(None, (), "C", None)
        vars(wrapper).update(state)
        kinds = (np.ndarray, np.matrix)
        whole = type(wrapper.shape) is tuple and all(type(size) is int and size >= 0 for size in wrapper.shape)
        if wrapper.subclass not in kinds or not isinstance(wrapper.dtype, np.dtype) or not whole:
            raise refused(f"holds an array of {words_for(wrapper.subclass)}, shape {excerpt(wrapper.shape, 80)}")
        self._check_whole(wrapper.dtype)
        if wrapper.dtype.hasobject:
            array = Unpickler(self._file, self._reading).load()
            if type(array) is not np.ndarray:
                raise refused(f"holds {words_for(array)} for an array")
            return array
        size = math.prod(wrapper.shape) * wrapper.dtype.itemsize
        if size > len(self._file.getbuffer()) - self._file.tell():
            raise ValueError(f"an array of {size} bytes is more than the file holds")
        wrapper.allow_mmap = False
        self.np, self.mmap_mode, self.file_handle = np, None, self._file  # what joblib's reader asks for
        read: np.ndarray = wrapper.read(self, True)
        return read

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise refused(f"appends to {words_for(self.stack[-1])}")
        self.stack[-1].extend(items)

    def _set_item(self) -> None:
        value = self.stack.pop()
        self._update([self.stack.pop(), value])

    def _set_items(self) -> None:
        self._update(self.pop_mark())

    def _update(self, items: list[Any]) -> None:
        if type(self.stack[-1]) not in (dict, OrderedDict, Bunch):
            raise refused(f"sets items of {words_for(self.stack[-1])}")
        self.memory.take_members(len(items) // 2)
        for key in items[::2]:
            check_key(key)
        # A Bunch has its items for attributes, and would have methods if they could be functions.
        if type(self.stack[-1]) is Bunch and any(id(value) in self._names for value in items[1::2]):
            raise refused("puts a function into a Bunch")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _add_items(self) -> None:
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise refused(f"adds to {words_for(self.stack[-1])}")
        self.memory.take_members(len(items))
        for item in items:
            check_key(item)
        self.stack[-1].update(items)

    def _frozen_set(self) -> None:
        items = self.pop_mark()
        self.memory.take_members(len(items))
        for item in items:
            check_key(item)
        self.append(frozenset(items))

    def _byte_array(self) -> None:
        (size,) = np.frombuffer(self.read(8), "<u8")
        self.append(bytearray(self.read(int(size))))

    def _other(self) -> None:
        raise pickle.UnpicklingError("it has an operation that joblib.dump does not write")

    _replaced: Mapping[str, Callable[[Any], None]] = {
        "REDUCE": _reduce,
        "NEWOBJ": _new,
        "BUILD": _build,
        "APPEND": _append,
        "APPENDS": _appends,
        "SETITEM": _set_item,
        "SETITEMS": _set_items,
        "ADDITEMS": _add_items,
        "FROZENSET": _frozen_set,
        "BYTEARRAY8": _byte_array,
    }
    dispatch: Mapping[int, Callable[[Any], None]] = {
        **dict.fromkeys(range(256), _other),
        **{code: charging(name, _PurePython.dispatch[code]) for name, code in _OPCODES.items()},
        **{_OPCODES[name]: charging(name, function) for name, function in _replaced.items()},
    }
