"""release/ in packages: which imports which, and that none imports one that imports it."""

import ast
from graphlib import TopologicalSorter

from tests.release.conftest import ROOT

# What each package may import of the others; modules beside them (release.state, …) count as `release`.
MAY = {
    "git": {"release"},
    "gitops": {"git", "release"},
    "bucket": {"release"},
    "evidence": {"gitops", "release"},
    "doctor": {"bucket", "git", "gitops", "release"},
    "commands": {"git", "gitops", "bucket", "evidence", "doctor", "release"},
    "release": {"git", "gitops", "bucket", "evidence", "commands"},
}


def imports() -> dict[str, set[str]]:
    """Module → the modules of release that it imports when it is imported itself."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "release").rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        graph[name] = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("release"):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                graph[name] |= {other if other in files else node.module or "" for other in names}
    return graph


def package(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY else "release"


def test_no_module_imports_one_that_imports_it() -> None:
    """The imports of release/ have an order."""
    assert len(list(TopologicalSorter(imports()).static_order())) > 40


def test_each_package_imports_what_stands_below_it() -> None:
    """Git knows no file format, the files know no command, the bucket knows neither."""
    for module, names in imports().items():
        current = package(module)
        assert {package(name) for name in names} - {current} <= MAY[current], module
