"""A person's clone of the origin: the commands somebody would type in it, told by a narrator."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifact.errors import GitError, ModelpinError
from local import git, process
from local.narrator import Narrator
from local.state import State, environment

PERSON = {"GIT_AUTHOR_NAME": "you", "GIT_AUTHOR_EMAIL": "you@localhost", "GIT_COMMITTER_NAME": "you"}
PERSON["GIT_COMMITTER_EMAIL"] = PERSON["GIT_AUTHOR_EMAIL"]


class Clone:
    """One folder; commands run in it with `variables` and nothing else of the caller's shell."""

    def __init__(self, state: State, folder: Path, narrator: Narrator, variables: Mapping[str, str]) -> None:
        self.state = state
        self.folder = folder
        self._narrator = narrator
        home = state.root / "home"
        home.mkdir(exist_ok=True)
        own = {"HOME": str(home), "DVC_SITE_CACHE_DIR": str(home / "dvc")}
        self.env = environment({**own, **git.PLAIN, "GIT_CONFIG_GLOBAL": str(state.git_config), **PERSON, **variables})

    def git(self, *arguments: str) -> str:
        """A git command's output."""
        return git.run(self.folder, *arguments, env=PERSON)

    def python(self, *arguments: str, show: bool = False) -> list[str]:
        """The output lines of `python …` in the clone; the error says what failed."""
        return self.run([sys.executable, *arguments], f"python {' '.join(arguments)}", show=show)

    def run(self, command: list[str], name: str, *, show: bool = False) -> list[str]:
        """The output lines of a command; all go to the log, and with `show` to the terminal too."""
        self._narrator.note(f"$ {name}")

        def say(line: str) -> None:
            line = line.removeprefix("remote: ").rstrip()
            (self._narrator.say if show and line else self._narrator.note)(line)

        code, lines = process.run(name, command, say, env=self.env, cwd=self.folder)
        if code:
            last = lines[-1] if lines else "it printed nothing"
            raise ModelpinError(f"`{name}` ended with exit code {code}: {last}")
        return lines

    def replace(self, path: str, old: str, new: str) -> None:
        """One edit, as with an editor: `old` must be there once."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise GitError(
                f"{path} holds {old!r} {text.count(old)} times, not once: the demo is of the example as shipped"
            )
        file.write_text(text.replace(old, new), encoding="utf-8")

    def push(self, message: str) -> dict[str, Any] | None:
        """Commits everything, pushes to main; the result of the workflow run it started, or None."""
        before = self._runs()
        self.git("pull", "--quiet", "--rebase", "--autostash", "origin", git.BRANCH)
        self.git("commit", "--quiet", "--all", "--message", message)
        return self.push_head(before)

    def push_head(self, before: set[Path] | None = None) -> dict[str, Any] | None:
        """Pushes HEAD to main; the result of the workflow run it started, or None."""
        before = self._runs() if before is None else before
        self.run(["git", "push", "--quiet", "origin", f"HEAD:{git.BRANCH}"], "git push", show=True)
        new = sorted(self._runs() - before)
        return json.loads(new[0].read_text()) if new else None

    def _runs(self) -> set[Path]:
        return set(self.state.runs.glob("*/result.json"))
