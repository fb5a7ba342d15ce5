"""What the demo prints on a terminal, in a real one of 40 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.release.conftest import ROOT

COLUMNS = 40
STORY = """
import sys, time
from pathlib import Path
from local.narrator import Narrator
tell = Narrator(Path(sys.argv[1]))
tell.step("The platform", "a step whose reason is longer than a line of this terminal")
tell.say("$ a command that is longer than a line of this terminal, and stays one")
tell.note("\x1b[31m⭐ ⭐ ⭐ something that goes on, and is longer than the line")
time.sleep(4.5)
tell.say("done")
tell.close()
"""


@pytest.mark.story
def test_nothing_but_a_command_is_wider_than_the_terminal(tmp_path: Path) -> None:
    """Prose breaks between words, a command does not break; while a step is silent one line that fits says so, without
    the colours of what it repeats, and nothing of it stays."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", STORY, str(tmp_path / "log")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env) as process:
        os.close(theirs)
        received = b""
        try:
            while part := os.read(ours, 1 << 16):
                received += part
        except OSError:  # what Linux says at the end
            os.close(ours)
    assert process.returncode == 0, received
    text = received.decode()
    assert set(re.findall("\x1b[^a-zA-Z]*[a-zA-Z]", text)) == {"\x1b[K"}
    live = [part for part in re.split("\r\x1b\\[K", text) if "⭐" in part]
    assert len(live) >= 2
    assert all("\n" not in part and len(part) + part.count("⭐") <= COLUMNS for part in live)
    lines = [line.rpartition("\x1b[K")[2].rstrip("\r") for line in text.splitlines() if line]
    assert [line for line in lines if len(line) > COLUMNS] == [next(line for line in lines if "$ " in line)]
    assert lines[-1].strip() == "done"
