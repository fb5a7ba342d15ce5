"""image.yml itself, executed (tests/image/job.py): built, found, refused; and the image that it builds.

One file, so that one worker builds the image once for all of them.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from artifact import digest, save
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from image.registry import VERSION
from local.ports import free
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.image import registry
from tests.image.built import Image
from tests.image.conftest import Built
from tests.image.job import REPOSITORY
from tests.image.signer import PROVENANCE, SBOM, Identity

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]
BUILDS = ["Build", "syft", "SBOM", "Push", "Attest provenance", "Attest SBOM", "Verify"]


def test_it_builds_attests_and_verifies_what_is_not_there(built: Built) -> None:
    """One tag of the inputs, an index of two platforms, whose images say which inputs they are of."""
    assert [name for name in built.run.steps if name in ("Find", *BUILDS)] == ["Find", *BUILDS]
    (tag,) = registry.tags(built.job.server)
    for architecture, machine in (("amd64", b"\x3e\x00"), ("arm64", b"\xb7\x00")):
        command = ["skopeo", "inspect", "--config", "--override-os=linux", f"--override-arch={architecture}"]
        done = subprocess.run([*command, f"docker://{built.job.image}@{built.digest}"], capture_output=True, check=True)
        config = json.loads(done.stdout)
        assert config["architecture"] == architecture
        assert config["config"]["Labels"][VERSION] == tag
        assert config["created"] == "1970-01-01T00:00:00Z"
        assert _machine(built, architecture) == machine, "e_machine of ELF, of a compiled module in it"


def test_the_sbom_lists_what_the_image_holds(built: Built) -> None:
    """CycloneDX, with every package of the serving lock, and those of Debian where the base says what it is of."""
    (sbom,) = built.job.sboms[:1]
    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == f"{built.job.image}@{built.digest}"
    listed = {
        (component["name"].lower().replace("_", "-"), component["version"])
        for component in sbom["components"]
        if component["type"] == "library"
    }
    lock = (Path(__file__).parents[2] / "requirements/serving.txt").read_text().splitlines()
    pinned = {tuple(line.split()[0].split("==")) for line in lock if "==" in line and line[0] not in "# "}
    assert pinned <= listed
    assert sum("deb/" in component.get("purl", "") for component in sbom["components"]) > 20


def test_what_is_attested_is_found_and_nothing_is_built(built: Built) -> None:
    """The second run takes the first one's image by its tag, once its attestations hold."""
    run = built.job.run()
    assert run.succeeded, run.log[-4000:]
    assert "Find" in run.steps
    assert not set(BUILDS) & set(run.steps)
    assert f"digest={built.digest}" in run.log.replace(" ", "") or built.digest in run.log


