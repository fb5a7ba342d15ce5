"""Which package may import which: the loop's direction, held by reading the source."""

from __future__ import annotations

import ast
import sys
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = frozenset(
    {
        "artifact",
        "features",
        "pipeline",
        "scoring",
        "starter",
        "audit",
        "monitoring",
        "release",
        "predictor",
        "initializer",
        "shipper",
        "image",
        "local",
        "bench",
    }
)

# What each package may import of ours, and what it must not import of others'.
MAY = {
    "artifact": set(),
    "features": set(),
    "pipeline": {"artifact", "features"},
    "monitoring": {"artifact"},
    "release": {"artifact", "monitoring"},
    "scoring": {"artifact", "pipeline", "release"},
    "starter": {"artifact", "features", "pipeline"},
    "audit": {"artifact", "pipeline", "release"},
    "predictor": {"artifact", "features"},
    "initializer": {"artifact"},
    "shipper": {"artifact"},
    "image": {"artifact"},
    "local": {"artifact", "release", "predictor"},
    "bench": {"artifact", "features", "pipeline", "scoring", "local", "monitoring", "predictor"},
}
MUST_NOT = {
    "artifact": {"mlflow", "dvc", "boto3", "botocore", "kserve"},
    "features": {"mlflow", "dvc", "boto3", "botocore", "kserve"},
    "pipeline": {"kserve"},
    "scoring": {"kserve", "mlflow", "dvc"},
    "starter": {"kserve", "mlflow"},
    "audit": {"kserve"},
    "monitoring": {"kserve", "mlflow", "dvc", "boto3", "botocore"},
    "release": {"kserve", "mlflow", "dvc", "sklearn"},
    "predictor": {"mlflow", "dvc", "boto3", "botocore", "obstore"},
    "initializer": {"mlflow", "dvc", "boto3", "botocore", "kserve", "numpy"},
    "shipper": {"mlflow", "dvc", "boto3", "botocore", "kserve", "numpy", "pyarrow"},
    "image": {"mlflow", "dvc", "boto3", "botocore", "kserve", "numpy", "yaml"},
    "local": set(),
    "bench": set(),
}

# What each room of pipeline/ may import of the others: only rooms that stand before it.
ROOMS = {
    "params": set(),
    "shared": {"params"},
    "data": {"params", "shared"},
    "training": {"params", "shared"},
    "engine": {"params", "shared"},
    "pictures": set(),
    "evaluation": {"params", "shared", "engine", "pictures"},
    "packaging": {"params", "shared", "engine"},
    "gate": {"params", "shared", "evaluation", "packaging"},
    "report": {"params", "shared", "engine", "pictures", "gate"},
    "tracking": {"params", "shared", "report"},
}
# The same of predictor/, with the modules beside the rooms that they import.
PREDICTOR_ROOMS = {
    "protocols": {"errors"},
    "observe": {"settings"},
    "serving": {"protocols", "observe", "errors", "model", "settings"},
    "http2": {"connection_limit"},
    "http": {"protocols", "observe", "serving", "errors", "settings", "health", "connection_limit"},
    "grpc": {"protocols", "observe", "serving", "http2", "errors", "health", "connection_limit"},
}
# The same of artifact/.
ARTIFACT_ROOMS = {
    "validation": {"categorical", "feature", "moment", "signature", "prediction", "errors", "checkpoint", "excerpt"},
    "unpickling": {"errors", "excerpt"},
    "engines": {"unpickling", "signature", "output", "prediction", "categorical", "decision", "errors", "extras"},
    "explanation": {
        *("checkpoint", "engines", "errors", "extras", "prediction", "signature", "strict_json", "unpickling"),
        "validation",
    },
    "attestation": {"digest", "manifest", "strict_json", "text_file", "errors"},
}
HOUSES = {"pipeline": ROOMS, "predictor": PREDICTOR_ROOMS, "artifact": ARTIFACT_ROOMS}
# What stands beside the stages uses these rooms.
USES = {
    "scoring": {"params", "shared", "data", "training"},
    "starter": {"params", "shared", "data", "training"},
    "audit": {"params", "shared", "tracking"},
    "bench": {"engine", "shared"},
}

# Where the import name is not the distribution's.
DISTRIBUTIONS = {
    "arro3": "arro3-core",
    "google": "protobuf",
    "grpc": "grpcio",
    "simdjson": "pysimdjson",
    "sklearn": "scikit-learn",
}


