"""A lock file of requirements/: which distributions, in which versions, this platform gets from it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from artifact.errors import ConfigurationError, IncompatibleError


def pins(path: Path) -> dict[str, str]:
    """Canonical name → version of each distribution in the lock at `path` whose marker fits this platform."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}; `make lock` writes it") from error
    versions: dict[str, str] = {}
    for line in lines:
        text = line.partition(" #")[0].rstrip("\\ ").strip()
        if not text or text.startswith(("#", "--")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise ConfigurationError(f"{path}: {text!r} is no pinned requirement; write it with `make lock`") from error
        if requirement.marker is None or requirement.marker.evaluate():
            versions[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return versions


def modules(names: set[str]) -> set[str]:
    """Top-level modules that the installed ones of the distributions `names` provide."""
    owners = metadata.packages_distributions()
    return {
        module
        for module, distributions in owners.items()
        if names & {canonicalize_name(name) for name in distributions}
    }


def check_installed(path: Path, names: tuple[str, ...]) -> None:
    """Raise IncompatibleError (22) unless the installed versions of `names` are those of the lock at `path`."""
    locked = pins(path)
    for name in names:
        present = metadata.version(name)
        if name not in locked:
            raise ConfigurationError(
                f"{path} does not pin {name}, which every model needs; "
                f"add it to {path.with_suffix('.in')} and run `make lock`"
            )
        if present != locked[name]:
            raise IncompatibleError(
                f"{name} is {present} here and {locked[name]} in {path}: the predictor would refuse this model; "
                "install the lock (`make setup`) and run `dvc repro` again"
            )
