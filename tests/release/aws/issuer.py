"""An issuer of tokens on loopback, as GitHub's and a cluster's are, and a server that trusts it by our policies.

GitHub and AWS STS cannot run here. SeaweedFS has their part of it: it verifies a token's signature by the issuer's
keys, evaluates the role's trust policy and its policy, and gives credentials that end. Its words differ, and only they
are translated: a claim is `oidc:sub` and not `<issuer>:sub`, an issuer is named and not an ARN.
"""

import base64
import http.server
import json
import secrets
import threading
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import rsa

from local.s3 import REGION, S3

_NAME = "issuer"
ACCOUNT = "111122223333"


class Issuer:
    """Signs tokens, and shows the key that verifies them."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = json.dumps({"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(keys)))
                self.end_headers()
                self.wfile.write(keys)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def token(self, claims: dict[str, str]) -> str:
        """A token with `claims`, whoever they say issued it, that holds for five minutes."""
        own = {**claims, "iss": self.url, "iat": int(time.time()), "exp": int(time.time()) + 300}
        return jwt.encode(own, self._key, algorithm="RS256", headers={"kid": "1"})

    def config(self, roles: dict[str, tuple[dict[str, Any], dict[str, Any]]], folder: Path) -> Path:
        """SeaweedFS's file of `roles`: name → (policy, trust policy)."""
        provider = {"issuer": self.url, "clientId": "sts.amazonaws.com", "jwksUri": f"{self.url}/keys"}
        content = {
            "sts": {
                "tokenDuration": "1h",
                "maxSessionLength": "12h",
                "issuer": "sts",
                "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
                "providers": [{"name": _NAME, "type": "oidc", "enabled": True, "config": provider}],
            },
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "roleStore": {"storeType": "memory"},
            "roles": [
                {
                    "roleName": name,
                    "roleArn": _arn(name),
                    "trustPolicy": _translated(trust),
                    "attachedPolicies": [name],
                }
                for name, (_, trust) in roles.items()
            ],
            "policies": [{"name": name, "document": policy} for name, (policy, _) in roles.items()],
        }
        file = folder / "iam.json"
        file.write_text(json.dumps(content))
        return file

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def credentials(server: S3, role: str, token: str) -> dict[str, str]:
    """The credentials of `role`, as configure-aws-credentials and IRSA ask for them; ClientError without."""
    credentials = _sts(server.endpoint).assume_role_with_web_identity(
        RoleArn=_arn(role), RoleSessionName="test", WebIdentityToken=token
    )["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def client(server: S3, role: str, token: str) -> Any:
    """An S3 client with the credentials of `role`."""
    return boto3.client("s3", endpoint_url=server.endpoint, region_name=REGION, **credentials(server, role, token))


@cache
def _sts(endpoint: str) -> Any:
    return boto3.client("sts", endpoint_url=endpoint, region_name=REGION, config=Config(signature_version=UNSIGNED))


def _arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def _translated(trust: dict[str, Any]) -> dict[str, Any]:
    (statement,) = trust["Statement"]
    issuer = statement["Principal"]["Federated"].partition(":oidc-provider/")[2]
    claims = statement["Condition"]["StringEquals"].items()
    condition = {key.replace(f"{issuer}:", "oidc:"): value for key, value in claims}
    own = {**statement, "Principal": {"Federated": _NAME}, "Condition": {"StringEquals": condition}}
    return {**trust, "Statement": [own]}
