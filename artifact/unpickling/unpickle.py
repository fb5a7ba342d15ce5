"""Read joblib bytes with a machine that names, calls and changes only what `allowed_types` lets it.

The digest in Git is what makes bytes trusted. This is the second line of defence: a pickle that was named in Git all
the same still runs no code but that of the listed builders, and the model that it describes holds nothing that looks
up, by a name from the file, what it then calls. Everything else ends in exit code 21.
"""

from __future__ import annotations

import io
from typing import Any

from artifact.errors import ForbiddenTypeError, IncompatibleError
from artifact.unpickling import allowed_state, structure
from artifact.unpickling.memory import Memory
from artifact.unpickling.unpickler import Reading, Unpickler
from artifact.unpickling.work import Work


def loads(data: bytes) -> Any:
    """The object in `data`, the uncompressed output of joblib.dump.

    Raises ForbiddenTypeError (21) for what `allowed_types` does not allow, or for bytes that are no such dump;
    IncompatibleError (22) for a listed type that this environment does not have.
    """
    file = io.BytesIO(data)
    reading = Reading(Work(len(data)), Memory(len(data)))
    try:
        model = Unpickler(file, reading).load()
        # At the end: until then the pickle can still change what it has handed over.
        reading.work.check_nesting([model, *(vars(thing) for thing in reading.objects.values())])
        for name, value in reading.attributes.values():
            allowed_state.check_value(name, value)
        for thing in reading.structures.values():
            structure.check(thing)
    except (ForbiddenTypeError, IncompatibleError):
        raise
    except Exception as error:
        # A pickle may raise anything at all while it is read; its digest was right, so this is the format, not damage.
        raise ForbiddenTypeError(
            f"model.joblib is not an uncompressed joblib dump ({type(error).__name__}: {str(error)[:200]}); "
            "run `dvc repro` again"
        ) from error
    if file.read(1):
        raise ForbiddenTypeError("model.joblib goes on after the model; package it again with `dvc repro`")
    return model
