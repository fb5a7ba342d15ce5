"""How a cluster is seen: HTTPS with a private CA, a secret header and redirects; Prometheus; Argo CD's reports.

GitHub is a server of this test's own that answers as its documentation says; the Prometheus is real.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifact.errors import ConfigurationError
from local import prometheus
from release.evidence import metrics, sources
from release.gitops.folder import Folder
from tests.release import certificates
from tests.release.answering import Answering
from tests.release.conftest import IMAGE, Repository, commit, git
from tests.release.steps import run, shares
from tests.release.test_deploy import recorded

APP = 4711
NAMESPACE = "iris-production"


def configure(repository: Repository, entry: dict[str, Any], environment: str = "production") -> None:
    """Say in evidence.yaml on the branch how `environment` is seen."""
    commit(repository.folder, sources.PATH, yaml.safe_dump({environment: entry}))


@pytest.fixture
def deployed(repository: Repository, publish: Callable[[int], str]) -> str:
    """The name of a release that production waits to have proved."""
    run(repository, "deploy", "--uri", publish(1), "--image", IMAGE)
    return recorded(repository, "production").releases[0].name


class Door(ThreadingHTTPServer):
    """A server that answers each request with `reply(path, headers)`: status, headers, body."""

    def __init__(self, reply: Callable[[str, Any], tuple[int, dict[str, str], bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = reply(self.path, self.headers)
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture
def secure(
    repository: Repository, deployed: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Answering]:
    """The cluster behind TLS, with a certificate of a private CA for the release's own host, and a key at the door."""
    host = f"{deployed}-predictor.{NAMESPACE}.models.example.com"
    ca, server = certificates.make(tmp_path_factory.mktemp("ca"), host)
    commit(repository.folder, "gitops/settings/ca.pem", ca.read_text())
    configure(
        repository,
        {"from": "hosts", "scheme": "https", "ca": "gitops/settings/ca.pem", "headers": {"X-Api-Key": "DOOR_KEY"}},
    )
    monkeypatch.setenv("DOOR_KEY", "not-a-secret")
    with Answering(repository.origin) as answering:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server)
        answering.wrap(context, {"X-Api-Key": "not-a-secret"})
        yield answering


def test_https_by_a_private_ca_with_a_secret_header(repository: Repository, secure: Answering) -> None:
    """The release is proved at its own name through a gateway, golden requests included."""
    done = run(repository, "advance", "--gateway", secure.url)
    assert "has all traffic" in done.out or "give" in done.out
    assert list(shares(repository).values()) == [100]


def test_without_the_ca_or_the_header_nothing_is_proved(
    repository: Repository, secure: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody known signed, a missing variable and a refused key each end before any traffic."""
    monkeypatch.setenv("DOOR_KEY", "another")
    assert "status 401" in run(repository, "advance", "--gateway", secure.url, code=41).err
    monkeypatch.delenv("DOOR_KEY")
    assert "the variable DOOR_KEY, for the header X-Api-Key" in run(repository, "advance", code=10).err
    configure(repository, {"from": "hosts", "scheme": "https"})
    assert "SSLCertVerificationError" in run(repository, "advance", "--gateway", secure.url, code=41).err


def test_a_redirect_to_https_is_followed(repository: Repository, secure: Answering) -> None:
    """An ALB answers HTTP with a redirect to HTTPS on the same host: GET and POST arrive there as they were sent."""

    def reply(path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        return 301, {"Location": f"https://{headers['Host']}:{secure.port}{path}"}, b""

    with Door(reply) as door:
        run(repository, "advance", "--gateway", f"http://127.0.0.1:{door.server_port}")
    assert list(shares(repository).values()) == [100]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("https://login.example.org/sign-in", "redirected to https://login.example.org"),
        ("/again", "redirected 5 times"),
    ],
)
def test_a_redirect_that_leads_away_is_no_evidence(
    repository: Repository, deployed: str, target: str, message: str
) -> None:
    """A sign-in page, whatever it answers, and a circle."""
    with Door(lambda path, headers: (302, {"Location": target}, b"")) as door:
        assert message in run(repository, "advance", "--gateway", f"http://127.0.0.1:{door.server_port}", code=41).err


def test_prometheus_saw_the_release_ready(
    repository: Repository, deployed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pods that were ready with the digest under the release's name prove it; not ready, or of another, they do not."""
    try:
        prometheus.program("promtool")
    except prometheus.ConfigurationError as error:
        pytest.skip(str(error))
    now, release = time.time(), recorded(repository, "production").releases[0]

    def series(namespace: str, digest: str, ready: int) -> str:
        labels = f'namespace="{namespace}",pod="a",instance="10.0.0.1:8080",job="models"'
        info = f'model="iris",digest="{digest}",release="{release.name}",task="regression"'
        times = [now - 300 + 15 * number for number in range(5)]
        return "".join(
            f"modelpin_model_info{{{labels},{info}}} 1 {moment:.0f}\nmodelpin_ready{{{labels}}} {ready} {moment:.0f}\n"
            for moment in times
        )

    def openmetrics(*listed: str) -> str:
        lines = sorted("".join(listed).splitlines(), key=lambda line: line.partition("{")[0])
        kinds = [line for line in lines if line.startswith("modelpin_model_info")]
        rest = [line for line in lines if not line.startswith("modelpin_model_info")]
        head = "# TYPE modelpin_model_info gauge\n" + "\n".join(kinds) + "\n# TYPE modelpin_ready gauge\n"
        return head + "\n".join(rest) + "\n# EOF\n"

    other = series("iris-staging", release.digest, 1).replace("10.0.0.1", "10.0.0.2")
    for ready, code in ((0, 41), (1, 0)):
        text = openmetrics(series(NAMESPACE, release.digest, ready), other)
        with prometheus.Prometheus(tmp_path / f"ready-{ready}", recorded=text) as server:
            configure(repository, {"from": "prometheus", "url": server.url})
            done = run(repository, "advance", code=code)
            assert ("saw no pod" in done.err) is (code == 41)
    assert list(shares(repository).values()) == [100]
    assert f'namespace="{NAMESPACE}"' in metrics.query(Folder("iris", "production"), release)


class GitHub:
    """Deployments of one repository, and their statuses; each by the App of the number, or by nobody."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.statuses: dict[int, list[dict[str, Any]]] = {}

    def report(
        self, sha: str, description: str, *, app: int | None = APP, by: int | None = APP, state: str = "success"
    ) -> None:
        """A deployment of `sha` by the App `app`, with one status by the App `by`."""
        number = len(self.deployments) + 1
        self.deployments.append({"id": number, "sha": sha, "environment": NAMESPACE, **_by(app)})
        self.statuses[number] = [{"id": number, "state": state, "description": description, **_by(by)}]

    def reply(self, path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if headers["Authorization"] != "Bearer a-token":
            return 401, {}, b""
        path_below = path.partition("?")[0].removeprefix("/repos/acme/ml/deployments")
        result = self.statuses[int(path_below.split("/")[1])] if path_below else self.deployments
        return 200, {}, json.dumps(result).encode()


def _by(app: int | None) -> dict[str, Any]:
    return {"performed_via_github_app": None if app is None else {"id": app, "slug": "argocd"}}


@pytest.fixture
def github(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub that Argo CD reports to as App 4711."""
    configure(repository, {"from": "argocd", "repository": "acme/ml", "app": APP})
    fake = GitHub()
    with Door(fake.reply) as door:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{door.server_port}")
        monkeypatch.setenv("GITHUB_TOKEN", "a-token")
        yield fake


def test_argo_cd_reports_the_release_healthy(repository: Repository, deployed: str, github: GitHub) -> None:
    """The newest verdict of the configured App, on a commit that renders the release as the branch does now."""
    tip = repository.history()[0]
    github.report(tip, f"healthy {deployed[-8:]}")
    done = run(repository, "advance", "--evidence", "a report")
    assert done.code == 0
    proof = recorded(repository, "production").releases[0].proof
    assert proof is not None
    assert proof.evidence == f"Argo CD reports it synced and healthy at commit {tip[:12]}"


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"app": None}, "has reported nothing"),  # a person's deployment
    ({"app": 15368}, "has reported nothing"),  # that of a workflow's token
    ({"by": None}, "has reported nothing"),  # a person's status on the App's deployment
    ({"by": 15368}, "has reported nothing"),
    ({"state": "inactive"}, "has reported nothing"),  # GitHub's own
    ({"description": "healthy 00000000"}, "is not healthy there"),
    ({"description": "healthy"}, "is not healthy there"),
    ({"sha": "1" * 40}, "has reported nothing"),  # none of the branch's commits
    ({"sha": "main"}, "has reported nothing"),
]


