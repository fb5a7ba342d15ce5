"""Whether IAM would allow a request, by the documents in gitops/aws: the part of its rules that these use.

A deny decides; else an allow of the role's own policy; else nothing is allowed. A trust policy is asked the same way,
with the claims of a token as the context. Rules:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. An operator or an element
that is not known here is an error, never a guess. test_embedded_s3.py asks a real server the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


def allows(action: str, resource: str, context: Mapping[str, str], *documents: Document) -> bool:
    """Whether `documents` together allow `action` on `resource`, an ARN, in `context` (condition key → value)."""
    matched = [
        statement["Effect"]
        for document in documents
        for statement in document["Statement"]
        if _matches(statement, action, resource, context)
    ]
    return "Deny" not in matched and "Allow" in matched


def trusts(trust: Document, claims: Mapping[str, str]) -> bool:
    """Whether a token with `claims`, `iss` among them, may assume the role."""
    (statement,) = trust["Statement"]
    issuer = claims["iss"].removeprefix("https://")
    if not statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}"):
        return False
    context = {f"{issuer}:{name}": value for name, value in claims.items()}
    return allows("sts:AssumeRoleWithWebIdentity", "", context, trust)


def _matches(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if unknown := set(statement) - _ELEMENTS:
        raise NotImplementedError(f"the evaluator does not know {unknown}")
    return (
        any(_like(pattern, action) for pattern in _list(statement["Action"]))
        and any(_like(pattern, resource) for pattern in _list(statement.get("Resource", "*")))
        and all(
            _holds(operator, context.get(key), _list(expected))
            for operator, keys in statement.get("Condition", {}).items()
            for key, expected in keys.items()
        )
    )


def _holds(operator: str, value: str | None, expected: list[str]) -> bool:
    match operator:
        case "Null":
            return (value is None) is (expected == ["true"])
        case "StringEquals" | "Bool":
            return value in expected
        case "StringLike":
            return value is not None and any(_like(pattern, value) for pattern in expected)
    raise NotImplementedError(f"the evaluator does not know {operator}")


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.S) is not None


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
