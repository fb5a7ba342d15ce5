"""The environment an artifact was made in against the one that is about to load it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from artifact import digest, extras
from artifact.engines import engine
from artifact.engines.table import SKLEARN
from artifact.errors import IncompatibleError

# Those whose version changes what a pickle means or what it computes; Python's minor does not (golden proves the rest).
LIBRARIES = ("joblib", "numpy", "scikit-learn", "scipy")


def needed_by(engines: Collection[str]) -> tuple[str, ...]:
    """The libraries that a manifest with these engines has the versions of, at least."""
    return (*LIBRARIES, *sorted({library for name in engines for library in engine.libraries(name)}))


def libraries(engines: Collection[str], model: bytes = b"") -> dict[str, str]:
    """Installed versions of the libraries that an artifact with these engines depends on, features/ included.

    pandas is among them, as the frame that scikit-learn selects its columns from; the first artifacts of format 1 do
    not name it, so that a reader does without. Extras are, where the engine reads them out of `model`, the bytes of
    model.joblib: a graph alone does without.
    """
    more = extras.needed_by(model) if SKLEARN in engines else ()
    return {name: installed_version(name) for name in sorted((*needed_by(engines), "pandas", *more))}


def installed_version(name: str) -> str:
    """The version of an installed distribution; raises PackageNotFoundError where there is none.

    As `importlib.metadata.version`, which parses the whole file, long descriptions included, for this one line.
    """
    distribution = metadata.distribution(name)
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    line = re.search(r"^Version:\s*(\S+)\s*$", head, re.MULTILINE)
    return line[1] if line else distribution.version


def feature_modules(names: list[str]) -> dict[str, str]:
    """Digest of the source of each module of features/, by module name; nothing is imported to find it."""
    digests = {}
    for name in names:
        path = _source(name)
        if path is None:
            raise IncompatibleError(
                f"module {name} is not in features/ here; serve with the image the model was released with"
            )
        digests[name] = digest.of_file(path)
    return digests


def check(engines: Collection[str], versions: Mapping[str, str], modules: Mapping[str, str]) -> None:
    """Raise IncompatibleError (22) unless library versions and features/ are those the artifact was made with.

    `engines` are the manifest's: what serves with them must be among `versions`, by name.
    """
    for name, needed in versions.items():
        try:
            present = installed_version(name)
        except metadata.PackageNotFoundError:
            present = "none"
        extra = extras.of_distribution(name)
        if present == "none" and extra is not None:
            raise IncompatibleError(
                f"the model needs the extra {extra.name} ({name} {needed}), which this environment does not have; "
                f"serve with the image it was released with, or {extras.remedy([extra.name])}: the next image holds it"
            )
        if present != needed:
            raise IncompatibleError(
                f"the artifact was made with {name} {needed}, this environment has {present}; "
                "serve with the image it was released with, or train again with this lock"
            )
    for name in needed_by(engines):
        if name not in versions:
            raise IncompatibleError(
                f"the artifact does not say with which {name} it was made, and {name} would serve it; "
                "train and package it again"
            )
    for name, present in feature_modules(list(modules)).items():
        if present != modules[name]:
            raise IncompatibleError(
                f"{name} is not the code the model was trained with (here {present}, trained with {modules[name]}); "
                "serve with the image it was released with, or train again"
            )


def _source(name: str) -> Path | None:
    package, *rest = name.split(".")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    for location in spec.submodule_search_locations:
        base = Path(location).joinpath(*rest)
        for path in (base / "__init__.py", base.with_name(base.name + ".py")):
            if path.is_file():
                return path
    return None
