"""Runs one unmodified workflow of a pushed commit through act, with stand-ins for the actions of the marketplace.

What act leaves out (filters, concurrency, the run's number) is done before it is called. Not played: `permissions`,
protected environments and containers.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artifact import text_file
from artifact.errors import ConfigurationError
from local import git, program, signing_key, venv
from local.process import Process
from local.report import Report
from local.state import PRIVATE, State, environment
from local.workflow import actions

STAND_INS = Path(__file__).with_name("actions")
PROGRAMS = Path(__file__).with_name("programs")  # these hide the machine's own
REPOSITORY_NAME = "local/modelpin"


@dataclass(frozen=True)
class Push:
    """One ref that a push moved."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True)
class Event:
    """What starts a workflow: its name, and what GitHub tells of it besides the push; `jobs`: only these, if any."""

    name: str = "push"
    payload: Mapping[str, object] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()


def run(state: State, path: str, push: Push, say: Callable[[str], None], event: Event = Event()) -> bool:
    """True when the workflow at `path` in the pushed commit succeeds; its whole output is in `.local/runs/<id>/log`."""
    number, folder = _new_run(state)
    # act hands paths of its own to a shell unquoted: no space may be in them.
    work = Path(tempfile.mkdtemp()) if " " in str(state.root) else state.runner / "work" / number
    home = work / "home" if " " in str(state.root) else state.runner / "home"
    log = folder / "log"
    say(f"run {number} of {path}; its log: {log}")
    start = time.monotonic()
    try:
        checkout = _checkout(state, push, work)
        stand_ins = _stand_ins(path, lambda file: git.show(state.origin, push.after, file))
        command: list[str | Path] = [
            program.find("act"),
            event.name,
            *(word for job in event.jobs for word in ("--job", job)),
            *_options(state, path, push, event, number, work, folder),
            *stand_ins,
        ]
        home.mkdir(parents=True, exist_ok=True)
        with Process(path, command, env=_environment(home, work), cwd=checkout, stdout=subprocess.PIPE) as act:
            threading.Thread(target=_end_with_platform, args=(state, act), daemon=True).start()
            with contextlib.closing(Report(log, say)) as report:
                for line in act.output:
                    report.read(line)
            succeeded = act.wait() == 0
    finally:
        shutil.rmtree(work, ignore_errors=True)
    result = {
        "id": number,
        "workflow": path,
        "ref": push.ref,
        "commit": push.after,
        "succeeded": succeeded,
        "failed": report.failed,
        "log": str(log),
    }
    (folder / "result.json").write_text(json.dumps(result) + "\n")
    say(f"{path} {'succeeded' if succeeded else 'failed'} after {time.monotonic() - start:.1f} s")
    return succeeded


def _end_with_platform(state: State, act: Process) -> None:
    """A run does not outlive its platform: there is nothing left that it could talk to."""
    while act.poll() is None:
        if not state.is_up():
            act.stop()
        time.sleep(1)


def _new_run(state: State) -> tuple[str, Path]:
    """A number no other run has, as GITHUB_RUN_ID, and the run's folder."""
    number = time.time_ns() // 1_000_000
    while True:
        folder = state.runs / str(number)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return str(number), folder


def _checkout(state: State, push: Push, work: Path) -> Path:
    """The pushed commit, where act reads the workflow from; a job's workspace comes from actions/checkout."""
    checkout = work / "repository"
    checkout.parent.mkdir(parents=True, exist_ok=True)
    git.run(work, "clone", "--quiet", "--no-checkout", str(state.origin), str(checkout))
    git.run(checkout, "checkout", "--quiet", "--detach", push.after)
    # act reads the repository's name from here, and nothing else.
    git.run(checkout, "remote", "set-url", "origin", f"https://github.com/{REPOSITORY_NAME}")
    return checkout


def _stand_ins(path: str, read: Callable[[str], str | None]) -> Iterator[str]:
    """act's options that put a folder of local/actions/ in the place of each action the workflow uses."""
    for uses in actions(path, read):
        name, _, ref = uses.partition("@")
        owner, repository, *below = name.split("/")
        stand_in = STAND_INS / owner / repository
        if uses.startswith("docker://") or not stand_in.joinpath(*below, "action.yml").exists():
            action = Path("local", "actions", *name.split("/"), "action.yml")
            raise ConfigurationError(f"{path} uses {uses}, which has no stand-in for this machine: write {action}")
        yield "--local-repository"
        yield f"{owner}/{repository}@{ref}={stand_in}"


def _options(state: State, path: str, push: Push, event: Event, number: str, work: Path, folder: Path) -> list[str]:
    for name in ("tmp", "act"):
        (work / name).mkdir(parents=True)
    event_file = work / "event.json"
    event_file.write_text(json.dumps({**_event(state, push), **event.payload}))
    variables = work / "variables"
    variables.write_text("".join(f"{name}={value}\n" for name, value in state.describe()["variables"].items()))
    secret = work / "secrets"
    signing = signing_key.of(state.signing_key).replace("\n", "\\n")
    # As GitHub, which makes a token for each run.
    texts = (f"GITHUB_TOKEN=local-{secrets.token_hex(16)}", f'SIGNING_KEY="{signing}"')
    text_file.write(secret, "".join(f"{text}\n" for text in texts), PRIVATE)
    env = work / "env"
    values = {
        "GITHUB_RUN_ID": number,
        "MODELPIN_LOCAL": state.root,
        "MODELPIN_LOCAL_RUN": folder,
        "MODELPIN_LOCAL_PYTHON": program.base_python(),
        "MODELPIN_VENVS": state.describe()["venvs"],
        "TMPDIR": work / "tmp",
        "DVC_SITE_CACHE_DIR": state.runner / "dvc",  # else /var/tmp/dvc
        "GIT_CONFIG_GLOBAL": state.git_config,
        "GIT_PAGER": "cat",  # act gives each step a terminal, GitHub does not
        "TERM": "dumb",
        **{name: value for name, value in environment().items() if name not in ("PATH", "HOME", "TMPDIR")},
        **venv.settings(),
    }
    env.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return [
        "--json",
        *("--workflows", path, "--no-recurse"),
        *("--platform", "ubuntu-latest=-self-hosted"),
        *("--platform", "ubuntu-24.04=-self-hosted"),
        *("--eventpath", str(event_file), "--defaultbranch", git.BRANCH, "--actor", "local"),
        *(
            "--env-file",
            str(env),
            "--var-file",
            str(variables),
            "--secret-file",
            str(secret),
            "--input-file",
            os.devnull,
        ),
        *("--action-cache-path", str(work / "act"), "--action-offline-mode", "--pull=false", "--rebuild=false"),
        *("--no-cache-server", "--no-skip-checkout"),
    ]


def _event(state: State, push: Push) -> dict[str, object]:
    owner, name = REPOSITORY_NAME.split("/")
    return {
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "head_commit": {
            "id": push.after,
            "message": git.run(state.origin, "log", "-1", "--format=%B", push.after).strip(),
        },
        "repository": {
            "name": name,
            "full_name": REPOSITORY_NAME,
            "owner": {"login": owner},
            "default_branch": git.BRANCH,
        },
    }


def _environment(home: Path, work: Path) -> dict[str, str]:
    """Only what act itself needs: the steps get theirs from its options."""
    path = os.pathsep.join((str(PROGRAMS), program.machine_path()))
    return {"PATH": path, "HOME": str(home), "TMPDIR": str(work / "tmp")}