def test_another_identity_is_refused_and_the_next_build_is_equal(built: Built) -> None:
    """Attested by another workflow alone: the run warns, builds again, and attests the same digest itself."""
    shutil.rmtree(next((built.job.folder.parent / "registry").rglob(f"tags/{built.digest.replace(':', '-')}")))
    built.job.identity = Identity(REPOSITORY, workflow=".github/workflows/other.yml")
    for kind in (PROVENANCE, SBOM):
        built.job.attest(built.digest, kind, {})
    built.job.identity = Identity(REPOSITORY)
    # What the other one said is still there, and must not stand in the way of what is right.
    run = built.job.run()
    assert run.succeeded, run.log[-6000:]
    assert [name for name in run.steps if name in ("Find", *BUILDS)] == ["Find", *BUILDS]
    assert "is not used, but built again" in run.log
    assert f"has {built.digest} already: this build is equal to that one" in run.log
    assert set(registry.tags(built.job.server).values()) == {built.digest}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of a small classifier named flower."""
    bunch = load_iris(as_frame=True)
    labels = [str(bunch.target_names[code]) for code in bunch.target]
    fitted = LogisticRegression(max_iter=1000).fit(bunch.data, labels)
    features = tuple(Feature(str(name), "float64") for name in bunch.data.columns)
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    directory = tmp_path_factory.mktemp("models") / "artifact"
    save.save(
        directory,
        name="flower",
        model=buffer.getvalue(),
        signature=for_model("classification", features, Feature("species", "string"), fitted),
        train=columns(bunch.data),
        holdout=columns(bunch.data),
        golden_rows=4,
        data_digest=digest.of_bytes(b"iris"),
        parameters={},
        metrics={},
    )
    directory.parent.chmod(0o755)
    return directory


def test_the_built_image_holds_what_serves_and_its_bytecode(image: Image) -> None:
    """Five packages, all compiled; no training, release or storage library; no pip.conf left behind."""
    assert sorted(path.name for path in (image.files / "app").iterdir()) == [
        *("artifact", "features", "initializer", "predictor", "shipper")
    ]
    assert image.config["User"] == "10001:10001"
    assert "8080/tcp" in image.config["ExposedPorts"]
    site = image.files / "opt/packages"
    assert not {"mlflow", "dvc", "boto3", "pytest", "matplotlib"} & {path.name for path in site.iterdir()}
    sources = [path for folder in (image.files / "app", site) for path in folder.rglob("*.py")]
    assert sources
    sources += (image.files / "usr/local/lib").glob("python3.*/asyncio/*.py")
    bare = [path for path in sources if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))]
    assert not bare
    config = image.files / "etc/pip.conf"
    assert not config.exists() or not config.read_text()


def test_the_image_is_small(built: Built, image: Image) -> None:
    """The packages of the serving lock and no other; `-s` prints what they and the layers take."""
    name = f"docker://{built.job.image}"
    index = _read("--raw", f"{name}@{built.digest}")
    (own,) = (entry["digest"] for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64")
    layers = [layer["size"] for layer in _read("--raw", f"{name}@{own}")["layers"]]
    steps = [step for step in _read("--config", f"{name}@{own}")["history"] if not step.get("empty_layer")]
    packages = image.files / "opt/packages"
    installed = sorted(packages.glob("*.dist-info"))
    unpacked = sum(path.lstat().st_size for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
    components = built.job.sboms[0]["components"]
    print(f"{built.digest}: layers of {', '.join(f'{size / 1e6:.1f}' for size in layers)} MB, compressed")
    print(f"{len(installed)} packages, {unpacked / 1e6:.0f} MB; {len(components)} components in the SBOM")
    lock = (Path(__file__).parents[2] / "requirements/serving.txt").read_text()
    assert len(layers) == len(steps)
    assert len(installed) == len(re.findall(r"(?m)^[a-z0-9-]+==", lock))


def _read(option: str, name: str) -> Any:
    """The JSON that the registry has of an image."""
    done = subprocess.run(["skopeo", "inspect", option, "--override-os=linux", name], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_the_built_image_serves_from_a_read_only_root(image: Image, model: Path) -> None:
    """As its own user, with nothing writable, it answers with the digest that it was told to serve."""
    expected = digest.of_file(model / "manifest.json")
    port = free(1)[0]
    process = image.start(model, port, MODEL_URI=f"s3://bucket/models/flower/{expected}/")
    try:
        _wait(process, f"http://127.0.0.1:{port}/v2/models/flower/ready")
        tensor = {"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v2/models/flower/infer",
            json.dumps({"inputs": [tensor]}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            assert answer.headers["x-model-digest"] == expected
            outputs = {output["name"]: output["data"] for output in json.load(answer)["outputs"]}
        assert outputs["label"] == ["setosa"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)


def test_the_built_image_refuses_a_model_that_git_did_not_name(image: Image, model: Path) -> None:
    """Another expected digest: exit 20 before anything listens."""
    uri = f"s3://bucket/models/flower/{digest.of_bytes(b'another')}/"
    process = image.start(model, free(1)[0], MODEL_URI=uri)
    output, _ = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 20, output
    assert output.strip().splitlines()[-1].startswith("error: ")


def _machine(built: Built, architecture: str) -> bytes:
    """For which machine orjson's compiled module is, in the image of `architecture`."""
    name = f"docker://{built.job.image}@{built.digest}"
    container = built.job.buildah.run("from", "--tls-verify=false", f"--arch={architecture}", name).strip()
    files = Path(built.job.buildah.run("mount", container).strip())
    (module,) = (files / "opt/packages/orjson").glob("*.so")
    return module.read_bytes()[18:20]


def _wait(process: subprocess.Popen[str], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"the image ended with {process.returncode}:\n{process.communicate()[0]}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"not ready after {START_SECONDS} s:\n{process.communicate()[0]}")
