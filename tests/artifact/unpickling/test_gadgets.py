"""Chains of names that would run code: none runs, each is refused with 21, whatever the libraries of the lock offer."""

from __future__ import annotations

import io
import sys
import warnings

import joblib
import pytest

from artifact.errors import ForbiddenTypeError
from artifact.unpickling import unpickle
from tests.artifact.unpickling import gadgets
from tests.artifact.unpickling.gadgets import FIRED, Written
from tests.artifact.unpickling.test_allowed_types import NAMES

# The pickles are written by hand and name no version of scikit-learn, and old modules say so when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Trying to unpickle estimator"),
    pytest.mark.filterwarnings("ignore:.* module is deprecated:DeprecationWarning"),
]
EVENTS: list[str] = []
_WATCHED = (
    "exec",
    "compile",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "ctypes.dlopen",
)
_watching = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and (event in _WATCHED or (event == "open" and "w" in str(arguments[1]))):
        EVENTS.append(event)


sys.addaudithook(_hook)


def refused(data: bytes) -> bool:
    """Whether a pickle is refused with 21 while no code of it runs."""
    global _watching
    FIRED.clear()
    EVENTS.clear()
    _watching = True
    try:
        unpickle.loads(data)
    except ForbiddenTypeError:
        return not FIRED and not EVENTS
    else:
        return False
    finally:
        _watching = False


@pytest.mark.parametrize(
    ("title", "data"), list(gadgets.running()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_runs_elsewhere_is_refused(title: str, data: bytes) -> None:
    """The chain runs its code under joblib.load, and is refused here."""
    FIRED.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            joblib.load(io.BytesIO(data))
        except Exception as error:  # after its code has run, a chain may end in anything
            print(title, repr(error))
    assert FIRED == ["ran"]
    assert refused(data)


@pytest.mark.parametrize(
    ("title", "data"), list(gadgets.of_allowed_names()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_allowed_names_do_not_make_a_chain(title: str, data: bytes) -> None:
    """Listed names put together as the list does not say are refused, though each of them is on it."""
    assert refused(data)


def test_every_name_of_the_libraries() -> None:
    """A call of each function and class around is refused; of those whose code looks up, opens or runs something, also
    an object of it, and it as a function that a model holds.
    """
    tried, leading, wrong = 0, 0, []
    for module, name in gadgets.named():
        if (module, name) in NAMES:
            continue
        path = f"{module}:{name}"
        chains = [Written().call(path, gadgets.CODE).end()]
        if gadgets.leads_on(getattr(sys.modules[module], name)):
            leading += 1
            transformer = "sklearn.preprocessing._function_transformer:FunctionTransformer"
            chains += [Written().make(path).end(), gadgets.with_attribute(transformer, "func", path)]
        tried += len(chains)
        wrong += [path for chain in chains if not refused(chain)]
    assert not wrong
    assert leading > 3_000
    assert tried > 20_000
