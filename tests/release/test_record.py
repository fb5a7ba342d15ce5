"""record.yaml and release.yaml: what goes in comes out, whatever the text; the shipped files are as the code writes."""

import dataclasses
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artifact import digest
from artifact.errors import ConfigurationError
from release.commands import adopt
from release.gitops import inference_service, record
from release.gitops.folder import MODELS
from release.gitops.record import Record, Release
from tests.release.conftest import DATA, IMAGE, INPUTS, OTHER_IMAGE, ROOT

MODEL_DIGEST = digest.of_bytes(b"model")
RELEASE = Release(
    digest=MODEL_DIGEST,
    uri=f"s3://modelpin/models/iris/{MODEL_DIGEST}/",
    image=IMAGE,
    since="2026-01-02T03:04:05Z",
    inputs_digest=INPUTS,
    data_digest=DATA,
    source_commit="a" * 40,
    run_commit="b" * 40,
    gate="passed",
)
OTHER = dataclasses.replace(RELEASE, image=OTHER_IMAGE)
# Every text that UTF-8 can carry, with what YAML, shells and terminals take for structure more often than by chance.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["- a", "a: b", "# c", "\n", "\r\n", "\u2028", "\x85", "\x00", "\ufeff", "\t", " "]),
    st.sampled_from(
        "null ~ 1e3 0o14 yes 2026-01-02 $(id) ../.. --- ... | &a *a !!python/object {{.Name}} ' \" \\".split()
    ),
)


@given(since=TEXT, gate=TEXT, inputs_digest=TEXT, data_digest=TEXT)
def test_any_text_stays_text(since: str, gate: str, inputs_digest: str, data_digest: str) -> None:
    """Any text in any free field comes back from the file as it was, and changes nothing else in it."""
    release = dataclasses.replace(RELEASE, since=since, gate=gate, inputs_digest=inputs_digest, data_digest=data_digest)
    written = Record("iris", "staging", stable=release, candidate=OTHER, percent=5, releases=(release, RELEASE))
    text = record.render(written)
    assert text.isascii()
    assert record.parse(text, "x") == written
    plain = Record("iris", "staging", stable=RELEASE, candidate=OTHER, percent=5, releases=(RELEASE, RELEASE))
    assert text.count("\n") == record.render(plain).count("\n")


@pytest.mark.parametrize("field", ["uri", "image", "digest", "source_commit", "run_commit"])
@given(text=TEXT)
def test_names_have_one_form(field: str, text: str) -> None:
    """No hostile text passes for a digest, a URI, an image or a commit."""
    with pytest.raises(ConfigurationError):
        dataclasses.replace(RELEASE, **{field: text})


def test_lone_surrogate_is_refused() -> None:
    """An argument that was not UTF-8 cannot be kept as text: it is refused."""
    with pytest.raises(ConfigurationError, match=re.escape("U+DC80")):
        record.render(Record("iris", "\udc80"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    schema_version: 2", "    schema_version: 3"),
        ("    percent: null", "    percent: 101"),
        ("    percent: null", "    percent: true"),
        ("    step: null", "    step: {}"),
        ("    left: null", "    left: 5"),
        ("    left: null", '    left: "../x"'),
        ("    percent: null", "    percent: null\n    surprise: 1"),
        ("    percent: null", "    percent: null\n    percent: 5"),
        ('gate: "passed"', "gate: 1"),
        (f'uri: "{RELEASE.uri}"', f'uri: "{RELEASE.uri[:-1]}"'),
        ("releases:", "releases: []\n    candidates:"),
        ("data:", "info:"),
        ("    model: ", "    : "),
    ],
)
def test_damaged_record_is_refused(old: str, new: str) -> None:
    """A record edited by hand into something else is refused with 10 instead of being guessed at."""
    text = record.render(Record("iris", "staging", stable=RELEASE, releases=(RELEASE,)))
    assert old in text
    with pytest.raises(ConfigurationError, match=r"here/record\.yaml|releases must begin"):
        record.parse(text.replace(old, new), "here/record.yaml")


@pytest.mark.parametrize(
    "fields",
    [
        {"stable": None, "releases": (), "candidate": OTHER, "percent": 5},
        {"candidate": OTHER},
        {"candidate": OTHER, "percent": 0},
        {"candidate": OTHER, "percent": 100},
        {"candidate": RELEASE, "percent": 5},
        {"percent": 5},
        {"percent": 0},
        {"stable": None, "releases": (), "percent": 0, "left": MODEL_DIGEST},
    ],
)
def test_impossible_record_cannot_be_made(fields: dict[str, Any]) -> None:
    """No record gives the stable release a share, a canary all or nothing, or a share to nobody."""
    with pytest.raises(ConfigurationError, match="contradicts itself"):
        dataclasses.replace(Record("iris", "staging", stable=RELEASE, releases=(RELEASE,)), **fields)


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (1, Record("iris", "staging", stable=RELEASE, releases=(RELEASE,))),
        (2, Record("iris", "staging", stable=RELEASE, percent=0, left=MODEL_DIGEST, releases=(RELEASE,))),
    ],
)
def test_old_records_stay_readable(version: int, wanted: Record) -> None:
    """The records of every format under tests are read for ever."""
    assert record.parse((ROOT / f"tests/release/records/{version}.yaml").read_text(), "x") == wanted


def test_release_is_the_stable_release() -> None:
    """The patch names model, image and storageUri, and MODEL_URI equals storageUri."""
    patch = yaml.safe_load(inference_service.render(Record("iris", "staging", stable=RELEASE, releases=(RELEASE,))))
    assert patch == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "iris"},
        "spec": {
            "predictor": {
                "model": {
                    "image": IMAGE,
                    "storageUri": RELEASE.uri,
                    "env": [{"name": "MODEL_URI", "value": RELEASE.uri}],
                }
            }
        },
    }


def test_no_release_no_inference_service() -> None:
    """Before the first deploy the patch deletes the InferenceService."""
    patch = yaml.safe_load(inference_service.render(Record("iris", "staging")))
    assert patch["$patch"] == "delete"
    assert "spec" not in patch


def test_files_in_the_tree_are_as_written() -> None:
    """Each machine-owned file under gitops/ is, byte for byte, what the code writes for its state."""
    found = sorted((ROOT / MODELS).glob("*/*/record.yaml"))
    assert found
    for path in found:
        state = record.parse(path.read_text(), str(path))
        assert (state.model, state.environment) == (path.parts[-3], path.parts[-2])
        assert path.read_text() == record.render(state)
        assert (path.parent / "release.yaml").read_text() == inference_service.render(state)


def test_adopted_model_has_the_shape_of_those_in_the_tree() -> None:
    """What adopt writes for a new model is there for each model in the tree, whose people may have added to it."""
    for folder in (path for path in (ROOT / MODELS).iterdir() if path.is_dir()):
        for path, text in adopt.files(folder.name).items():
            assert (ROOT / path).is_file(), path
            if path.endswith("kustomization.yaml"):
                wanted, there = yaml.safe_load(text), yaml.safe_load((ROOT / path).read_text())
                assert there["namespace"] == wanted["namespace"]
                assert all(item in there[key] for key in ("resources", "patches") for item in wanted[key])
