"""The same policies on a server that enforces them: the embedded S3's own IAM.

It knows no `s3:if-none-match`. In a bucket's policy it knows other headers, for who has keys of their own: there the
condition is called after a header that the requests carry beside If-None-Match, and an administrator asks. For who
assumed a role it knows no header at all: their rows are asked with the rest of the policies, and that the publisher's
role overwrites nothing is the evaluator's and the administrator's to show. ECR and KMS are not S3: the evaluator's too.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.s3 import S3
from release.aws import files, policies, trust
from release.gitops.folder import Folder
from tests.release.aws.evaluator import trusts
from tests.release.aws.issuer import Issuer, client, credentials
from tests.release.aws.matrix import OBJECTS, ROLES, SETTINGS, Act, claims, policy
from tests.release.aws.test_policies import CONTEXTS

GUARDED = dataclasses.replace(SETTINGS, bucket="guarded")


@dataclass(frozen=True)
class Aws:
    """The server, who issues its tokens, and a client of each role."""

    server: S3
    issuer: Issuer
    roles: dict[str, Any]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The bucket with its policy and an artifact of two models; who holds the platform's keys is its administrator."""
    folder = tmp_path_factory.mktemp("aws")
    documents = {role: (_without_header(policy(role, SETTINGS)), _trust(role)) for role in ROLES}
    with (
        Issuer() as issuer,
        S3(folder, buckets=("modelpin", GUARDED.bucket), iam=issuer.config(documents, folder)) as server,
    ):
        administrator = server.client()
        for bucket, act in itertools.product(("modelpin", GUARDED.bucket), OBJECTS):
            administrator.put_object(Bucket=bucket, Key=_key(act), Body=b"first")
        once, stay, _ = policies.bucket(GUARDED)["Statement"]
        once = {**once, "Condition": {"Null": {"s3:x-amz-meta-once": "true"}}}
        for bucket, statements in (
            (GUARDED.bucket, [once, stay]),
            ("modelpin", policies.bucket(SETTINGS)["Statement"][1:2]),
        ):
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            administrator.put_bucket_policy(Bucket=bucket, Policy=document)
        jobs = {"image": CONTEXTS[0], "train": CONTEXTS[6], "publish": CONTEXTS[1], "release": CONTEXTS[3]}
        tokens = {role: claims(context, numbers=True) for role, context in jobs.items()}
        tokens["serving"] = {"aud": "sts.amazonaws.com", "sub": "system:serviceaccount:iris-staging:predictor"}
        yield Aws(server, issuer, {role: client(server, role, issuer.token(token)) for role, token in tokens.items()})


def _trust(role: str) -> dict[str, Any]:
    return trust.pods(SETTINGS, Folder("iris", "staging")) if role == "serving" else trust.jobs(SETTINGS, role)


def _without_header(document: dict[str, Any]) -> dict[str, Any]:
    rest = [
        {name: value for name, value in statement.items() if "if-none-match" not in json.dumps(value)}
        for statement in document["Statement"]
    ]
    return {**document, "Statement": rest}


def _key(act: Act) -> str:
    return act.resource.removeprefix("arn:aws:s3:::modelpin/")


def _refused(client: Any, act: Act, bucket: str = "modelpin") -> str | None:
    """The code with which the server refuses `act`, None when it does it."""
    target = {"Bucket": bucket, "Key": _key(act)}
    try:
        if act.action == "s3:GetObject":
            client.get_object(**target)
        elif act.action == "s3:PutObject" and "s3:if-none-match" in act.context:
            client.put_object(**target, Body=b"second", IfNoneMatch="*", Metadata={"once": "*"})
        elif act.action == "s3:PutObject":
            client.put_object(**target, Body=b"second")
        else:
            client.delete_object(**target, **({"VersionId": "null"} if act.action.endswith("Version") else {}))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@pytest.mark.parametrize("act", OBJECTS, ids=lambda act: act.name)
def test_the_server_decides_as_the_table_says(aws: Aws, act: Act) -> None:
    """Each row that is about objects, asked by each role; what is refused leaves the first bytes."""
    for role in ROLES:
        if (role, act.name) == ("publish", "overwrite an artifact"):
            continue  # refused for want of a header, see above
        attempt = act
        if role in act.allowed and act.action == "s3:PutObject":  # a new object: there is one at the table's key
            assert _refused(aws.roles[role], act) == "PreconditionFailed"
            attempt = dataclasses.replace(act, resource=f"{act.resource}-of-{role}")
        assert _refused(aws.roles[role], attempt) == (None if role in act.allowed else "AccessDenied"), role
    stored = aws.server.client().get_object(Bucket="modelpin", Key=_key(act))
    assert stored["Body"].read() == b"first"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("overwrite an artifact", "AccessDenied"),
        ("delete an artifact", "AccessDenied"),
        ("delete an artifact's version", "AccessDenied"),
        ("create an artifact", "PreconditionFailed"),  # it is there
        ("read an artifact", None),
        ("change the data", None),
    ],
)
def test_an_administrator_neither_overwrites_nor_deletes(aws: Aws, name: str, code: str | None) -> None:
    """The bucket's policy holds for the keys that may do everything; an artifact keeps its first bytes."""
    (act,) = [act for act in OBJECTS if act.name == name]
    assert _refused(aws.server.client(), act, GUARDED.bucket) == code
    if name.endswith("artifact"):
        stored = aws.server.client().get_object(Bucket=GUARDED.bucket, Key=_key(act))
        assert stored["Body"].read() == b"first"


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_job_assumes_its_own_role_alone(aws: Aws, context: str) -> None:
    """The server's own evaluation of the trust policies agrees with the evaluator's, role by role."""
    for role in files.ROLES:
        token = claims(context, numbers=True)
        if trusts(trust.jobs(SETTINGS, role), token):
            assert credentials(aws.server, role, aws.issuer.token(token))
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                credentials(aws.server, role, aws.issuer.token(token))


def test_a_writers_branch_gets_nothing(aws: Aws) -> None:
    """A workflow that a writer pushes to a branch of their own names the environment in vain."""
    token = claims("environment:publish", numbers=False, ref="refs/heads/mine")
    with pytest.raises(ClientError, match="AccessDenied"):
        credentials(aws.server, "publish", aws.issuer.token(token))
