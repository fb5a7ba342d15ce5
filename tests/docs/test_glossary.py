"""docs/glossary.md against the tree it points into."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| \[.+?\]\((.+?)\) \|$", TEXT, re.M)


def test_every_word_has_one_sentence_and_a_place_that_exists() -> None:
    """No word stands twice, each line of a table is an entry, and each link leads to a file."""
    entries = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| word ")]
    assert len(ROWS) == len(entries) >= 40
    words = [word for word, _, _ in ROWS]
    assert len(set(words)) == len(words)
    assert [place for _, _, place in ROWS if not (ROOT / "docs" / place).is_file()] == []


def test_the_words_that_name_the_steps_are_there() -> None:
    """A word that the README uses before it explains it is in the glossary."""
    words = {word for row in ROWS for word in row[0].split(", ")}
    assert {"digest", "manifest", "artifact", "signature", "champion", "challenger", "gate", "golden answers", "proof",
            "engine proof", "candidate",
            "quarantine", "release", "canary", "engine", "graph", "holdout", "slice", "inputs digest",
            "champion record", "storage initializer"} <= words  # fmt: skip
