"""Write requirements/extras/chosen.txt, the lock of what the image and the training hold beside their own locks.

    python3 requirements/extras/choose.py [EXTRA ...]

Standard library only, as requirements/install.py is.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHOSEN = FOLDER / "chosen.txt"


def main() -> int:
    """Take the locks of the extras that the command line names, and no others."""
    extras = sorted(path.stem for path in FOLDER.glob("*.in"))
    names = sorted(set(sys.argv[1:]))
    for name in names:
        if name not in extras:
            print(f"error: {name!r} is no extra; use some of {', '.join(extras)}", file=sys.stderr)
            return 2
    lines = [f"# chosen: {' '.join(names)}".rstrip()]
    for name in names:
        lock = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        lines += [line for line in lock if not line.startswith("#")]
    CHOSEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{CHOSEN.name} names {', '.join(names) or 'no extras'}; commit it: training and the next image hold that")
    return 0


if __name__ == "__main__":
    sys.exit(main())
