"""Verify, then load: no byte is deserialised before it is known to be the one Git named."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifact import digest, environment, extras, golden, manifest, profile
from artifact.engines import engine, unanswered
from artifact.errors import (
    ConfigurationError,
    ForbiddenTypeError,
    IncompatibleError,
    IntegrityError,
    InvalidRequest,
    ModelpinError,
)
from artifact.manifest import Manifest
from artifact.prediction import Columns, Runner
from artifact.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

    from artifact.attestation.signers import Signers


@dataclass(frozen=True)
class Verified:
    """An artifact whose every byte was hashed and found to be what its manifest says; nothing is deserialised yet."""

    manifest: Manifest
    digest: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Loaded:
    """A model that may serve: verified, deserialised, golden answers repeated. `sample`: the rows of those answers."""

    manifest: Manifest
    digest: str
    signature: Signature
    runner: Runner
    sample: Columns
    profile: Mapping[str, Any]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The answers that serving gives for `frame`, [rows, columns], as a frame with its index.

        The answers have a column for each output, or for each column of an output: `label` and `probability_<class>`,
        `prediction`, and so on. None, NaN and pandas.NA are one missing value; columns of `frame` that are no feature
        are left alone. Raises InvalidRequest, with the feature and the row (from 0) that serving would refuse, or with
        the first row without a finite answer.
        """
        from artifact.validation import pandas_columns  # pandas, which a server of a graph does without
        from artifact.validation.validator import validated_columns

        columns = validated_columns(self.signature, pandas_columns.raw_columns(self.signature, frame))
        prediction = self.runner.predict(columns)
        finite = prediction.finite()
        if not finite.all():
            raise InvalidRequest(f"row {int(finite.argmin())}: {unanswered.NOT_FINITE}")
        return pandas_columns.answers(self.signature, prediction, frame.index)


def load(
    directory: Path | str,
    *,
    expected_digest: str | None = None,
    name: str | None = None,
    allow_unpinned: bool = False,
) -> Loaded:
    """Load the artifact in `directory`, which must be the one named by `expected_digest`: `verify`, then `deserialise`.

    `name` is the name that the model must have, where one is given. `allow_unpinned` loads whatever is there.
    Bytes are hashed and libraries compared before anything is deserialised (docs/adr/0004).

    Raises ConfigurationError (10) when neither a digest nor `allow_unpinned` is given, IntegrityError (20) for other
    bytes than those named, ForbiddenTypeError (21) for a type that the loader does not allow, IncompatibleError (22)
    for other libraries than those of the training, and GoldenError (23) when the model does not repeat its recorded
    answers.
    """
    return deserialise(verify(directory, expected_digest=expected_digest, name=name, allow_unpinned=allow_unpinned))


def deserialise(verified: Verified) -> Loaded:
    """The model in the bytes that were verified, ready to answer.

    Raises IncompatibleError (22) and IntegrityError (20) before anything is deserialised, then ForbiddenTypeError (21),
    and GoldenError (23) when the recorded requests are not answered as recorded (within `artifact.tolerance`).
    """
    described, signature = verified.manifest, verified.manifest.signature
    environment.check([entry.name for entry in described.engines], described.libraries, described.features)
    reference = profile.read(signature, verified.files[profile.FILE])
    recorded = golden.read(verified.files[golden.FILE])
    runner = _runner(verified)
    sample = golden.replay(signature, runner, recorded)
    return Loaded(described, verified.digest, signature, runner, sample, reference)


def _runner(verified: Verified) -> Runner:
    try:
        described = verified.manifest
        return engine.serving(described.engines, verified.files, described.signature, described.decision)
    except ModelpinError:
        raise
    except Exception as error:
        # A library may raise anything over a file that is not in its format, or no model of this signature.
        raise ForbiddenTypeError(
            f"the files of the engine {verified.manifest.engine} hold no model that it can serve "
            f"({type(error).__name__}: {error!s:.200}); package it again with `dvc repro`"
        ) from error


