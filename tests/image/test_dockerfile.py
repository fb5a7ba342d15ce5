import io
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from artifact import digest, save
from artifact.signature import Feature, for_model
from artifact.validation.frame import columns
from local.ports import free
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.image.built import Image

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
COPIED = re.findall(r"^COPY (?!--from)(\S+) ", TEXT, re.M)


def test_only_what_serves_is_copied() -> None:
    """Five packages of ours, the serving lock and the chosen extras, and nothing that trains."""
    locks = ["requirements/extras/chosen.txt", "requirements/serving.txt"]
    assert sorted(COPIED) == ["artifact", "features", "initializer", "predictor", *locks, "shipper"]


def test_nothing_else_reaches_the_build() -> None:
    """.dockerignore is an allow-list of exactly what the Dockerfile copies."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule[0] == "!") == sorted(COPIED)


def test_the_tag_of_the_image_is_made_from_all_that_goes_into_it() -> None:
    """`make image-find` hashes the Dockerfile, its allow-list and everything copied: an unchanged image is found."""
    inputs = re.search(r"^IMAGE_INPUTS = (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert inputs
    assert set(inputs[1].split()) == {"Dockerfile", ".dockerignore", *COPIED}


def test_packages_are_installed_by_hash_as_wheels() -> None:
    """pip checks every package against the lock and runs no build script."""
    install = re.search(r"pip .*?install(.*?)\n\S", TEXT, re.S)
    assert install
    assert "--require-hashes" in install[1]
    assert "--only-binary :all:" in install[1]


def test_it_runs_as_a_number_that_is_not_root() -> None:
    """runAsNonRoot can be checked by the kubelet, which needs a number; base/serving-runtime.yaml has the same one."""
    user = re.findall(r"^USER (\d+):(\d+)$", TEXT, re.M)
    assert user == [("10001", "10001")]
    runtime = (ROOT / "gitops/base/serving-runtime.yaml").read_text()
    assert re.findall(r"runAs(?:User|Group): (\d+)", runtime) == ["10001", "10001"]


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


@pytest.mark.image
@pytest.mark.timeout(1200)
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


@pytest.mark.image
@pytest.mark.timeout(1200)
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


@pytest.mark.image
@pytest.mark.timeout(1200)
def test_the_built_image_refuses_a_model_that_git_did_not_name(image: Image, model: Path) -> None:
    """Another expected digest: exit 20 before anything listens."""
    uri = f"s3://bucket/models/flower/{digest.of_bytes(b'another')}/"
    process = image.start(model, free(1)[0], MODEL_URI=uri)
    said, _ = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 20, said
    assert said.strip().splitlines()[-1].startswith("error: ")


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
