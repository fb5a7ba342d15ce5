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
from release import quoted_yaml
from release.commands import adopt
from release.gitops import record, release_file
from release.gitops.folder import MODELS
from release.gitops.record import Record
from release.gitops.release import Proof, Release
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
    rendered=True,
    served=True,
)
OTHER = dataclasses.replace(RELEASE, image=OTHER_IMAGE)
STABLE = Record("iris", "staging", stable_name=RELEASE.name, releases=(RELEASE,))
CANARY = dataclasses.replace(STABLE, candidate_name=OTHER.name, percent=5, releases=(OTHER, RELEASE))
# Every text that UTF-8 can carry, with what YAML, shells and terminals take for structure more often than by chance.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["- a", "a: b", "# c", "\n", "\r\n", "\u2028", "\x85", "\x00", "\ufeff", "\t", " "]),
    st.sampled_from(
        "null ~ 1e3 0o14 yes 2026-01-02 $(id) ../.. --- ... | &a *a !!python/object {{.Name}} ' \" \\".split()
    ),
)


@given(since=TEXT, gate=TEXT, inputs_digest=TEXT, evidence=TEXT)
def test_any_text_stays_text(since: str, gate: str, inputs_digest: str, evidence: str) -> None:
    """Any text in any free field comes back from the file as it was, and changes nothing else in it."""
    proof = Proof("now", "spec", evidence)
    changed = dataclasses.replace(RELEASE, since=since, gate=gate, inputs_digest=inputs_digest, left=since, proof=proof)
    content = dataclasses.replace(CANARY, releases=(OTHER, changed))
    text = record.render(content)
    assert text.isascii()
    assert record.parse(text, "x") == content
    plain = dataclasses.replace(changed, since="", gate="", inputs_digest="", left="", proof=Proof("now", "spec", ""))
    assert text.count("\n") == record.render(dataclasses.replace(CANARY, releases=(OTHER, plain))).count("\n")


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


def test_a_name_is_of_digest_and_image() -> None:
    """`<model>-<8 hexadecimal digits>`: another image of the same model is another release."""
    assert re.fullmatch(r"iris-[0-9a-f]{8}", RELEASE.name)
    assert RELEASE.name != OTHER.name
    assert dataclasses.replace(RELEASE, since="later", served=False).name == RELEASE.name
    assert all(map(RELEASE.called, (RELEASE.name, MODEL_DIGEST, MODEL_DIGEST[7:])))
    assert not RELEASE.called(MODEL_DIGEST[:19])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    schema_version: 3", "    schema_version: 4"),
        ("    percent: null", "    percent: 101"),
        ("    percent: null", "    percent: true"),
        ("    share: null", "    share: 50"),
        ("    old_percent: null", "    old_percent: 10"),
        ("    percent: null", "    percent: null\n    surprise: 1"),
        ("    percent: null", "    percent: null\n    percent: 5"),
        ('gate: "passed"', "gate: 1"),
        ("rendered: true", "rendered: 1"),
        ("rendered: true", "rendered: false"),
        ("proof: null", "proof: {}"),
        (f'name: "{RELEASE.name}"', 'name: "iris-00000000"'),
        (f'stable: "{RELEASE.name}"', 'stable: "iris-00000000"'),
        (f'stable: "{RELEASE.name}"', "stable: 5"),
        (f'uri: "{RELEASE.uri}"', f'uri: "{RELEASE.uri[:-1]}"'),
        (f'uri: "{RELEASE.uri}"', f'uri: "{RELEASE.uri.replace("/iris/", "/wine/")}"'),
        ("releases:", "releases: []\n    candidates:"),
        ("data:", "info:"),
        ("    model: ", "    : "),
    ],
)
def test_damaged_record_is_refused(old: str, new: str) -> None:
    """A record edited by hand into something else is refused with 10 instead of being guessed at."""
    text = record.render(STABLE)
    assert old in text
    with pytest.raises(ConfigurationError, match=r"here/record\.yaml|contradicts itself"):
        record.parse(text.replace(old, new), "here/record.yaml")


@pytest.mark.parametrize(
    "fields",
    [
        {"candidate_name": OTHER.name, "percent": None},
        {"candidate_name": OTHER.name, "percent": 100},
        {"candidate_name": OTHER.name, "percent": 0},
        {"candidate_name": OTHER.name, "percent": 0, "share": 101},
        {"candidate_name": OTHER.name, "percent": 5, "share": 10},
        {"candidate_name": RELEASE.name, "percent": 5},
        {"candidate_name": None, "percent": 5},
        {"candidate_name": None, "percent": 0},
        {"stable_name": None},
        {"stable_name": "iris-00000000"},
        {"candidate_name": "iris-00000000"},
        {"releases": (OTHER, RELEASE, RELEASE)},
        {"releases": (OTHER, dataclasses.replace(RELEASE, rendered=False))},
        {"releases": (dataclasses.replace(OTHER, rendered=False), RELEASE)},
        {"old_percent": 10},
        {"model": "wine"},
    ],
)
def test_impossible_record_cannot_be_made(fields: dict[str, Any]) -> None:
    """No record gives traffic to what has no InferenceService, everything to a canary, or a share to nobody."""
    with pytest.raises(ConfigurationError, match="contradicts itself"):
        dataclasses.replace(CANARY, **fields)


