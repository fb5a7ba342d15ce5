"""A person's clone of the origin: the commands somebody would type in it, told by a narrator."""

import json
import re
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
# Of what a push shows: the end of each job, a step that failed, its last word, and what stopped a workflow.
BRIEF = re.compile(r" *(job \S+ [✓✗] |✗ |\| error: |act: )")


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

    def run(
        self, command: list[str], name: str, *, show: bool = False, only: re.Pattern[str] | None = None
    ) -> list[str]:
        """The output lines of a command; all go to the log, and with `show` those that match `only` to the terminal."""
        self._narrator.note(f"$ {name}")

        def say(line: str) -> None:
            line = line.removeprefix("remote: ").rstrip()
            visible = show and line and (only is None or only.match(line))
            (self._narrator.say if visible else self._narrator.note)(line)

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
        """Pushes HEAD to main; the result of the workflow run it started, or None. VERBOSE=1 shows each step of it."""
        before = self._runs() if before is None else before
        only = None if self._narrator.verbose else BRIEF
        self._narrator.activity = lambda: _last_line(self.state)
        try:
            self.run(["git", "push", "--quiet", "origin", f"HEAD:{git.BRANCH}"], "git push", show=True, only=only)
        finally:
            self._narrator.activity = None
        new = sorted(self._runs() - before)
        return json.loads(new[0].read_text()) if new else None

    def _runs(self) -> set[Path]:
        return set(self.state.runs.glob("*/result.json"))


def _last_line(state: State) -> str:
    """What the newest workflow run printed last."""
    log = max(state.runs.glob("*/log"), default=None)
    if log is None:
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 4096))
        lines = [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
