"""Each option in the blocks of docs/to-your-cluster against the tool that is called.

kubectl and gh read their own commands, with `--help` after them: an unknown option is refused, nothing is done. The
aws tool takes its options from botocore's models. helm, eksctl and argocd are in no package that the tests install: a
table names their options, with the page of their documentation that it was read from.
"""

import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from tests.docs.test_to_your_cluster import BLOCKS, TEXT

TOOLS = ("argocd", "aws", "eksctl", "gh", "helm", "kubectl")
# https://docs.aws.amazon.com/cli/latest/reference/#options: of every command.
AWS = {"--region", "--query", "--output"}
# Commands that the aws tool adds to the API, and their options: https://docs.aws.amazon.com/cli/latest/reference/
AWS_OWN = {("eks", "update-kubeconfig"): {"--name", "--region"}}
# Command → options. https://helm.sh/docs/helm/helm_upgrade, …/helm_uninstall;
# https://github.com/eksctl-io/eksctl, pkg/ctl/utils/associate_iam_oidc_provider.go;
# https://argo-cd.readthedocs.io/en/stable/user-guide/commands/argocd_cluster_add/
TABLE = {
    ("argocd", "cluster", "add"): {"--in-cluster", "--label", "--name"},
    ("helm", "upgrade"): {"--create-namespace", "--install", "--namespace", "--set", "--version", "--wait"},
    ("helm", "uninstall"): {"--namespace"},
    ("eksctl", "utils", "associate-iam-oidc-provider"): {"--approve", "--cluster", "--region"},
}


def commands(block: str) -> list[list[str]]:
    """Each call of one of TOOLS in a block of shell, as words; a command inside another one comes first."""
    text = re.sub(r"<<EOF\n.*?\nEOF\n", "\n", block, flags=re.S)
    text = re.sub(r"(^|\s)#.*$", r"\1", text, flags=re.M).replace("\\\n", " ")
    calls = []
    while inner := re.search(r"\$\(([^()]*)\)", text):
        calls += _calls(inner[1])
        text = text.replace(inner[0], "VALUE")
    return calls + _calls(text)


def _calls(text: str) -> list[list[str]]:
    words = shlex.shlex(text, posix=True, punctuation_chars=";|&<>()\n")
    words.whitespace, words.whitespace_split, words.commenters = " \t", True, ""
    calls: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set(";|&<>()\n") or word == "do":
            calls.append([])
        else:
            calls[-1].append(word)
    return [call for call in calls if call and call[0] in TOOLS]


# A block of `sh` runs as it stands; one of `bash` has a word that the reader replaces.
FENCED = [*BLOCKS, *re.findall(r"^```bash\n(.*?)^```$", TEXT, re.M | re.S)]
CALLS = {tool: [call for block in FENCED for call in commands(block) if call[0] == tool] for tool in TOOLS}


def options(call: list[str]) -> set[str]:
    """The long and short options of a call, without their values."""
    return {word.partition("=")[0] for word in call if re.match(r"--?[a-zA-Z]", word)}


def refusal(program: str, call: list[str]) -> str:
    """What the program says against the options of `call`: nothing when it knows them all."""
    done = subprocess.run([program, *call[1:], "--help"], capture_output=True, text=True)
    return (done.stderr or done.stdout) if done.returncode else ""


@cache
def operation(service: str, command: str) -> set[str] | None:
    """The options of an operation of AWS, None where the service has no such operation."""
    model = botocore.session.get_session().get_service_model(service)
    name = {xform_name(name, "-"): name for name in model.operation_names}.get(command)
    shape = model.operation_model(name).input_shape if name else None
    if name is None:
        return None
    return set() if shape is None else {f"--{xform_name(member, '-')}" for member in shape.members}


def test_commands_are_taken_apart() -> None:
    """Commands within commands, in loops and behind pipes, quotes over lines, remarks and here-documents."""
    block = """export A=$(aws sts get-caller-identity --query 'A | B')   # gh none --no
for one in a b; do
  gh api --method PUT x/$one
done
kubectl apply -f - <<EOF
helm --no
EOF
kubectl patch x -p '{"a": 1,
  "b": 2}' | helm list
"""
    assert commands(block) == [
        ["aws", "sts", "get-caller-identity", "--query", "A | B"],
        ["gh", "api", "--method", "PUT", "x/$one"],
        ["kubectl", "apply", "-f", "-"],
        ["kubectl", "patch", "x", "-p", '{"a": 1,\n  "b": 2}'],
        ["helm", "list"],
    ]
    assert all(CALLS.values())


def test_kubectl_knows_each_option() -> None:
    """Those of the installed kubectl."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("asks kubectl for its options: https://kubernetes.io/docs/tasks/tools/")
    assert refusal(program, ["kubectl", "get", "pods", "--no-such-option"])
    refusals = {" ".join(call): refusal(program, call) for call in CALLS["kubectl"]}
    assert {call: text for call, text in refusals.items() if text} == {}


def test_gh_knows_each_option() -> None:
    """Those of the gh that the tests install."""
    program = str(Path(sys.executable).parent / "gh")
    assert refusal(program, ["gh", "run", "list", "--no-such-option"])
    refusals = {" ".join(call): refusal(program, call) for call in CALLS["gh"]}
    assert {call: text for call, text in refusals.items() if text} == {}


def test_aws_knows_each_option() -> None:
    """Those of botocore's model of the operation."""
    assert operation("s3", "no-such-command") is None
    for call in CALLS["aws"]:
        service, command = call[1].replace("s3api", "s3"), call[2]
        reference = AWS_OWN.get((service, command)) or operation(service, command)
        assert reference is not None, call
        assert options(call) <= reference | AWS, call


@pytest.mark.parametrize("tool", ["argocd", "eksctl", "helm"])
def test_the_table_knows_each_option(tool: str) -> None:
    """Those that their documentation names for the command; no row of the table is of a command that is not called."""
    assert all(any(tuple(call[: len(row)]) == row for call in CALLS[tool]) for row in TABLE if row[0] == tool)
    for call in CALLS[tool]:
        reference = [options for command, options in TABLE.items() if tuple(call[: len(command)]) == command]
        assert reference, call
        assert options(call) <= reference[0], call
