"""What the platform must know of a workflow file before act runs it: push filters, concurrency group, actions."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from artifact.errors import ConfigurationError
from local.filters import Filters

FOLDER = ".github/workflows"
# What a head commit's message says to start nothing: https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs
SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

SWITCH = re.compile(r"vars\.(\w+) == 'true'")  # a job that runs only where the repository's variable says so

Read = Callable[[str], str | None]  # a path in the commit → its text, or None


@dataclass(frozen=True)
class Workflow:
    """One file under .github/workflows, as its push sees it."""

    path: str
    name: str
    push: Filters | None  # None: no `on: push`
    group: str | None  # of `concurrency`, unevaluated
    document: dict[str, Any]

    @classmethod
    def parse(cls, path: str, text: str) -> "Workflow":
        """ConfigurationError when the file is not a workflow."""
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{path} is not YAML ({' '.join(str(error).split())}): correct it") from None
        if not isinstance(document, dict) or not isinstance(document.get("jobs"), dict):
            raise ConfigurationError(f"{path} is not a workflow: it has no jobs")
        events = document.get("on", document.get(True))  # YAML 1.1 reads a bare `on` as true
        concurrency = document.get("concurrency")
        group = concurrency.get("group") if isinstance(concurrency, dict) else concurrency
        try:
            push = _push(events)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from None
        return cls(path, str(document.get("name", path)), push, None if group is None else str(group), document)

    def decide(self, ref: str, paths: list[str], message: str) -> tuple[bool, str]:
        """(starts, why) for a push of a commit with this message to `ref` that changed these paths."""
        if self.push is None:
            return False, "it does not start on a push"
        starts, why = self.push.decide(ref, paths)
        skip = next((word for word in SKIP if word in message), None)
        if starts and skip:
            return False, f"the commit message says {skip}"
        return starts, why

    def switched_off(self, variables: Mapping[str, str]) -> list[str]:
        """The variables that would have to be `true` for a job of this workflow to run; none where one runs."""
        switches = [SWITCH.fullmatch(str(job.get("if", ""))) for job in self.document["jobs"].values()]
        names = [switch[1] for switch in switches if switch and variables.get(switch[1]) != "true"]
        return sorted(set(names)) if len(names) == len(switches) else []

    def concurrency(self, ref: str) -> str | None:
        """The concurrency group with `github.workflow`, `github.ref` and `github.ref_name` filled in."""
        if self.group is None:
            return None
        values = {
            "github.workflow": self.name,
            "github.ref": ref,
            "github.ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        }
        return EXPRESSION.sub(lambda match: values.get(match[1], match[0]), self.group)


def actions(path: str, read: Read) -> list[str]:
    """Every `owner/repo[/folder]@ref` that the workflow at `path` reaches, also through local workflows and actions."""
    secrets: set[str] = set()
    todo, visited = [path], set()
    while todo:
        file = todo.pop()
        if file in visited:
            continue
        visited.add(file)
        text = read(file)
        if text is None:
            raise ConfigurationError(f"{path} uses {file}, which is not in the commit: add it")
        for uses in _uses(yaml.safe_load(text)):
            if not uses.startswith("./"):
                secrets.add(uses)
            elif uses.endswith((".yml", ".yaml")):
                todo.append(uses[2:])
            else:
                folder = uses[2:].rstrip("/")
                todo.append(
                    next((name for name in (f"{folder}/action.yml", f"{folder}/action.yaml") if read(name)), folder)
                )
    return sorted(secrets)


def _push(events: object) -> Filters | None:
    if isinstance(events, str):
        events = [events]
    if isinstance(events, list):
        return Filters() if "push" in events else None
    if isinstance(events, dict):
        return Filters.parse(events["push"]) if "push" in events else None
    raise ConfigurationError(f"`on` is {events!r}: write an event, a list or a mapping of events")


def _uses(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "uses" and isinstance(value, str):
                yield value
            else:
                yield from _uses(value)
    elif isinstance(node, list):
        for item in node:
            yield from _uses(item)
