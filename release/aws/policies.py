"""What each role may do, and what nobody may do to the bucket: IAM policy documents, made from the settings.

One role a job, so that a stolen credential does one thing. Statements that S3, ECR or KMS need beyond the obvious one
have the reason beside them.
"""

from __future__ import annotations

import re
from typing import Any

from release.gitops.folder import Folder
from release.settings import Settings

Document = dict[str, Any]
Statement = dict[str, Any]
INFERENCE = "inference"  # first part of the key of every file of the inference log: inference/<namespace>/

# What a push of an image takes, and a look whether the registry has it already.
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(.+)")


def partition(settings: Settings) -> str:
    """`aws`, or the partition of China or of the US government that the roles are in."""
    return settings.image_role_arn.split(":")[1]


def account(settings: Settings) -> str:
    """The account of the roles, 12 digits."""
    return settings.image_role_arn.split(":")[4]


def image(settings: Settings) -> Document:
    """Push the predictor's image, and nothing else."""
    return _document(
        _allow("LogInToTheRegistry", ["ecr:GetAuthorizationToken"], "*"),  # ECR knows no resource for it
        _allow("FindAndPushTheImage", list(_PUSH), _repository(settings)),
    )


def train(settings: Settings) -> Document:
    """Read the data, and the champion that the gate compares with: user code runs beside these credentials."""
    return _document(_list(settings), _read(settings, "dvc", settings.prefix), *_decrypt(settings))


def publish(settings: Settings) -> Document:
    """Create artifacts, and read them, to see that a rerun finds its own bytes."""
    create = _allow("CreateArtifacts", ["s3:PutObject"], _objects(settings, settings.prefix))
    create["Condition"] = {"StringEquals": {"s3:if-none-match": "*"}}
    return _document(
        _list(settings), _read(settings, settings.prefix), create, *_decrypt(settings, "kms:GenerateDataKey")
    )


def release(settings: Settings) -> Document:
    """Read artifacts: whether one is complete, and its golden requests. And the inference log, where there is one, to
    ask a candidate the same."""
    log = [INFERENCE] if settings.shipper_image else []
    return _document(_list(settings), _read(settings, settings.prefix, *log), *_decrypt(settings))


def serving(settings: Settings, folder: Folder) -> Document:
    """Read the artifacts of the model and of no other; write the inference log of the namespace, where there is one."""
    listed = _list(settings)
    listed["Condition"] = {"StringLike": {"s3:prefix": f"{settings.prefix}/{folder.model}/*"}}
    read = _read(settings, f"{settings.prefix}/{folder.model}")
    if not settings.shipper_image:
        return _document(listed, read, *_decrypt(settings))
    # A repeat replaces what it wrote: no If-None-Match here.
    log = _allow("WriteTheInferenceLog", ["s3:PutObject"], _objects(settings, f"{INFERENCE}/{folder.namespace}"))
    return _document(listed, read, log, *_decrypt(settings, "kms:GenerateDataKey"))


def bucket(settings: Settings) -> Document:
    """The bucket's own policy, for everybody, administrators included: an artifact is created once, and stays.

    If-None-Match alone would not do: what is deleted first can be put again. ObjectCreationOperation leaves out the
    parts of an upload, which carry no such header; the request that completes it does.
    """
    artifacts = _objects(settings, settings.prefix)
    once = _deny("ArtifactsAreCreatedOnce", ["s3:PutObject"], artifacts)
    once["Condition"] = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    stay = _deny("ArtifactsStay", ["s3:DeleteObject", "s3:DeleteObjectVersion"], artifacts)
    tls = _deny("TlsOnly", ["s3:*"], [_bucket(settings), f"{_bucket(settings)}/*"])
    tls["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    return _document(once, stay, tls)


def _list(settings: Settings) -> Statement:
    # Without it S3 answers 403 and not 404 for an object that is not there.
    return _allow("AskWhatIsThere", ["s3:ListBucket"], _bucket(settings))


def _read(settings: Settings, *prefixes: str) -> Statement:
    return _allow("Read", ["s3:GetObject"], [_objects(settings, prefix) for prefix in prefixes])


def _decrypt(settings: Settings, *more: str) -> list[Statement]:
    """For a bucket with a KMS key of its own: a reader has to decrypt, a writer needs data keys, both through S3."""
    if not settings.kms_key_arn:
        return []
    statement = _allow("UseTheBucketsKey", ["kms:Decrypt", *more], settings.kms_key_arn)
    region = settings.kms_key_arn.split(":")[3]
    statement["Condition"] = {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
    return [statement]


def _repository(settings: Settings) -> str:
    """ARN of the image repository; of one of its name in this account where the registry is not ECR."""
    match = _ECR.fullmatch(settings.registry)
    parts = match.groups() if match else (account(settings), settings.region, settings.registry.partition("/")[2])
    owner, region, name = parts
    return f"arn:{partition(settings)}:ecr:{region}:{owner}:repository/{name}"


def _bucket(settings: Settings) -> str:
    return f"arn:{partition(settings)}:s3:::{settings.bucket}"


def _objects(settings: Settings, prefix: str) -> str:
    return f"{_bucket(settings)}/{prefix}/*"


def _document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resource: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _deny(sid: str, actions: list[str], resource: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resource}
