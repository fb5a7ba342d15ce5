"""Whatever text a person or a program puts where a name, a digest, a URI or an image belongs is never structure."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError, GateRefused
from release import commit_message, verdict
from release.gitops.folder import Folder
from release.gitops.release import parse_image
from tests.release.conftest import IMAGE, Repository, git

DIGEST = f"sha256-{'0' * 64}"
NASTY = [
    *("\n", "\r\n", "\0", "\t", " ", "\x1b[31m", "\u2028", "\u200b", "\u202e", "\udc80", "а", "ｓ", "𝟎", "٣", "A"),
    *(
        '"',
        "'",
        "`id`",
        "$(id)",
        ";",
        "&&",
        "|",
        "{{.Name}}",
        "../",
        "..",
        "/",
        "//",
        "\\",
        "%2e%2e/",
        "#",
        "?versionId=1",
    ),
    *("-", "--", "=", ":", ""),
]


def near(valid: str) -> st.SearchStrategy[str]:
    """Texts that were `valid` before something was put in, taken out or put in its place; and any text at all."""
    places = st.integers(0, len(valid))
    spoilt = st.builds(
        lambda at, cut, text: valid[:at] + text + valid[at + cut :], places, st.integers(0, 3), st.sampled_from(NASTY)
    )
    return st.one_of(spoilt, st.text(max_size=40), st.sampled_from(NASTY)).filter(lambda text: text != valid)


def accepted(check: object, text: str) -> bool:
    try:
        check(text)  # type: ignore[operator]
    except ConfigurationError:
        return False
    return True


# option, a value that fits, what says whether another one fits
OPTIONS = {
    "--uri": ("s3://modelpin/models/iris/" + DIGEST + "/", ArtifactUri.parse),
    "--image": (IMAGE, parse_image),
    "--model": ("iris", digest.model_name),
    "--env": ("staging", lambda text: Folder("iris", text)),
}


@pytest.mark.parametrize("option", OPTIONS)
@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_in_a_deploy(plain: Repository, option: str, data: st.DataObject) -> None:
    """Text that is not what the option takes ends a deploy with 10 and one line of stderr; nothing is committed."""
    text = data.draw(near(OPTIONS[option][0]))
    assume(not accepted(OPTIONS[option][1], text))
    values = {name: valid for name, (valid, _) in OPTIONS.items()} | {option: text}
    done = plain.release("deploy", *(f"{name}={value}" for name, value in values.items()))
    assert done.code == 10, done
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1, done.err
    assert git(plain.origin, "rev-list", "--count", "main") == "1"
    assert {path.name for path in plain.folder.iterdir()} == {".git", "gitops", "params.yaml"}


@examples(max_examples=300, deadline=None)
@given(near("s3://modelpin/models/iris/" + DIGEST + "/"))
def test_a_uri_that_is_taken_is_plain(text: str) -> None:
    """A URI that is accepted holds nothing but the letters of a path, names no way up, and comes back as it was."""
    try:
        uri = ArtifactUri.parse(text)
    except ConfigurationError:
        return
    assert str(uri) == text
    assert text.isascii()
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:-")
    assert not {".", "..", ""} & set(uri.key.rstrip("/").split("/"))


@examples(max_examples=300, deadline=None)
@given(near(DIGEST))
def test_a_digest_is_64_digits(text: str) -> None:
    """Only lowercase hexadecimal ASCII digits are a digest, with the word in front or without."""
    try:
        result = digest.parse(text)
    except ConfigurationError:
        return
    assert result in (text, f"sha256-{text}")
    assert set(result.removeprefix("sha256-")) <= set("0123456789abcdef")
    assert len(result) == 71


@examples(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["Model-Digest", "Gate-Result", "Reason"]), near("passed"), min_size=1))
def test_any_text_in_a_trailer(plain: Repository, trailers: dict[str, str]) -> None:
    """A trailer's text stays on its line: git reads as many trailers as were written, and one subject."""
    try:
        text = commit_message.render(trailers.get("Reason", "x"), trailers)
    except ConfigurationError:
        assert any("\ud800" <= character <= "\udfff" for value in trailers.values() for character in value)
        return
    tree = git(plain.origin, "rev-parse", "main^{tree}")
    commit = git(plain.origin, "commit-tree", tree, "-m", text)
    read = git(plain.origin, "log", "-1", "--format=%(trailers:only,unfold)", commit)
    assert [line.partition(":")[0] for line in read.splitlines()] == list(trailers)


@examples(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(
        ["passed", "outcome", "reason", "model_digest", "inputs_digest", "data_digest", "schema_version"]
    ),
    value=st.one_of(near(DIGEST), st.none(), st.integers(), st.lists(st.integers(), max_size=2)),
)
def test_any_value_in_a_verdict(key: str, value: object) -> None:
    """A verdict with anything in the place of a digest or its outcome refuses (41); a reason may be any text."""
    content: dict[str, object] = {
        "schema_version": 2,
        "passed": True,
        "outcome": "better",
        "reason": "",
        "model_digest": DIGEST,
        "inputs_digest": DIGEST,
        "data_digest": DIGEST,
        key: value,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(content))
        file.flush()
        try:
            result = verdict.read(Path(file.name), DIGEST)
        except GateRefused:
            return
    if key in ("model_digest", "inputs_digest", "data_digest"):
        assert digest.parse(str(value)) == getattr(result, key)
    else:
        assert key == "reason" or (key, value) in {
            ("schema_version", 2),
            *(("outcome", word) for word in verdict.PASSES),
        }
