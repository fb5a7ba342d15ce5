"""A gitops/ folder of a test's own."""

import shutil
from pathlib import Path

import pytest

from release.commands import adopt
from tests.gitops.render import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A copy of gitops/ with one model, flower, that was never released."""
    tree = Tree.copy(tmp_path)
    shutil.rmtree(tree.folder / "models")
    adopt.adopt(tmp_path, "flower")
    return tree