@pytest.mark.parametrize("version", [1, 2])
def test_old_records_stay_readable(version: int) -> None:
    """The records of every format under tests are read for ever, and say which format they were."""
    current = record.parse((ROOT / f"tests/release/records/{version}.yaml").read_text(), "x")
    assert (current.schema, current.champion) == (version, dataclasses.replace(RELEASE, rendered=False))
    assert (current.model, current.environment, current.percent) == ("iris", "staging", 0 if version == 2 else None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    percent: 0", "    percent: 10"),
        ("    step: null", "    step: {}"),
        ("    left: ", '    left: "../x"\n    was: '),
        ("    releases:\n", "    releases: []\n    was:\n"),
    ],
)
def test_damaged_old_record_is_refused(old: str, new: str) -> None:
    """So is a damaged record of an old format."""
    text = (ROOT / "tests/release/records/2.yaml").read_text()
    assert old in text
    with pytest.raises(ConfigurationError):
        record.parse(text.replace(old, new), "x")


def test_an_old_record_of_nothing_needs_no_migration() -> None:
    """Where nothing was deployed yet there is nothing to move."""
    text = (ROOT / "tests/release/records/2.yaml").read_text()
    empty = text[: text.index("    stable:")] + (
        "    stable: null\n    candidate: null\n    percent: null\n    step: null\n    left: null\n    releases: []\n"
    )
    assert record.parse(empty, "x") == Record("iris", "staging")


def test_each_release_is_an_object_and_the_route_names_those_with_traffic() -> None:
    """An InferenceService for each release that is rendered; a Route with each share, its tag and latestRevision."""
    gone = dataclasses.replace(RELEASE, image=IMAGE.replace("1", "3"), rendered=False)
    content = dataclasses.replace(CANARY, releases=(OTHER, RELEASE, gone))
    services, route = documents(content)[:-1], documents(content)[-1]
    assert [service["metadata"]["name"] for service in services] == [OTHER.name, RELEASE.name]
    assert services[1] == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": RELEASE.name,
            "labels": {
                "model": "iris",
                "release": RELEASE.name,
                "digest": MODEL_DIGEST[:63],
                "environment": "staging",
                "networking.kserve.io/visibility": "exposed",
            },
        },
        "spec": {
            "predictor": {
                "model": {
                    "image": IMAGE,
                    "storageUri": RELEASE.uri,
                    "env": [
                        {"name": "MODEL_URI", "value": RELEASE.uri},
                        {"name": "MODEL_RELEASE", "value": RELEASE.name},
                    ],
                }
            }
        },
    }
    assert (route["kind"], route["metadata"]["name"]) == ("Route", "iris")
    assert route["spec"]["traffic"] == [
        {"configurationName": f"{RELEASE.name}-predictor", "latestRevision": True, "percent": 95, "tag": "stable"},
        {"configurationName": f"{OTHER.name}-predictor", "latestRevision": True, "percent": 5, "tag": "canary"},
    ]


def test_a_candidate_without_traffic_is_not_named() -> None:
    """At 0 percent the Route names the stable release alone; before the first one there is no Route."""
    proving = dataclasses.replace(CANARY, percent=0, share=10)
    assert [target["tag"] for target in documents(proving)[-1]["spec"]["traffic"]] == ["stable"]
    first = dataclasses.replace(proving, stable_name=None, share=100)
    assert {document["kind"] for document in documents(first)} == {"InferenceService"}
    assert documents(Record("iris", "staging")) == []


def documents(content: Record) -> list[dict[str, Any]]:
    """The manifests of release.yaml."""
    return [document for document in yaml.safe_load_all(release_file.render(content)) if document]


def test_files_in_the_tree_are_as_written() -> None:
    """Each machine-owned file under gitops/ is, byte for byte, what the code writes for its state."""
    result = sorted((ROOT / MODELS).glob("*/*/record.yaml"))
    assert result
    for path in result:
        state = record.parse(path.read_text(), str(path))
        assert (state.model, state.environment) == (path.parts[-3], path.parts[-2])
        assert path.read_text() == record.render(state)
        assert (path.parent / "release.yaml").read_text() == release_file.render(state)


def test_adopted_model_has_the_shape_of_those_in_the_tree() -> None:
    """What adopt writes for a new model is there for each model in the tree, whose people may have added to it."""
    for folder in (path for path in (ROOT / MODELS).iterdir() if path.is_dir()):
        for path, text in adopt.files(folder.name).items():
            assert (ROOT / path).is_file(), path
            if path.endswith("kustomization.yaml"):
                expected, there = yaml.safe_load(text), yaml.safe_load((ROOT / path).read_text())
                assert there["namespace"] == expected["namespace"]
                assert all(item in there[key] for key in ("resources", "components") for item in expected[key])


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000])
def test_a_file_that_nests_too_deeply_is_refused(text: str) -> None:
    """It is refused by its name: libyaml's own recursion would end the process."""
    with pytest.raises(ConfigurationError, match=r"record\.yaml"):
        quoted_yaml.load(text, "record.yaml")


def test_a_file_may_nest_a_little() -> None:
    """Ten lists in one another are read as ten."""
    assert quoted_yaml.load("a: " + "[" * 10 + "]" * 10, "record.yaml")["a"] == [[[[[[[[[[]]]]]]]]]]
