"""What `make` says where a value or a file is missing, and what it ends with."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "MODELPIN_VENVS")}


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("deploy", "error: deploy needs ENV: make deploy ENV=…"),
        ("promote", "error: promote needs ENV: make promote ENV=…"),
        ("quarantine", "error: quarantine needs RELEASE: make quarantine RELEASE=… REASON=…"),
        ("unquarantine", "error: unquarantine needs RELEASE: make unquarantine RELEASE=…"),
        ("propose ENV=production", "error: propose needs FROM: make propose ENV=… FROM=…"),
        ("retrain ENV=staging", "error: retrain needs KIND: make retrain ENV=… KIND=…"),
        ("render", "error: render needs MODEL: make render MODEL=… ENV=…"),
    ],
)
def test_a_value_that_is_missing_is_asked_for(target: str, says: str) -> None:
    """By its name, before anything is installed or run. make's own last line has the exit code; make ends with 2."""
    done = make(*target.split())
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert first == says
    assert last.endswith("Error 2")


def test_a_report_that_is_missing_is_named(tmp_path: Path) -> None:
    """With the command that writes it; the README says where its exit code is."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    done = make("report", folder=tmp_path)
    first, last = done.stderr.splitlines()
    assert first == "error: there is no reports/report.md: `make repro` writes it"
    assert (done.returncode, last.rpartition("]")[2]) == (2, " Error 10")
    assert "`make` itself ends with 2" in " ".join((ROOT / "README.md").read_text().split())


def test_a_terminal_gets_no_escapes_of_markdown(tmp_path: Path) -> None:
    """A pipe, as GitHub's summary is one, gets the page as it is."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "reports").mkdir()
    page = "log\\_loss \\| a &lt; b"
    (tmp_path / "reports/report.md").write_text(page + "\n")
    assert make("report", folder=tmp_path).stdout == page + "\n"
    ours, theirs = pty.openpty()
    subprocess.run(["make", "report"], cwd=tmp_path, env=ENVIRONMENT, stdout=theirs, check=True)
    os.close(theirs)
    assert os.read(ours, 4096).decode().rstrip() == "log_loss | a < b"
    os.close(ours)
