"""params.yaml is read as DVC reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml

from artifact.errors import ConfigurationError
from pipeline.params import yaml12

TEXT = """\
a: no
b: 1e3
c: 010
d: 0o17
e: 12:30:45
f: ~
g:
h: .5
i: "no"
j: 1.
k: on
l: 0x1F
m: +5
n: '1'
o: {x y (z): [1, 2.5e-3, true, True, 1e-5, -0.0]}
p: &anchor {q: null}
r: *anchor
Länge (m): 'ß'
"""


def test_every_value_is_what_dvc_reads(tmp_path: Path) -> None:
    """A value means the same to the stages and to DVC, which decides by it what to run again."""
    path = tmp_path / "params.yaml"
    path.write_text(TEXT, encoding="utf-8")
    ours, theirs = yaml12.read(path), load_yaml(str(path))
    assert repr(ours) == repr(dict(theirs))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "there twice"),
        ("a: 2024-01-05\n", "quote it"),
        ("a: 1_000\n", "quote it"),
        ("a: [1\n", "is not YAML"),
        ("- a\n", "expected a mapping"),
        ("a: !!python/object/apply:os.system [ls]\n", "is not YAML"),
    ],
)
def test_what_two_readers_would_read_differently_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Keys given twice, bare dates, numbers with underscores, and YAML that is none end with a line number."""
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=problem):
        yaml12.read(path)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    """No params.yaml says where to run from and what writes one."""
    with pytest.raises(ConfigurationError, match=r"starter init"):
        yaml12.read(tmp_path / "params.yaml")
