"""What each role may do in AWS: the table of docs/trust.md, which the tests ask the policies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from release.aws import policies, trust
from release.aws.policies import Document
from release.gitops.folder import Folder
from release.settings import Settings

SETTINGS = Settings(
    bucket="modelpin",
    registry="111122223333.dkr.ecr.eu-west-1.amazonaws.com/modelpin/predictor",
    github_repository="acme/ml",
    github_repository_id="1234",
    github_owner_id="56",
)
KEY = "arn:aws:kms:eu-west-1:111122223333:key/0f0f"
ENCRYPTED = dataclasses.replace(SETTINGS, kms_key_arn=KEY)
ROLES = ("image", "train", "publish", "release", "serving")
ARTIFACT = "models/iris/sha256-1/manifest.json"


@dataclass(frozen=True)
class Act:
    """One request: `name` of the row in the table, who may make it."""

    name: str
    action: str
    resource: str
    allowed: frozenset[str]
    context: Mapping[str, str] = field(default_factory=dict)


def _object(name: str, action: str, key: str, allowed: set[str], **context: str) -> Act:
    return Act(name, f"s3:{action}", f"arn:aws:s3:::modelpin/{key}", frozenset(allowed), context)


_NEW = {"s3:ObjectCreationOperation": "true"}
_REPOSITORY = "arn:aws:ecr:eu-west-1:111122223333:repository/modelpin/predictor"
OBJECTS = (
    _object("read the data", "GetObject", "dvc/files/md5/ab/cd", {"train"}),
    _object("change the data", "PutObject", "dvc/files/md5/ab/cd", set(), **_NEW),
    _object("read an artifact", "GetObject", ARTIFACT, {"train", "publish", "release", "serving"}),
    _object("read another model's artifact", "GetObject", "models/houses/sha256-1/x", {"train", "publish", "release"}),
    _object("create an artifact", "PutObject", ARTIFACT, {"publish"}, **_NEW, **{"s3:if-none-match": "*"}),
    _object("overwrite an artifact", "PutObject", ARTIFACT, set(), **_NEW),
    _object("delete an artifact", "DeleteObject", ARTIFACT, set()),
    _object("delete an artifact's version", "DeleteObjectVersion", ARTIFACT, set()),
)
OTHERS = (
    Act("change the bucket's policy", "s3:PutBucketPolicy", "arn:aws:s3:::modelpin", frozenset()),
    Act("push the image", "ecr:PutImage", _REPOSITORY, frozenset({"image"})),
    Act("push another image", "ecr:PutImage", _REPOSITORY + "-of-others", frozenset()),
    Act("delete an image", "ecr:BatchDeleteImage", _REPOSITORY, frozenset()),
)
_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
KEYS = (
    Act("decrypt, through S3", "kms:Decrypt", KEY, frozenset(ROLES) - {"image"}, _S3),
    Act("encrypt, through S3", "kms:GenerateDataKey", KEY, frozenset({"publish"}), _S3),
    Act("decrypt elsewhere", "kms:Decrypt", KEY, frozenset()),
)


def policy(role: str, settings: Settings) -> Document:
    """The policy of a role; that of the role `serving` is of the model iris, in production."""
    if role == "serving":
        return policies.serving(settings, Folder("iris", "production"))
    document: Document = getattr(policies, role)(settings)
    return document


def claims(context: str, *, numbers: bool, **changes: str) -> dict[str, str]:
    """The claims of a token that GitHub gives a job in `context`, in the form with numbers or without."""
    name = "acme@56/ml@1234" if numbers else "acme/ml"
    return {
        "iss": f"https://{trust.GITHUB}",
        "aud": trust.AUDIENCE,
        "sub": f"repo:{name}:{context}",
        "ref": "refs/heads/main",
        "repository_id": "1234",
        **changes,
    }
