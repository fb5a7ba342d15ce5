"""A GitHub for the real `gh`: its REST API, as far as our commands use it, on loopback.

GitHub itself cannot run here. This keeps what is written and gives it back as GitHub does: the paths, the methods, the
names of the fields, 404 for what is not there, 422 for what GitHub refuses. `gh` takes `github.localhost` for a GitHub
that speaks HTTP, and finds it through the proxy's variable.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

REPOSITORY = "acme/ml"
ACTIONS = 15368  # the number of GitHub's own app
Answer = tuple[int, Any]


class GitHub:
    """Serves within `with`; `calls` has (method, path) of each request, `objects` what was written, by its path."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.reviewers = True  # whether the plan that the owner pays for has required reviewers
        home = f"repos/{REPOSITORY}"
        token = {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": False}
        self.objects: dict[str, Any] = {
            home: {"id": 1234, "owner": {"id": 56, "login": "acme"}, "default_branch": "main", "full_name": REPOSITORY},
            f"{home}/actions/permissions/workflow": token,
            "apps/modelpin-staging": {"id": 71, "client_id": "Iv1.staging"},
            "apps/modelpin-production": {"id": 72, "client_id": "Iv1.production"},
            "orgs/acme/teams/ml": {"id": 81},
            "users/ada": {"id": 82},
        }
        github = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                path = self.path.partition("github.localhost/")[2]
                status, answer = github._answer(self.command, path, json.loads(self._body() or b"null"))
                data = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def env(self) -> dict[str, str]:
        """What makes `gh` ask this server, and find it beside the interpreter that runs the tests."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "GH_HOST": "github.localhost",
            "GH_ENTERPRISE_TOKEN": "token",
            "GH_TOKEN": "token",
            "GH_CONFIG_DIR": "/nonexistent",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "GOGC": "off",  # most of what gh takes for one request is its start
            "http_proxy": f"http://127.0.0.1:{self._server.server_port}",
        }

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [call for call in self.calls if call[0] != "GET"]

    def _answer(self, method: str, path: str, body: Any) -> Answer:
        path, _, query = path.partition("?")
        self.calls.append((method, path))
        parent, _, name = path.rpartition("/")
        match method, name:
            case "GET", "deployment-branch-policies":
                return self._there(parent) or (200, {"branch_policies": self._below(path)})
            case "GET", "rulesets":
                return 200, [{"id": entry["id"], "name": entry["name"]} for entry in self._below(path)]
            case "GET", "comments":
                first = (int(parse_qs(query)["page"][0]) - 1) * 100
                return 200, [comment for comment in self.objects.values() if comment.get("issue") == path][
                    first : first + 100
                ]
            case "POST", "comments":
                return 201, self._comment(path, body["body"])
            case "GET", _:
                return self._there(path) or (200, self._as_answered(path))
            case "DELETE", _:
                return self._there(path) or (204, self.objects.pop(path) and None)
            case "POST", "rulesets" | "deployment-branch-policies":
                return self._refused(body) or (200, self._add(path, body))
            case "POST", "variables":
                self.objects[f"{path}/{body['name']}"] = body
                return 201, None
            case "PATCH", _:
                return self._there(path) or (200, self.objects[path].update(body) or self.objects[path])
        self.objects[path] = self.objects.get(path, {}) | body
        return self._refused(body) or (200, self._as_answered(path))

    def _there(self, path: str) -> Answer | None:
        return None if path in self.objects else (404, {"message": "Not Found"})

    def _refused(self, body: Any) -> Answer | None:
        """What GitHub refuses: its own app may pass no ruleset, and reviewers of a private repository cost money."""
        if any(actor["actor_id"] == ACTIONS for actor in body.get("bypass_actors", [])):
            return 422, {"message": "Actor GitHub Actions integration must be part of the ruleset source"}
        if body.get("reviewers") and not self.reviewers:
            return 422, {"message": "Failed to create the environment protection rule. Please ensure the billing plan"}
        return None

    def _add(self, path: str, body: Any) -> Any:
        number = len(self.objects)
        self.objects[f"{path}/{number}"] = {**body, "id": number}
        return self.objects[f"{path}/{number}"]

    def _comment(self, path: str, body: str, kind: str = "Bot") -> Any:
        number = len(self.objects)
        url = f"https://github.localhost/{REPOSITORY}/pull/5#issuecomment-{number}"
        comment = {"id": number, "body": body, "user": {"type": kind}, "html_url": url, "issue": path}
        self.objects[f"repos/{REPOSITORY}/issues/comments/{number}"] = comment
        return comment

    def comment(self, number: int, body: str, kind: str = "User") -> None:
        """Somebody comments on the pull request `number`."""
        self._comment(f"repos/{REPOSITORY}/issues/{number}/comments", body, kind)

    def comments(self, number: int) -> list[str]:
        """What stands under the pull request `number`."""
        path = f"repos/{REPOSITORY}/issues/{number}/comments"
        return [comment["body"] for comment in self.objects.values() if comment.get("issue") == path]

    def _below(self, path: str) -> list[Any]:
        return [value for there, value in self.objects.items() if there.rpartition("/")[0] == path]

    def _as_answered(self, path: str) -> Any:
        """An environment is shown in another form than it is written."""
        there = self.objects[path]
        if not path.rpartition("/")[0].endswith("/environments"):
            return there
        reviewers = [
            {"type": reviewer["type"], "reviewer": {"id": reviewer["id"]}} for reviewer in there["reviewers"] or []
        ]
        rules: list[dict[str, Any]] = [{"type": "branch_policy"}]
        if reviewers:
            own = {"prevent_self_review": there["prevent_self_review"], "reviewers": reviewers}
            rules.append({"type": "required_reviewers", **own})
        return {"name": path, "protection_rules": rules, "deployment_branch_policy": there["deployment_branch_policy"]}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
