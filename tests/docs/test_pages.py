"""docs/pages.md against the code it speaks of."""

import re
from pathlib import Path

import yaml

from release.commands import page

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/pages.md").read_text()


def test_the_commands_and_the_workflow_are_those_of_the_page() -> None:
    """The port, the age of a page, the variables of make and the switch of the workflow are as written."""
    assert f"127.0.0.1:{page._PORT}/" in PAGE
    assert page._FRESH_SECONDS == 5
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile[makefile.index("\nui:") : makefile.index("\nmirror:")]
    for name in re.findall(r"\b([A-Z]{3,})=", PAGE):
        assert name in recipe
    workflow = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text())
    assert {job["if"] for job in workflow["jobs"].values()} == {"vars.PAGES == 'true'"}
    assert workflow[True]["push"]["paths"] == ["gitops/models/**"]


def test_every_page_is_in_the_table() -> None:
    """Each link on top of the pages is a row of the table."""
    base = (ROOT / "release/page/templates/base.html").read_text()
    for name in re.findall(r'html", "(\w+)"\)', base):
        assert f"\n| {name} |" in PAGE