def verify(
    directory: Path | str,
    *,
    expected_digest: str | None,
    name: str | None = None,
    allow_unpinned: bool = False,
    signers: Signers | None = None,
) -> Verified:
    """Read each file of `directory` once and hash it against the manifest, and the manifest against `expected_digest`.

    `name` is the name that the model must have. `allow_unpinned` is the one way to do without an expected digest. With
    `signers`, one of them must have signed the manifest; without, a signature that lies there is not read.

    Raises ConfigurationError (10) when neither a digest nor `allow_unpinned` is given, and IntegrityError (20) for
    other bytes, for links, devices, pipes and folders, for missing, extra and empty files, and for a signature that is
    missing or does not hold.
    """
    if expected_digest is None and not allow_unpinned:
        raise ConfigurationError(
            f"no digest names the model in {directory}: give --expected_digest, or MODEL_URI as gitops/ sets it "
            "(--allow-unpinned serves whatever is there, for a look on a laptop)"
        )
    root = os.path.realpath(directory)  # the directory itself may be a link: kubelet mounts are
    present = _listing(root)
    if manifest.FILE not in present:
        raise IntegrityError(
            f"{directory} holds no {manifest.FILE}: it is not an artifact, or its download is incomplete"
        )
    head = _read(root, manifest.FILE, None)
    actual = digest.of_bytes(head)
    if expected_digest is not None and actual != digest.parse(expected_digest):
        raise IntegrityError(
            f"{directory} holds {actual}, but {expected_digest} was named; download that one, or name this one in Git"
        )
    described = Manifest.from_bytes(head)
    if name is not None and described.model != name:
        raise IntegrityError(
            f"{directory} holds the model {described.model!r}, but {name!r} was named; each has a URI of its own"
        )
    if signers is not None:
        _require_signature(root, present, actual, described.model, signers)
    return Verified(described, actual, _contents(root, described, present))


def _require_signature(root: str, present: set[str], actual: str, model: str, signers: Signers) -> None:
    if manifest.BUNDLE not in present:
        raise IntegrityError(
            f"there is no {manifest.BUNDLE}, and only what {signers.names} signed may be loaded: publish the artifact "
            "again, signed"
        )
    try:
        from artifact.attestation import verify as attestation  # cryptography, and for an identity Sigstore's library

        attestation.verify(_read(root, manifest.BUNDLE, None), actual, model, signers)
    except ImportError as error:
        raise IncompatibleError(
            f"a signature is to be verified, and {error.name} is not in this image: {extras.remedy(['sigstore'])}"
        ) from error


def _contents(root: str, described: Manifest, present: set[str]) -> dict[str, bytes]:
    named = {file.path for file in described.files} | {manifest.FILE}
    extra = present - named - {manifest.BUNDLE}
    for problem, paths in (("is missing", named - present), ("is not in the manifest", extra)):
        if paths:
            raise IntegrityError(f"{min(paths)!r} {problem}; an artifact is exactly the files its manifest names")
    served_from = [path for entry in described.engines for path in engine.files(entry.name)]
    for needed in (*served_from, golden.FILE, profile.FILE):
        if needed not in named:
            raise IntegrityError(f"{manifest.FILE} names no {needed}; it is not an artifact of this format")
    contents = {}
    for file in described.files:
        data = _read(root, file.path, file.size)
        actual = digest.of_bytes(data)
        if actual != file.sha256:
            raise IntegrityError(
                f"{file.path} has {len(data)} bytes of {actual}, its manifest names {file.size} of {file.sha256}"
            )
        contents[file.path] = data
    return contents


def _listing(root: str) -> set[str]:
    try:
        with os.scandir(root) as entries:
            modes = {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in entries}
    except OSError as error:
        raise IntegrityError(f"{root} cannot be read as a model directory: {error.strerror}") from error
    for entry, mode in sorted(modes.items()):
        if not stat.S_ISREG(mode):
            raise IntegrityError(
                f"{entry!r} is not a plain file; links, folders, pipes and devices have no place in an artifact"
            )
    return set(modes)


def _read(root: str, path: str, size: int | None) -> bytes:
    """The bytes of a file that has `size` bytes, or, where that is None, at most as many as a manifest may have."""
    # O_NOFOLLOW and O_NONBLOCK: between the listing and here a file could have become a link or a pipe.
    try:
        descriptor = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise IntegrityError(f"{path!r} is not a plain file")
            # Before a byte of it is in memory. An empty file gets words of its own below.
            if status.st_size and status.st_size != size and (size is not None or status.st_size > manifest.LARGEST):
                raise IntegrityError(
                    f"{path} has {status.st_size} bytes, its manifest names {size}"
                    if size is not None
                    else f"{path} has {status.st_size} bytes; a manifest has at most {manifest.LARGEST}"
                )
            data = file.read(size if size is not None else manifest.LARGEST)
    except OSError as error:
        raise IntegrityError(f"{path!r} cannot be read: {error.strerror}") from error
    if not data:
        raise IntegrityError(
            f"{path!r} is empty; KServe's storage initializer drops empty files, so none belongs to an artifact"
        )
    return data