def test_only_the_configured_apps_verdict_counts(repository: Repository, deployed: str, github: GitHub) -> None:
    """What anybody with write access could write, and a verdict of something else, prove nothing."""
    tip = repository.history()[0]
    for changes, output in FORGED:
        github.deployments.clear()
        github.report(**{"sha": tip, "description": f"healthy {deployed[-8:]}"} | changes)
        assert output in run(repository, "advance", code=41).err, changes


def test_a_verdict_is_of_what_its_commit_renders(repository: Repository, deployed: str, github: GitHub) -> None:
    """A commit elsewhere leaves it standing, a patch of the release voids it, a later failure outweighs it."""
    first = repository.history()[0]
    github.report(first, f"healthy {deployed[-8:]}")
    commit(repository.folder, "README.md", "elsewhere")
    assert "dry run" not in run(repository, "advance", "--dry-run").err
    github.report(repository.history()[0], "healthy", state="failure")  # the newest verdict counts
    assert "is not healthy there" in run(repository, "advance", code=41).err
    patched = "gitops/models/iris/production/kustomization.yaml"
    git(repository.folder, "pull", "--quiet", "--rebase", "origin", "main")
    text = (repository.folder / patched).read_text()
    commit(repository.folder, patched, text + "namePrefix: x\n")
    assert "has reported nothing" in run(repository, "advance", code=41).err


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"from": "hope"}, "from must be one of hosts, prometheus, argocd, not 'hope'"),
        ({"from": "argocd", "repository": "acme", "app": 1}, "argocd needs `repository: owner/name`"),
        ({"from": "argocd", "repository": "acme/ml"}, "argocd needs"),
        ({"from": "prometheus", "url": "ftp://x"}, "url must be that of a Prometheus"),
        ({"from": "hosts", "scheme": "gopher"}, "scheme must be http or https"),
        ({"from": "hosts", "ca": "gitops/none.pem"}, "the branch has no file 'gitops/none.pem'"),
        ({"from": "hosts", "ca": sources.PATH}, "holds no certificate in PEM"),
        ({"from": "hosts", "headers": {"A b": "C"}}, "headers takes `Authorization: A_VARIABLE`"),
        ({"from": "hosts", "verify": False}, "has unknown keys ['verify']"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    """The environment, the file, the value and what it takes are named; nothing is asked."""

    class Files:
        def read(self, path: str) -> str | None:
            return yaml.safe_dump({"production": entry}) if path == sources.PATH else None

    with pytest.raises(ConfigurationError) as refused:
        sources.of(Files(), "production")
    assert message in str(refused.value)
    assert "production in gitops/settings/evidence.yaml" in str(refused.value)
