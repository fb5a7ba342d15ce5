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
    assert listed == {field.name for field in fields(Settings) if field.name.startswith("inference_")}
    command = [sys.executable, "-m", "shipper", "--help"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    assert {"--from", "--to", "--every", "--grace"} <= set(re.findall(r"--\w+", process))
    command = [sys.executable, "-m", "monitoring", "shadow", "--help"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    named = set(re.findall(r"--[a-z-]+", PAGE.partition("## Ask a candidate")[2]))
    assert named <= set(re.findall(r"--[a-z-]+", process))
    assert f"{inference_log._SECONDS:g} seconds or {inference_log._FILE_BYTES >> 20} MiB" in PAGE
    assert inference_log._PAUSE == 0.25  # "the last quarter of a second"


def test_the_bench_measures_what_the_page_says() -> None:
    """It counts a share of the requests and drops none; a row takes the bytes that the page says."""
    result = bench.measure(1.0, 200)
    assert (result["logged"], result["dropped"]) == (200, 0)
    assert f"{result['bytes']} bytes" in PAGE
