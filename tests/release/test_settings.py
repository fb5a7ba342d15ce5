"""settings.yaml: one place, typed, and refused as a whole when one value is not usable."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artifact.errors import ConfigurationError
from release import settings
from release.commands.configure import dvc_url
from release.settings import Settings
from tests.release.conftest import ROOT

FIELDS = [item.name for item in dataclasses.fields(Settings)]
OWN = {
    "bucket": ["my-bucket.eu", "a2b"],
    "prefix": ["models", "a/b_c/d.e"],
    "region": ["us-gov-east-1", "auto"],
    "registry": ["ghcr.io/me/predictor", "localhost:5000/p", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/b__c"],
    "initializer_image": [f"ghcr.io/me/predictor@sha256:{'1' * 64}"],
    "domain": ["models.example.org", "svc.cluster.local"],
    "host_form": ["name.namespace", "name-namespace"],
    "certificate_arn": ["", "arn:aws:acm:eu-west-1:123456789012:certificate/0f-1"],
    "gitops_remote": [
        "",
        "https://github.com/me/x.git",
        "git@github.com:me/x.git",
        "ssh://git@host:22/x",
        "/srv/x.git",
    ],
    "gitops_branch": ["main", "release/eu-1"],
    "production_remote": ["", "https://github.com/me/production.git"],
    "production_branch": ["main", "production"],
    "gitops_path": ["gitops", "clusters/eu-1", ".gitops"],
    "gitops_url": ["https://github.com/me/x", "http://127.0.0.1:3000/a/b.git"],
    "production_url": ["https://github.com/me/production"],
    "github_repository": ["acme/ml", "a-b/c_d.e"],
    "github_repository_id": ["0", "1234567890"],
    "github_owner_id": ["42"],
    "github_branch": ["main", "trunk"],
    "image_role_arn": ["arn:aws:iam::123456789012:role/image"],
    "train_role_arn": ["arn:aws:iam::123456789012:role/train"],
    "publish_role_arn": ["arn:aws:iam::123456789012:role/publish"],
    "release_role_arn": ["arn:aws:iam::123456789012:role/release"],
    "serving_role_arn": ["arn:aws:iam::123456789012:role/path/name+x", "arn:aws-us-gov:iam::123456789012:role/a"],
    "cluster_issuer": [
        "oidc.eks.eu-west-1.amazonaws.com/id/0AF",
        "issuer.example.com",
        "staging=a.example.com/id/A,production=b.example.com",
    ],
    "shipper_image": ["", f"localhost:5000/p@sha256:{'1' * 64}"],
    "kms_key_arn": ["", "arn:aws:kms:eu-west-1:123456789012:key/0f-1"],
}
BAD = {
    "bucket": ["", "My", "a", "a..b", "a_b", "-ab", "s3://b", "a/b", "b\n"],
    "prefix": ["", "/a", "a/", "a//b", "..", "a/../b", "a b", "a/."],
    "region": ["", "eu west", "EU-WEST-1", "$(id)", "eu-west-1\n"],
    "registry": [
        "",
        "predictor",
        "ghcr.io/me/p:latest",
        f"ghcr.io/p@sha256:{'1' * 64}",
        "https://ghcr.io/p",
        "ghcr.io/P",
    ],
    "initializer_image": ["", "ghcr.io/me/predictor", "ghcr.io/me/predictor:1", f"p@sha256:{'1' * 63}"],
    "domain": ["", "models", "a..b", "*.example.com", "https://a.b"],
    "host_form": ["", "namespace.name"],
    "certificate_arn": ["arn:aws:acm:eu-west-1:1:certificate/x", "my-certificate"],
    "gitops_remote": ["x", "ext::sh -c id", "--upload-pack=x", "https://me:token@github.com/x.git", "https://h/x?t=1"],
    "gitops_branch": ["", "-x", "a..b", "a b", "refs/", "x.lock", "a//b", "/a", "a.", "a@{1}", "a:b"],
    "production_remote": ["x", "https://me:token@github.com/x.git"],
    "production_branch": ["", "a..b"],
    "gitops_path": ["", "-x", "..", "a/../b", "/a", "a/", "a//b", "a b", ".git", "a\n"],
    "gitops_url": ["", "x", "https://token@github.com/x"],
    "production_url": ["", "https://token@github.com/x"],
    "github_repository": ["", "acme", "acme/ml/x", "https://github.com/acme/ml", "-a/b"],
    "github_repository_id": ["", "x", "-1"],
    "github_owner_id": ["1.5"],
    "github_branch": ["", "a..b"],
    "image_role_arn": ["arn:aws:iam::123456789012:role/x y"],
    "train_role_arn": [""],
    "publish_role_arn": ["role"],
    "release_role_arn": ["arn:aws:iam::123456789012:user/x"],
    "serving_role_arn": ["", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:user/x", "role"],
    "cluster_issuer": ["", "https://issuer.example.com", "a b", "staging=a.example.com", "a=b,c"],
    "shipper_image": ["r.example.com/p:latest", f"r.example.com/p@sha256:{'1' * 63}", "p q@sha256:1"],
    "kms_key_arn": ["alias/mine", "arn:aws:kms:eu-west-1:1:key/x"],
}


def test_every_setting_is_tried() -> None:
    """The tables below name each setting."""
    assert FIELDS == list(OWN) == list(BAD)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OWN.items() for value in values])
def test_own_values_survive(name: str, value: str) -> None:
    """A usable value comes back from the file as it is."""
    chosen = dataclasses.replace(Settings(), **{name: value})
    assert settings.parse(settings.render(chosen)) == chosen


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_bad_values_are_refused(name: str, value: str) -> None:
    """An unusable value is refused with 10, naming setting and value."""
    with pytest.raises(ConfigurationError) as refused:
        dataclasses.replace(Settings(), **{name: value})
    assert f"{settings.key(name)} = {value!r}" in str(refused.value)


@pytest.mark.parametrize("name", FIELDS)
@given(value=st.text())
def test_any_text_is_a_value_or_refused(name: str, value: str) -> None:
    """Whatever text stands for a setting is either refused or comes back from the file as it is."""
    try:
        chosen = dataclasses.replace(Settings(), **{name: value})
    except ConfigurationError:
        return
    assert settings.parse(settings.render(chosen)) == chosen


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('  region: "eu-west-1"\n', ""),
        lambda text: text + '  surprise: "x"\n',
        lambda text: text + '  bucket: "again"\n',
        lambda text: text.replace('"eu-west-1"', "1"),
        lambda text: text.replace("data:", "data: []\ninfo:"),
        lambda text: "[]",
        lambda text: "a: [",
    ],
)
def test_other_shapes_are_refused(change: object) -> None:
    """A missing, unknown, repeated or untyped key, and what is no mapping, are refused with 10, naming the file."""
    with pytest.raises(ConfigurationError, match=r"settings\.yaml"):
        settings.parse(change(settings.render(Settings())))  # type: ignore[operator]


def test_a_file_of_an_earlier_version_is_brought_up_to_date() -> None:
    """Keys that came later have their defaults, those that went are left out; read as it is, it names the remedy."""
    text = settings.render(Settings(bucket="mine"))
    earlier = re.sub(r"  # .*\n  kms-key-arn: .*\n", "", text) + '  ci-role-arn: "arn:aws:iam::123456789012:role/ci"\n'
    assert settings.parse(earlier, older=True) == Settings(bucket="mine")
    with pytest.raises(ConfigurationError, match="make configure"):
        settings.parse(earlier)


def test_missing_file_names_the_remedy(tmp_path: Path) -> None:
    """Outside the repository's root: 10, with what to do."""
    with pytest.raises(ConfigurationError, match="release configure"):
        settings.read(tmp_path)


def test_shipped_settings_are_as_written() -> None:
    """The file in the tree is, byte for byte, what configure writes, and a ConfigMap that is never applied."""
    text = (ROOT / settings.PATH).read_text()
    assert text == settings.render(settings.parse(text))
    head = yaml.safe_load(text)
    assert (head["kind"], head["metadata"]["name"]) == ("ConfigMap", "settings")
    assert head["metadata"]["annotations"] == {"config.kubernetes.io/local-config": "true"}


def test_dvc_remote_follows_the_settings() -> None:
    """The DVC remote in the tree is in the settings' bucket and region, and verifies."""
    chosen = settings.read(ROOT)
    lines = [line.strip() for line in (ROOT / ".dvc/config").read_text().splitlines()]
    assert f"url = {dvc_url(chosen)}" in lines
    assert f"region = {chosen.region}" in lines
    assert "verify = true" in lines
