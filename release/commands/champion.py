"""Bring the model that serves, the champion, into a folder, for the gate.

The champion is what Git pins for production, or for staging while production has nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifact import text_file
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, StorageError
from release import command_line
from release.bucket import attested
from release.bucket.store import Store
from release.checkout import Checkout
from release.commands import fetch
from release.git.tip import Tip
from release.gitops import environment, signers
from release.gitops.folder import Folder
from release.gitops.old_record import TEXTS
from release.gitops.release import Release
from release.gitops.worktree import RECORDS_FROM, Worktree
from release.gitops.worktree import reader as reader_of

ENVIRONMENTS = ("production", "staging")
_SCHEMA_VERSION = 1


def champion(store: Store, reader: Tip | Worktree, *, model: str, out: Path, record: Path) -> str:
    """Write the file `record` and bring the champion's artifact into `out`; says what was found, in one sentence.

    Without a champion there is no `out`. ConfigurationError (10), IntegrityError (20) for one that does not verify, or
    that nobody who is trusted signed where its environment asks for that,
    StorageError (30) for one that cannot be fetched: it is never taken for none.
    """
    environment, release = _pinned(reader, model)
    entries = Folder(model, ENVIRONMENTS[0]).quarantined(reader)
    if release is None:
        fetch.remove(out)
    else:
        uri = ArtifactUri.parse(release.uri)
        if environment is not None and Folder(model, environment).read(reader)[0].signed:
            attested.find(store, uri, signers.of(reader.of(environment)))
        fetch.fetch(store, uri, out)
    content = {
        "schema_version": _SCHEMA_VERSION,
        "model": model,
        "environment": environment,
        "champion": release and {"name": release.name} | {text: getattr(release, text) for text in TEXTS},
        "quarantined": [
            {"model_digest": entry.model_digest, "inputs_digest": entry.inputs_digest, "reason": entry.reason}
            for entry in entries
        ],
    }
    _write(record, content)
    return f"{model} has no champion yet" if release is None else f"{release.name} of {environment} is the champion"


def _pinned(reader: Tip | Worktree, model: str) -> tuple[str | None, Release | None]:
    for name in ENVIRONMENTS:
        folder = Folder(model, name)
        if reader.of(name).read(f"{folder.path}/{environment.FILE}") is None:
            continue
        release = folder.read(reader)[1].champion
        if release is not None:
            return name, release
    return None, None


def _write(path: Path, value: dict[str, Any]) -> None:
    try:
        text_file.write(path, text_file.readable_json(value))
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; free space, or name another") from error


def main(argv: Sequence[str] | None = None) -> None:
    """As `champion`; RECORDS_FROM says where the records are read."""
    line = command_line.parser("champion", f"{__doc__}\n{RECORDS_FROM}=branch asks the remote.")
    line.add_argument("--out", type=Path, required=True, help="folder of its artifact; none without a champion")
    line.add_argument("--record", type=Path, required=True, help="JSON file of what Git says of it")
    command_line.add_model(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    store, model = checkout.store, checkout.model(arguments)
    if os.environ.get(RECORDS_FROM) == "kept":
        # A workflow asks the remote in a step of its own, so that the step that trains needs no token.
        if not arguments.record.is_file():
            raise ConfigurationError(f"{RECORDS_FROM} is kept, and there is no {arguments.record}: set it to `branch`")
        print(f"{arguments.record} is kept as it is")
        return
    with reader_of(checkout.root, checkout.remote) as pinned:
        print(champion(store, pinned, model=model, out=arguments.out, record=arguments.record))
