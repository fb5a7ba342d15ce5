"""Put a new model's files in place: all of them, or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from artifact import digest, text_file
from artifact.errors import ConfigurationError, UsageError

_SECONDS = 600


class Placement:
    """Remembers each path it touches, and brings them back unless it comes to its end: use it in a `with` statement."""

    def __init__(self) -> None:
        self._before: dict[Path, bytes | None] = {}
        self._new_paths: list[Path] = []
        self._replaced: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        for path in self._new_paths:
            _remove(path)
        for target, before in self._replaced.items():
            before.replace(target) if before.exists() else target.unlink(missing_ok=True)
        for path, content in self._before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)

    def text(self, path: Path, text: str) -> None:
        """Write `text`."""
        self._remember(path)
        text_file.write(path, text)

    def data(self, files: Sequence[tuple[Path, Path]], tracked: Path) -> None:
        """Copy each file to its place, unless it is there; put `tracked`, that file or its folder, under DVC."""
        for source, target in files:
            if source.resolve() != target.resolve():
                if target.exists() and not _equal(source, target):
                    raise UsageError(f"{target} exists and is another table; remove it, or take another --name")
                if not target.exists():
                    self._new_paths += [target] if tracked.exists() or target == tracked else [tracked]
                    self._copy(source, target)
        self._track(tracked)

    def table(self, source: Path, target: Path) -> None:
        """Move the file `source`, of the same disk, to `target`; what stood there waits beside `source` until the
        end. Put it under DVC."""
        before = source.with_name(f"{target.name}.before")
        if target.exists():
            target.rename(before)
        self._replaced[target] = before
        source.rename(target)
        self._track(target)

    def folder(self, path: Path, command: Sequence[str]) -> None:
        """Have `command` make what is missing of `path`."""
        if not path.exists():
            self._new_paths.append(path)
        _run([sys.executable, "-m", *command], f"make {path}")

    def _copy(self, source: Path, target: Path) -> None:
        """Copy a file or a folder; a kill meanwhile leaves no part of it at `target`."""
        part = target.with_name(f".{target.name}.part")
        self._new_paths.append(part)
        _remove(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, part) if source.is_dir() else shutil.copyfile(source, part)
        part.rename(target)

    def _track(self, path: Path) -> None:
        self._remember(path.with_name(path.name + ".dvc"))
        self._remember(path.parent / ".gitignore")
        _run([sys.executable, "-m", "dvc", "add", "--quiet", str(path)], "put the data under DVC")

    def _remember(self, path: Path) -> None:
        self._before.setdefault(path, path.read_bytes() if path.exists() else None)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _equal(left: Path, right: Path) -> bool:
    if left.is_dir() or right.is_dir():
        return left.is_dir() and right.is_dir() and _tree(left) == _tree(right)
    return digest.of_file(left) == digest.of_file(right)


def _tree(folder: Path) -> str:
    return digest.of_tree(folder, [path for path in folder.rglob("*") if path.is_file()])


def _run(command: list[str], purpose: str) -> None:
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            f"`{' '.join(command[1:])}` did not {purpose}: {error}; nothing was changed"
        ) from error
    if process.returncode:
        message = " ".join((process.stderr or process.stdout).split())[-400:]
        raise ConfigurationError(f"`{' '.join(command[1:])}` did not {purpose}: {message}; nothing was changed")
