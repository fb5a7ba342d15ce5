"""`release doctor` on planted faults.

The bucket with faults is the embedded S3's; the one whose policy refuses, which that S3 does not enforce for its
administrator, is a server that answers as S3 does. GitHub is played for the real gh; aws, kubectl, helm and eksctl are
programs that print what a file says, since neither AWS nor a cluster is here.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from release import settings
from release.aws import trust
from release.commands import doctor
from release.settings import Settings
from tests.conftest import Bucket
from tests.release.conftest import ROOT, Repository, git
from tests.release.github import REPOSITORY, GitHub
from tests.release.test_evidence import Door
from tests.release.test_protection import FILES

ACCOUNT = "999900001111"
_PROGRAM = """#!/bin/sh
file="$ANSWERS/$(echo "$(basename "$0") $*" | tr / _)"
cat "$file" 2>/dev/null || { echo "no answer to $*" >&2; exit 1; }
"""
_ROLES = {
    f"{role}_role_arn": f"arn:aws:iam::{ACCOUNT}:role/modelpin-{role}" for role in (*doctor.account.ROLES, "serving")
}
OWN = Settings(
    bucket="acme-models",
    registry=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/modelpin/predictor",
    domain="ml.acme.org",
    gitops_url="https://github.com/acme/ml.git",
    production_url="https://github.com/acme/ml.git",
    github_repository=REPOSITORY,
    github_repository_id="1234",
    github_owner_id="56",
    cluster_issuer="oidc.eks.eu-west-1.amazonaws.com/id/0AF",
    **{
        f"{role}_role_arn": f"arn:aws:iam::{ACCOUNT}:role/modelpin-{role}"
        for role in (*doctor.account.ROLES, "serving")
    },
)


@dataclasses.dataclass(frozen=True)
class World:
    """A repository, and what the programs say: `answers` has a file for each command line."""

    repository: Repository
    answers: Path
    github: GitHub

    def says(self, command: str, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        (self.answers / command.replace("/", "_")).write_text(text)

    def settings(self, **changes: str) -> None:
        file = self.repository.folder / settings.PATH
        file.write_text(settings.render(dataclasses.replace(OWN, **changes)))


def policed(path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
    """S3 with the policy of gitops/aws/bucket.json, whose probe is there already."""
    if "versioning" in path:
        return 200, {}, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    if headers.get("If-None-Match"):
        return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
    return (200, {}, b"") if path == "/acme-models" else (403, {}, b"<Error><Code>AccessDenied</Code></Error>")


@pytest.fixture
def world(plain: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """All is as it should be."""
    answers, programs = tmp_path / "answers", tmp_path / "programs"
    answers.mkdir()
    programs.mkdir()
    for name in ("aws", "kubectl", "helm", "eksctl"):
        (programs / name).write_text(_PROGRAM)
        (programs / name).chmod(0o755)
    for name in FILES:
        file = plain.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((ROOT / name).read_text().replace("@example/modelpin-owners", "@acme/ml"))
    versions = plain.folder / doctor.cluster.VERSIONS
    versions.parent.mkdir(parents=True)
    versions.write_text((ROOT / doctor.cluster.VERSIONS).read_text())
    with GitHub() as github, Door(policed) as door:
        for name, value in {**github.env, "ANSWERS": str(answers), **_S3}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{door.server_port}")
        monkeypatch.setenv("PATH", f"{programs}:{github.env['PATH']}")
        world = World(plain, answers, github)
        world.settings()
        _healthy(world)
        yield world


_S3 = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "no_proxy": "127.0.0.1"}


def _healthy(world: World) -> None:
    world.says("aws --version", "aws-cli/2.31.0 Python/3.13.7")
    world.says("kubectl version --client", "Client Version: v1.34.1")
    world.says("helm version --short", "v4.0.1")
    world.says("eksctl version", "0.215.0")
    world.says("aws sts get-caller-identity --output json", {"Account": ACCOUNT})
    for role in doctor.account.ROLES:
        document = {"Role": {"AssumeRolePolicyDocument": trust.jobs(OWN, role)}}
        world.says(f"aws iam get-role --role-name modelpin-{role} --output json", document)
    world.says(_ECR, {"repositories": [{"imageTagMutability": "IMMUTABLE"}]})
    world.says("kubectl version --output json", {"serverVersion": {"gitVersion": "v1.34.1-eks-1"}})
    kinds = [{"metadata": {"name": name}} for name in doctor.cluster.KINDS]
    world.says("kubectl get customresourcedefinitions --output json", {"items": kinds})
    labels = {"app.kubernetes.io/part-of": "argocd"}
    world.says(_ARGOCD, {"metadata": {"labels": labels}, "data": {doctor.cluster.HEALTH: "-- lua"}})
    world.says(_DOMAIN, {"data": {"ml.acme.org": ""}})
    profile = {"seccompProfile": {"type": "RuntimeDefault"}}
    world.says(_STORAGE, {"spec": {"container": {"securityContext": profile}}})
    world.says(_NODES, {"items": [{"status": {"nodeInfo": {"architecture": "amd64"}}}]})


_ECR = "aws ecr describe-repositories --repository-names modelpin/predictor --region eu-west-1 --output json"
_ARGOCD = "kubectl get configmap argocd-cm --namespace argocd --output json"
_DOMAIN = "kubectl get configmap config-domain --namespace knative-serving --output json"
_STORAGE = "kubectl get clusterstoragecontainer default --output json"
_NODES = "kubectl get nodes --output json"


@pytest.mark.story
def test_nothing_is_wrong(world: World) -> None:
    """Every part is ok, and the exit code is 0."""
    assert world.repository.release("github", "--apply").code == 0
    done = world.repository.release("doctor")
    assert (done.code, done.err) == (0, ""), done.out
    lines = done.out.splitlines()
    assert {line.split()[0] for line in lines} == {"ok"}
    assert {line.split()[1] for line in lines} >= {
        "tools",
        "settings",
        "git",
        "bucket",
        "aws",
        "trust",
        "images",
        "rules",
    }


def old_subject(world: World) -> None:
    """The trust of a role as it was before tokens had numbers."""
    document = trust.jobs(dataclasses.replace(OWN, github_repository_id="0"), "release")
    role = {"Role": {"AssumeRolePolicyDocument": document}}
    world.says("aws iam get-role --role-name modelpin-release --output json", role)


def log_requests(world: World) -> None:
    """An environment with the component of the inference log."""
    file = world.repository.folder / "gitops/models/iris/staging/kustomization.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("components:\n  - ../../../components/inference-log\n")


Plant = Callable[[World], object]
FAULTS: dict[str, tuple[str, Plant, int, str, str]] = {
    "a tool is too old": (
        "tools", lambda w: w.says("helm version --short", "v3.2.0"), 10,
        "helm is 3.2.0", "install helm 3.8 or newer",
    ),
    "a tool is missing": (
        "tools", lambda w: (w.answers.parent / "programs/eksctl").unlink(), 10,
        "eksctl is not installed", "https://eksctl.io",
    ),
    "a setting is as it came": (
        "settings", lambda w: w.settings(registry=Settings().registry), 10,
        "still as they came: registry", "make configure REGISTRY=…",
    ),
    "a component without its image": (
        "settings", log_requests, 10,
        "still as they came: shipper-image", "make configure SHIPPER_IMAGE=…",
    ),
    "a branch that is not there": (
        "settings", lambda w: w.settings(production_branch="live"), 50,
        "(branch live) refused", "push the branch",
    ),
    "no remote": (
        "settings", lambda w: git(w.repository.folder, "remote", "remove", "origin"), 10,
        "has no remote `origin`", "name the remote of the releases",
    ),
    "no credentials": (
        "aws", lambda w: (w.answers / "aws sts get-caller-identity --output json").unlink(), 10,
        "no credentials", "aws sso login",
    ),
    "another account": (
        "aws", lambda w: w.says("aws sts get-caller-identity --output json", {"Account": "222233334444"}), 10,
        f"of account 222233334444, the roles of {ACCOUNT}", "set AWS_PROFILE",
    ),
    "trust without the numbers": (
        "aws", old_subject, 10,
        "modelpin-release trusts others than gitops/aws/release-trust.json says", "make aws",
    ),
    "tags can be pushed twice": (
        "aws", lambda w: w.says(_ECR, {"repositories": [{"imageTagMutability": "MUTABLE"}]}), 10,
        "lets a tag be pushed twice", "put-image-tag-mutability",
    ),
    "a repository that was made anew": (
        "github", lambda w: w.github.objects[f"repos/{REPOSITORY}"].update(id=99), 10,
        "settings.yaml has other numbers", f"make configure GITHUB_REPOSITORY={REPOSITORY}",
    ),
    "Kubernetes is too old": (
        "cluster", lambda w: w.says("kubectl version --output json", {"serverVersion": {"gitVersion": "v1.32.9"}}), 10,
        "Kubernetes is v1.32.9", "upgrade it to 1.33",
    ),
    "no cluster": (
        "cluster", lambda w: (w.answers / "kubectl version --output json").unlink(), 30,
        "no cluster answers", "aws eks update-kubeconfig",
    ),
    "argocd-cm without its label": (
        "cluster", lambda w: w.says(_ARGOCD, {"metadata": {}, "data": {}}), 10,
        "argocd-cm lost the label", "--field-manager=modelpin",
    ),
    "another domain": (
        "cluster", lambda w: w.says(_DOMAIN, {"data": {"example.com": ""}}), 10,
        "serves under example.com, not under ml.acme.org", "make configure DOMAIN=…",
    ),
    "hosts of another form": (
        "cluster", lambda w: w.settings(host_form="name-namespace"), 10,
        "settings.yaml says name-namespace", "make configure HOST_FORM=…",
    ),
    "no seccomp profile": (
        "cluster", lambda w: w.says(_STORAGE, {}), 10,
        "the storage initializer has no seccomp profile", "helm upgrade kserve",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "plant", "code", "says", "remedy"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_named_with_its_remedy(
    world: World, part: str, plant: Plant, code: int, says: str, remedy: str
) -> None:
    """One fault, in one line with what to do, and the exit code of its kind."""
    plant(world)
    done = world.repository.release("doctor", part)
    assert done.code == code, done.out
    (line,) = [line for line in done.out.splitlines() if line.startswith("fault")]
    assert says in line
    assert remedy in line
    assert done.err.startswith("error: 1 fault, the first: ")


def test_the_bucket_of_an_s3_that_lets_objects_be_replaced(
    s3: Bucket, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without versions and without the policy: each is a fault; the second conditional put is refused all the same."""
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    world.settings(bucket=s3.name)
    done = world.repository.release("doctor", "bucket")
    assert done.code == 10
    faults = [line for line in done.out.splitlines() if line.startswith("fault")]
    assert [
        text for text in ("keeps no versions", "a put without If-None-Match", "a delete") if text in " ".join(faults)
    ]
    assert len(faults) == 3
    assert "a second put with If-None-Match is refused" in done.out
    s3.client.put_bucket_versioning(Bucket=s3.name, VersioningConfiguration={"Status": "Enabled"})
    assert "keeps versions" in world.repository.release("doctor", "bucket").out
    world.settings(bucket="not-there")
    done = world.repository.release("doctor", "bucket")
    assert done.code == 30
    assert "not-there is not there" in done.err


@pytest.mark.story
def test_the_simple_mode_is_a_warning(world: World) -> None:
    """A repository without protection works, and the doctor says what that means."""
    done = world.repository.release("doctor", "github")
    assert done.code == 0
    assert "warning  rules" in done.out
    assert "make github APPLY=1" in done.out


def test_a_part_that_is_none_is_a_usage_error(world: World) -> None:
    """The exit code is 2 and the parts are listed; --json is for programs."""
    assert world.repository.release("doctor", "luck").code == 2
    content = json.loads(world.repository.release("doctor", "tools", "--json").out)
    assert {finding["level"] for finding in content} == {"ok"}
