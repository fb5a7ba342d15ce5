"""Settings: flags over variables over defaults, refused where they cannot be, and the same in the docs."""

from __future__ import annotations

import re
import resource
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from artifact.errors import ConfigurationError
from predictor import errors
from predictor.connection_limit import allow_files
from predictor.serving.lifecycle import Lifecycle
from predictor.settings import Settings, read
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

DOCS = (Path(__file__).parents[2] / "docs/predictor.md").read_text()
REQUIRED_FLAGS = ["--model_dir", "x", "--model_name", "iris"]


def test_docs() -> None:
    """docs/predictor.md lists every setting, with its flag, its variable, its default and its meaning."""
    documented = re.findall(r"^\| `--(\w+)` \| `(\w+)` \| (\S+) \| (.*) \|$", DOCS, re.M)
    expected = []
    for field in fields(Settings):
        default = format(field.default, "g") if isinstance(field.default, float) else str(field.default)
        expected.append((field.name, f"PREDICTOR_{field.name.upper()}", default, field.metadata["help"]))
    assert documented == expected


def test_docs_of_metrics_and_reasons(packaged: dict[str, Packaged]) -> None:
    """It lists every metric of ours and every reason of a reject, and no other."""
    lifecycle = Lifecycle(loaded(packaged["people"]), Settings())
    registry = CollectorRegistry()
    lifecycle.observers.metrics.register(registry)
    names = {family.name + {"counter": "_total", "info": "_info"}.get(family.type, "") for family in registry.collect()}
    assert set(re.findall(r"^\| `(modelpin_\w+)`", DOCS, re.M)) == names
    reasons = DOCS[DOCS.index("Reasons:") :].partition(".")[0]
    assert tuple(re.findall(r"`([\w-]+)`", reasons)) == errors.REASONS


def test_order() -> None:
    """A flag wins over its variable, a variable over the default."""
    environment = {"PREDICTOR_ROWS": "7", "PREDICTOR_BODY_SECONDS": "2.5"}
    _, settings = read([*REQUIRED_FLAGS, "--rows", "9"], environment)
    assert (settings.rows, settings.body_seconds, settings.queue) == (9, 2.5, Settings.queue)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ROWS", "many", "PREDICTOR_ROWS is 'many'"),
        ("ROWS", "0", "rows is 0; give a number of at least 1"),
        ("LOG_SAMPLING", "1.5", "at most 1"),
        ("BODY_SECONDS", "nan", "body_seconds is nan"),
        ("GRACE_SECONDS", "1", "leaves nothing of grace_seconds 1"),
        ("BUFFERED_BYTES", "1000", "holds no body of body_bytes"),
    ],
)
def test_refused(name: str, value: str, says: str) -> None:
    """A value that cannot be is a configuration error that names the setting and the value."""
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        read(REQUIRED_FLAGS, {f"PREDICTOR_{name}": value})


def test_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start asks for as many files as connections need; where it may not have them, it ends with what to do."""
    limits_set: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: limits_set.append(limits))
    for limits in ((1024, 4096), (256, resource.RLIM_INFINITY), (1 << 20, 1 << 20), (256, 2000)):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, limits=limits: limits)
        if limits[1] != 2000:
            allow_files(2000)
            continue
        with pytest.raises(ConfigurationError, match=r"may open 2000 files, and 2000 connections .* need 2064; lower"):
            allow_files(2000)
    assert limits_set == [(2064, 4096), (2064, resource.RLIM_INFINITY)]
