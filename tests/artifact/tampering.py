"""Ways to spoil an artifact, and to sign what was spoilt so that only the next check can see it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact import digest
from artifact.errors import (
    ConfigurationError,
    ForbiddenTypeError,
    GoldenError,
    IncompatibleError,
    IntegrityError,
    ModelpinError,
)


@dataclass(frozen=True)
class Spoilt:
    """An artifact that must not load: what `artifact.load.load` is given, and how it must refuse."""

    directory: str
    expected_digest: str | None
    error: type[ModelpinError]
    says: tuple[str, ...]  # the value that is wrong, and what to do
    name: str = "iris"


def sign(directory: Path, **changes: Any) -> str:
    """Write the manifest again for the files as they are now, with `changes` to its keys; the new digest."""
    path = directory / "manifest.json"
    manifest = {**json.loads(path.read_bytes()), **changes}
    for file in manifest["files"]:
        data = (directory / file["path"]).read_bytes()
        file["size"], file["sha256"] = len(data), digest.of_bytes(data)
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return digest.of_file(path)


class Command:
    """Pickles to a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def change_golden(directory: Path) -> str:
    """Golden answers that the model does not give, under a manifest that names them."""
    golden = json.loads((directory / "golden.json").read_bytes())
    golden["outputs"]["label"][0] = "virginica"
    (directory / "golden.json").write_text(json.dumps(golden))
    return sign(directory)


def change_model(directory: Path, witness: Path) -> str:
    """A model that would write `witness`, under a manifest that names it."""
    (directory / "model.joblib").write_bytes(pickle.dumps(Command(f"touch {witness}")))
    return sign(directory)


