"""docs/inference-log.md: its settings, options and columns are those of the code."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from bench import inference_log as bench
from predictor.observe import inference_log
from predictor.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/inference-log.md").read_text(encoding="utf-8")


def test_settings_and_options_exist() -> None:
    """Every setting of the log is listed, and the options of `ship` are its own."""
    listed = set(re.findall(r"`(inference_\w+)`", PAGE.partition("The predictor's answering")[0]))
    assert listed == {one.name for one in fields(Settings) if one.name.startswith("inference_")}
    command = [sys.executable, "-m", "shipper", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    assert {"--from", "--to", "--every", "--grace"} <= set(re.findall(r"--\w+", said))
    command = [sys.executable, "-m", "monitoring", "shadow", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    named = set(re.findall(r"--[a-z-]+", PAGE.partition("## Ask a candidate")[2]))
    assert named <= set(re.findall(r"--[a-z-]+", said))
    assert f"{inference_log._SECONDS:g} seconds or {inference_log._FILE_BYTES >> 20} MiB" in PAGE
    assert inference_log._PAUSE == 0.25  # "the last quarter of a second"


def test_the_bench_measures_what_the_page_says() -> None:
    """It counts a share of the requests and drops none; a row takes the bytes that the page says."""
    found = bench.measure(1.0, 200)
    assert (found["logged"], found["dropped"]) == (200, 0)
    assert f"{found['bytes']} bytes" in PAGE
