"""A copy of this repository, in which tests run its commands as a person would."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Repository:
    """A copy of this repository at `path`, where commands run in `env`."""

    path: Path
    env: dict[str, str]

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m <command>` here, with the `python` of `env`."""
        python = shutil.which("python", path=self.env["PATH"]) or sys.executable
        return subprocess.run(
            [python, "-m", *command],
            cwd=self.path,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def done(self, *command: str, **env: str) -> str:
        """As `run`, of what must end well; stdout and stderr."""
        ran = self.run(*command, **env)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def git(self, *command: str) -> str:
        return subprocess.run(
            ["git", *command], cwd=self.path, env=self.env, capture_output=True, text=True, check=True
        ).stdout

    def read(self, path: str) -> str:
        return (self.path / path).read_text(encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace the one `old` in the file."""
        text = self.read(path)
        assert text.count(old) == 1, (path, old, text.count(old))
        (self.path / path).write_text(text.replace(old, new), encoding="utf-8")

    def params(self, **sections: object) -> None:
        """Set values of params.yaml by dotted path, written with __ for the dot."""
        values = yaml.safe_load(self.read("params.yaml"))
        for path, value in sections.items():
            *parents, key = path.split("__")
            section = values
            for parent in parents:
                section = section[parent]
            section[key] = value
        (self.path / "params.yaml").write_text(
            yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )

    def copy(self, path: Path) -> Repository:
        shutil.copytree(self.path, path, symlinks=True)
        return Repository(path, self.env)


def stages(output: str) -> list[str]:
    """The stages that DVC says it ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
