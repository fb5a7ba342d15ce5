"""GitHub's filters of a push: `branches`, `tags` and `paths`, each also as `-ignore`, with its glob patterns.

Rules: https://docs.github.com/actions/writing-workflows/workflow-syntax-for-github-actions#filter-pattern-cheat-sheet
Not played: only the first 3,000 changed files of a push are looked at by GitHub.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from artifact.errors import ConfigurationError

Patterns = tuple[str, ...]
KINDS = ("branches", "tags", "paths")


@dataclass(frozen=True)
class Filters:
    """Of one `on: push`; None = the filter is absent, which is not the same as empty."""

    branches: Patterns | None = None
    branches_ignore: Patterns | None = None
    tags: Patterns | None = None
    tags_ignore: Patterns | None = None
    paths: Patterns | None = None
    paths_ignore: Patterns | None = None

    @classmethod
    def parse(cls, push: object) -> "Filters":
        """From the value of `on.push`; ConfigurationError for a filter GitHub would refuse or does not have."""
        if push is None:
            return cls()
        if not isinstance(push, dict):
            raise ConfigurationError(f"on.push is {push!r}: write a mapping of filters, or nothing")
        names = {f"{kind}{end}" for kind in KINDS for end in ("", "-ignore")}
        if unknown := sorted(map(str, set(push) - names)):
            raise ConfigurationError(f"on.push has no filter {', '.join(unknown)}: it has {', '.join(sorted(names))}")
        for kind in KINDS:
            if kind in push and f"{kind}-ignore" in push:
                raise ConfigurationError(f"on.push has {kind} and {kind}-ignore: use {kind} with `!` patterns")
        return cls(**{name.replace("-", "_"): _patterns(value) for name, value in push.items()})

    def decide(self, ref: str, paths: Sequence[str]) -> tuple[bool, str]:
        """(starts, why) for a push that moved `ref` (`refs/heads/…`) and changed these paths."""
        is_tag = ref.startswith("refs/tags/")
        name = ref.removeprefix("refs/tags/").removeprefix("refs/heads/")
        patterns, ignored = (self.tags, self.tags_ignore) if is_tag else (self.branches, self.branches_ignore)
        others = (self.branches, self.branches_ignore) if is_tag else (self.tags, self.tags_ignore)
        noun, key = ("tag", "tags") if is_tag else ("branch", "branches")
        if (patterns, ignored) == (None, None) and others != (None, None):
            return False, f"it names {'branches' if is_tag else 'tags'} only, and {name} is a {noun}"
        if patterns is not None and not matches(patterns, name):
            return False, f"{noun} {name} matches none of its {key}"
        if ignored is not None and matches(ignored, name):
            return False, f"{noun} {name} is in its {key}-ignore"
        if is_tag:  # GitHub does not evaluate paths for tags
            return True, f"tag {name}"
        if self.paths is not None:
            hit = next((path for path in paths if matches(self.paths, path)), None)
            if hit is None:
                return False, f"no changed file is in its paths{_example(paths)}"
            return True, f"{hit} is in its paths"
        if self.paths_ignore is not None:
            hit = next((path for path in paths if not matches(self.paths_ignore, path)), None)
            if hit is None:
                return False, f"every changed file is in its paths-ignore{_example(paths)}"
            return True, f"{hit} is not in its paths-ignore"
        return True, f"{noun} {name}"


def matches(patterns: Patterns, text: str) -> bool:
    """Whether the list selects `text`: the last pattern that matches decides, and `!` takes back."""
    selected = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if expression(pattern[negated:]).fullmatch(text):
            selected = not negated
    return selected


@lru_cache(maxsize=512)
def expression(pattern: str) -> re.Pattern[str]:
    """The regular expression of one pattern (without its `!`)."""
    out, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            out, at = out + "(?:.*/)?", at + 3  # also no folder at all: `**/README.md` is README.md too
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif character == "*":
            out, at = out + "[^/]*", at + 1
        elif character in "?+" and out:  # of the preceding character
            out, at = out + character, at + 1
        elif character == "[" and (end := pattern.find("]", at)) > at + 1:
            out, at = out + "[" + re.escape(pattern[at + 1 : end]).replace(r"\-", "-") + "]", end + 1
        elif character == "\\" and at + 1 < len(pattern):
            out, at = out + re.escape(pattern[at + 1]), at + 2
        else:
            out, at = out + re.escape(character), at + 1
    try:
        return re.compile(out, re.DOTALL)
    except re.error as error:
        raise ConfigurationError(f"filter pattern {pattern!r} does not compile ({error}): correct it") from None


def _patterns(value: object) -> Patterns:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item.lstrip("!") for item in items):
        raise ConfigurationError(f"a filter of on.push is {value!r}: write a list of patterns")
    return tuple(items)


def _example(paths: Sequence[str]) -> str:
    return f" (such as {paths[0]})" if paths else ""
