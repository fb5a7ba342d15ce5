"""docs/trust.md against the policies and the workflows that it speaks of."""

import re
from pathlib import Path

from release.aws import files, trust
from release.protection import plan, protection_file
from tests.release.aws.matrix import KEYS, OBJECTS, OTHERS, ROLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/trust.md").read_text()


def table(first: str) -> list[list[str]]:
    """The rows of the table whose head begins with `first`, cells stripped, without the line under the head."""
    (result,) = re.findall(rf"^\| {first} ?\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in result.strip().splitlines()]


def test_the_matrix_is_the_one_that_is_asked() -> None:
    """Each row and cell is what tests/release/aws asks the policies."""
    requests = {
        act.name: ["yes" if role in act.allowed else "–" for role in ROLES] for act in (*OBJECTS, *OTHERS, *KEYS)
    }
    assert {row[0]: row[1:] for row in table("may")} == requests


def test_each_role_and_environment_is_named() -> None:
    """The roles of the page are those that `make configure` writes, with the environments that their trust names."""
    rows = {row[0]: row[1] for row in table("role")}
    assert list(rows) == [*files.ROLES, "serving-`<namespace>`"]
    for role, environments in trust.ENVIRONMENTS.items():
        assert all(f"`{name}`" in rows[role] for name in environments)


def test_every_path_and_link_exists() -> None:
    """A file that the page names is there."""
    named = re.findall(r"\]\(([\w./-]+)\)", PAGE) + [
        f"../{path}" for path in re.findall(r"`((?:tests|gitops)/[\w./-]+)`", PAGE)
    ]
    assert [path for path in named if not (ROOT / "docs" / path).exists()] == []


def test_every_rule_of_the_table_is_explained_and_checked() -> None:
    """Each number in a cell is a rule, each rule stands in a cell, and names the file that checks it."""
    rules = {row[0]: row[2] for row in table("rule")}
    cells = [cell for row in table("") for cell in row[1:]]
    assert len(cells) == 6 * 5
    assert {number for cell in cells for number in re.findall(r"\d+", cell)} == set(rules)
    assert all(re.search(r":? (?:\d+, )*\d+$", cell) for cell in cells)
    assert all(re.search(r"`tests/[\w/]+\.py`", check) for check in rules.values())


def test_the_words_of_the_simple_mode_are_those_of_the_files() -> None:
    """The settings that the page names are in protection.yaml, and the targets in the Makefile."""
    requests = protection_file.read(ROOT)
    for environment in requests.environments:
        assert f"`{environment.name}`" in PAGE
    assert plan.KEY in PAGE
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= targets
