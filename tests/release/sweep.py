"""Kill commands at each of their steps, look at what is left as a cluster would, and run them again.

A command is a function of the remote and the bucket, and the clock stands still here: a state that several kills leave
is looked at once.
"""

import json
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from artifact import load
from artifact.digest import ArtifactUri
from release.commands import check
from release.gitops import record, release_file
from release.gitops.worktree import Worktree
from tests.conftest import Bucket
from tests.gitops.render import Tree
from tests.release.conftest import Repository, git
from tests.release.trace import Point, Trace

State = tuple[str, tuple[tuple[str, str], ...]]  # commit of main, and the bucket's (key, ETag)


@dataclass
class Sweep:
    """Runs commands one after the other, each killed at its points first."""

    repository: Repository
    s3: Bucket
    folder: Path  # of its own, for what it keeps
    killed: list[str] = field(default_factory=list)  # the points, for people
    looked: set[State] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._trace = Trace(self.folder / "trace")
        self._trace.hook(self.repository.origin)
        boto3.client("s3", region_name="eu-west-1")  # each fork then begins with what takes a session 60 ms to read

    def through(self, *command: str, choose: Callable[[list[Point]], Sequence[Point]] = list, commits: int = 1) -> None:
        """Kill `command` at the points that `choose` takes of all; at the end it has run once, uninterrupted.

        It makes `commits` of them: each is a state that a kill may leave.
        """
        snapshot = self.folder / "snapshot"
        shutil.rmtree(snapshot, ignore_errors=True)
        shutil.copytree(self.repository.origin, snapshot)
        before = self._state()
        self._run(command, None)
        after = self._state()
        self.look(after)
        result = git(self.repository.origin, "rev-list", f"--max-count={commits + 1}", "main").split()
        assert before[0] in result, f"{command[0]} made more than {commits} commits"
        reached = {after}
        for point in choose(self._trace.points()):
            for _ in range(3):  # a request that had to be made twice makes the steps after it others
                self._restore(snapshot, before)
                if self._run(command, point):
                    break
            else:
                raise AssertionError(f"{command[0]} never came to {point}")
            self.killed.append(f"{command[0]}, {point}")
            left = self._state()
            assert left[0] in result, f"{point} left a commit that the whole command does not make"
            if left in reached:
                continue
            self.look(left)
            again = self.repository.release(*command)
            assert again.code == 0, (point, again.err)
            assert self._state() == after, f"{command[0]} again after a kill {point} ends elsewhere than undisturbed"
            reached.add(left)
        self._restore(snapshot, before)
        again = self.repository.release(*command)
        assert self._state() == after, again.err

    def look(self, state: State) -> None:
        """What a cluster would do now: a fresh clone, rendered; what it names is there, whole, and loads."""
        if state in self.looked:
            return
        clone = self.folder / "fresh"
        shutil.rmtree(clone, ignore_errors=True)
        git(self.folder, "clone", "--quiet", "--template=", str(self.repository.origin), str(clone))
        assert git(clone, "log", "--merges", "--format=%h") == ""
        assert git(clone, "fsck", "--strict", "--no-dangling") == ""
        tree = Tree(clone / "gitops")
        for folder in sorted((clone / "gitops/models/iris").glob("*/")):
            current = record.parse((folder / record.FILE).read_text(), str(folder))
            assert (folder / release_file.FILE).read_text() == release_file.render(current)
            manifests = tree.render(f"models/iris/{folder.name}")
            services = [manifest for manifest in manifests if manifest["kind"] == "InferenceService"]
            there = {f"{service['metadata']['name']}-predictor" for service in services}
            routes = [manifest for manifest in manifests if manifest["kind"] == "Route"]
            assert len(routes) == (current.stable is not None)
            assert {target["configurationName"] for route in routes for target in route["spec"]["traffic"]} <= there
            for model in (service["spec"]["predictor"]["model"] for service in services):
                assert ("MODEL_URI", model["storageUri"]) in {
                    (variable["name"], variable["value"]) for variable in model["env"]
                }
                self._load(ArtifactUri.parse(model["storageUri"]))
        check.check(Worktree(clone))
        for key, _ in state[1]:
            if key.endswith("/manifest.json"):  # a manifest stands over a whole artifact, named in Git or not
                self._load(ArtifactUri.parse(f"s3://{self.s3.name}/{key.removesuffix('manifest.json')}"))
        self.looked.add(state)

    def _load(self, uri: ArtifactUri) -> None:
        folder = self.folder / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for key in self.s3.keys(uri.key):
            body = self.s3.client.get_object(Bucket=self.s3.name, Key=key)["Body"].read()
            (folder / key.removeprefix(uri.key)).write_bytes(body)
        assert load.load(folder, expected_digest=uri.digest, name=uri.model).digest == uri.digest

    def _run(self, command: Sequence[str], point: Point | None) -> bool:
        """Whether it was killed; one that was not has succeeded."""
        process = self.repository.fork(*command, before=lambda: self._trace.install(point))
        process.join()
        self._trace.settle(self.repository.origin)
        killed = point is not None and process.exitcode == -signal.SIGKILL
        assert killed or process.exitcode == 0, (command, str(point), process.exitcode)
        return killed

    def _state(self) -> State:
        pages = self.s3.client.get_paginator("list_objects_v2").paginate(Bucket=self.s3.name)
        objects = ((item["Key"], item["ETag"]) for page in pages for item in page.get("Contents", ()))
        return git(self.repository.origin, "rev-parse", "main"), tuple(sorted(objects))

    def _restore(self, snapshot: Path, state: State) -> None:
        shutil.rmtree(self.repository.origin)
        shutil.copytree(snapshot, self.repository.origin)
        for key in dict(self._state()[1]).keys() - dict(state[1]).keys():
            self.s3.client.delete_object(Bucket=self.s3.name, Key=key)


def counts_of(killed: Sequence[str]) -> str:
    """How many points each command was killed at, in one line."""
    commands = [point.partition(",")[0] for point in killed]
    return json.dumps({name: commands.count(name) for name in dict.fromkeys(commands)} | {"all": len(killed)})