def imported(package: str) -> dict[str, set[Path]]:
    """Top-level names imported anywhere in `package`, with the files that import them."""
    result: dict[str, set[Path]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative imports hide the direction"
                names = [node.module or ""]
            for name in names:
                result.setdefault(name.partition(".")[0], set()).add(path)
    return result


def modules(folder: str) -> dict[str, set[str]]:
    """Each module under `folder` → the modules of ours that it imports."""
    result: dict[str, set[str]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        importer = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        result[importer] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
                for name in (f"{node.module}.{alias.name}" for alias in node.names):
                    is_module = (ROOT / name.replace(".", "/")).with_suffix(".py").exists()
                    result[importer].add(name if is_module else node.module)
    return result


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_follow_the_loop(package: str) -> None:
    """A package imports only the packages of ours before it in the loop, and no library of another role."""
    result = imported(package)
    ours = {name: paths for name, paths in result.items() if name in OURS - {package} and name not in MAY[package]}
    others = {name: paths for name, paths in result.items() if name in MUST_NOT[package]}
    assert not ours
    assert not others


def test_every_package_is_listed() -> None:
    """A new package at the top of the tree has to say what it may import."""
    present = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert present == OURS == set(MAY) == set(MUST_NOT)


def test_the_image_needs_only_the_serving_lock() -> None:
    """What predictor/, initializer/, shipper/ and artifact/ import is in the serving lock, or in sigstore's."""
    lock = "".join((ROOT / f"requirements/{name}.txt").read_text() for name in ("serving", "extras/sigstore")).lower()
    for package in ("artifact", "predictor", "initializer", "shipper", "features"):
        for name in imported(package):
            if name not in sys.stdlib_module_names and name not in OURS:
                distribution = DISTRIBUTIONS.get(name, name).replace("_", "-")
                assert f"\n{distribution}==" in lock, f"{package} imports {name}"


def rooms_of(house: str) -> set[str]:
    """The rooms of a package: its folders."""
    return {path.parent.name for path in (ROOT / house).glob("*/__init__.py")}


@pytest.mark.parametrize(
    ("folder", "house", "may"),
    [
        *((f"{house}/{room}", house, may) for house, rooms in HOUSES.items() for room, may in rooms.items()),
        *((folder, "pipeline", may) for folder, may in USES.items()),
    ],
)
def test_rooms_import_in_one_direction(folder: str, house: str, may: set[str]) -> None:
    """A room imports the rooms that the table names for it, and no other."""
    used = {parts[1] for names in modules(folder).values() for name in names if (parts := name.split("."))[0] == house}
    assert used - {Path(folder).name} == may


@pytest.mark.parametrize("house", HOUSES)
def test_every_room_is_listed_and_looks_back_only(house: str) -> None:
    """The table has each folder of the package, and each room only those before it: no circle is possible."""
    assert rooms_of(house) == set(HOUSES[house])
    before: set[str] = set()
    for room, may in HOUSES[house].items():
        assert may & rooms_of(house) <= before, room
        before.add(room)


@pytest.mark.parametrize("package", sorted(OURS))
def test_no_two_modules_import_each_other(package: str) -> None:
    """No circle of imports within a package, however long; an import within a function counts."""
    waiting = {name: {name for name in names if name.startswith(package)} for name, names in modules(package).items()}
    while waiting:
        free = {name for name, names in waiting.items() if not names & set(waiting)}
        assert free, f"a circle among {sorted(waiting)}"
        waiting = {name: names for name, names in waiting.items() if name not in free}


def test_every_package_says_what_lives_there() -> None:
    """The __init__ of a package or room is a docstring; one with commands also refuses their modules as programs."""
    for path in [
        *ROOT.glob("*/__init__.py"),
        *(path for house in HOUSES for path in (ROOT / house).glob("*/__init__.py")),
    ]:
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), path
        named = {*HOUSES, *chain.from_iterable(HOUSES.values()), "scoring", "starter", "audit", "release", "monitoring"}
        rest = [ast.unparse(statement) for statement in tree.body[1:]]
        refusal = ["from artifact.command_table import refuse_module", f"refuse_module('{path.parent.name}')"]
        assert rest in ([], refusal) or path.parent.name not in named, path