def spoil(good: Path, named: str, folder: Path) -> dict[str, Spoilt]:
    """The artifact `good`, whose digest is `named`, spoilt in every way; each in a folder of its own below `folder`."""
    result: dict[str, Spoilt] = {}

    def spoilt(
        title: str,
        change: Callable[[Path], str | None],
        error: type[ModelpinError],
        *says: str,
        name: str = "iris",
        unnamed: bool = False,
    ) -> None:
        directory = folder / title.replace(" ", "-")
        shutil.copytree(good, directory)
        expected = change(directory) or named
        result[title] = Spoilt(str(directory), None if unnamed else expected, error, says, name)

    def each(change: Callable[[Path], Any]) -> Callable[[Path], None]:
        def apply(directory: Path) -> None:
            for path in list(directory.iterdir()):
                change(path)

        return apply

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    def link(path: Path) -> None:
        path.rename(folder / "target")
        path.symlink_to(folder / "target")

    def replace(make: Callable[[Path], Any]) -> Callable[[Path], None]:
        def apply(path: Path) -> None:
            path.unlink()
            make(path)

        return apply

    for file in ("manifest.json", "model.joblib", "golden.json", "profile.json"):

        def on_file(change: Callable[[Path], Any], file: str = file) -> Callable[[Path], None]:
            return lambda directory: change(directory / file)

        wrong = "was named" if file == "manifest.json" else "its manifest names"
        spoilt(f"byte flipped in {file}", on_file(flip), IntegrityError, wrong)
        spoilt(f"{file} removed", on_file(Path.unlink), IntegrityError, file)
        spoilt(f"{file} empty", on_file(lambda path: path.write_bytes(b"")), IntegrityError, file, "empty")
        spoilt(f"{file} a link", on_file(link), IntegrityError, file, "not a plain file")
        spoilt(f"{file} a folder", on_file(replace(Path.mkdir)), IntegrityError, file, "not a plain file")
        spoilt(f"{file} a pipe", on_file(replace(os.mkfifo)), IntegrityError, file, "not a plain file")
        spoilt(f"{file} cut short", on_file(lambda path: os.truncate(path, 100)), IntegrityError, wrong)
    spoilt("every file a link", each(link), IntegrityError, "not a plain file")
    spoilt(
        "file added", lambda directory: _write(directory / "more.txt", b"x"), IntegrityError, "'more.txt'", "exactly"
    )
    spoilt("hidden file added", lambda directory: _write(directory / ".more", b"x"), IntegrityError, "'.more'")
    spoilt("empty file added", lambda directory: _write(directory / "more.txt", b""), IntegrityError, "'more.txt'")
    spoilt("folder added", lambda directory: (directory / "more").mkdir(), IntegrityError, "'more'", "plain file")
    spoilt("pipe added", lambda directory: os.mkfifo(directory / "more"), IntegrityError, "'more'", "plain file")
    spoilt("link added", lambda directory: (directory / "more").symlink_to("profile.json"), IntegrityError, "'more'")
    spoilt("no directory", lambda directory: shutil.rmtree(directory), IntegrityError, "cannot be read")
    spoilt("empty directory", lambda directory: _empty(directory), IntegrityError, "holds no manifest.json", "download")
    spoilt("another model", lambda directory: sign(directory, model="rose"), IntegrityError, "'rose'", "'iris'", "URI")
    spoilt("another name", lambda directory: None, IntegrityError, "'iris'", "'rose'", name="rose")
    spoilt(
        "wrong digest", lambda directory: "sha256-" + "0" * 64, IntegrityError, named, "0" * 64, "name this one in Git"
    )
    spoilt("no digest", lambda directory: None, ConfigurationError, "--expected_digest", "MODEL_URI", unnamed=True)
    spoilt("malformed digest", lambda directory: "sha256-abc", ConfigurationError, "'sha256-abc'", "64")
    spoilt(
        "manifest without a model", lambda directory: _unlist(directory, "model.joblib"), IntegrityError, "model.joblib"
    )
    spoilt(
        "path that climbs", lambda directory: _rename(directory, "../profile.json"), IntegrityError, "../profile.json"
    )
    spoilt("file named twice", _twice, IntegrityError, "twice")
    spoilt("size that is not true", lambda directory: _resize(directory), IntegrityError, "its manifest names")
    spoilt(
        "later format",
        lambda directory: sign(directory, schema_version=3),
        IncompatibleError,
        "schema_version 3",
        "image",
    )
    spoilt(
        "another engine",
        lambda directory: sign(directory, engines=[{"name": "onnx", "batching": False, "most_rows": None}]),
        IncompatibleError,
        "'onnx'",
        "image",
    )
    spoilt(
        "another scikit-learn",
        lambda directory: sign(directory, libraries={**_libraries(directory), "scikit-learn": "0.1"}),
        IncompatibleError,
        "scikit-learn 0.1",
        "image",
    )
    spoilt(
        "library not installed",
        lambda directory: sign(directory, libraries={**_libraries(directory), "no-such-library": "1"}),
        IncompatibleError,
        "no-such-library 1",
        "none",
    )
    spoilt(
        "features that are not here",
        lambda directory: sign(directory, features={"features.absent": "sha256-" + "0" * 64}),
        IncompatibleError,
        "features.absent",
        "image",
    )
    spoilt(
        "features that changed",
        lambda directory: sign(directory, features={"features.calendar": "sha256-" + "0" * 64}),
        IncompatibleError,
        "features.calendar",
        "0" * 64,
        "image",
    )
    spoilt(
        "command in the model", lambda directory: change_model(directory, folder / "ran"), ForbiddenTypeError, "system"
    )
    spoilt("golden answers changed", change_golden, GoldenError, "golden request 0", "'setosa'", "'virginica'")
    return result


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


def _libraries(directory: Path) -> dict[str, str]:
    libraries: dict[str, str] = json.loads((directory / "manifest.json").read_bytes())["libraries"]
    return libraries


def _files(directory: Path) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads((directory / "manifest.json").read_bytes())["files"]
    return files


def _unlist(directory: Path, file: str) -> str:
    (directory / file).unlink()
    return sign(directory, files=[entry for entry in _files(directory) if entry["path"] != file])


def _rename(directory: Path, path: str) -> str:
    shutil.copy(directory / "profile.json", directory.parent)
    return sign(directory, files=[*_files(directory), {"path": path, "size": 1, "sha256": ""}])


def _twice(directory: Path) -> str:
    files = _files(directory)
    return sign(directory, files=[*files, files[0]])


def _resize(directory: Path) -> str:
    sign(directory)
    path = directory / "manifest.json"
    path.write_text(path.read_text().replace('"size": ', '"size": 1', 1))
    return digest.of_file(path)
