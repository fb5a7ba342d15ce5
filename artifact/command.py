"""How every command ends: its exit code, and one last line on stderr that says what to do."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from artifact.errors import ModelpinError, StorageError

INTERRUPTED = 130


def run(main: Callable[[Sequence[str] | None], int | None], argv: Sequence[str] | None = None) -> NoReturn:
    """Run `main(argv)` and exit: 0 or its own code, a ModelpinError's exit code, 130 when interrupted.

    A full disk counts as a StorageError. The message of a ModelpinError is folded to one line; no traceback is shown
    for a failure the user can act on.
    """
    try:
        code = main(argv) or 0
        sys.stdout.flush()
    except ModelpinError as error:
        code = fail(error)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`).
        _drop_output()
        code = 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _drop_output()
        file = f" for {error.filename}" if error.filename else ""
        code = fail(StorageError(f"{error.strerror}{file}: free some space, then run this again"))
    raise SystemExit(code)


def _drop_output() -> None:
    """Point stdout elsewhere, so that the exit does not complain about what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(error: ModelpinError) -> int:
    """Print the last line of a failed command and return its exit code."""
    # In one write, its end included: processes that share a stderr must not break into each other's last line.
    print(f"error: {' '.join(str(error).split())}\n", end="", file=sys.stderr, flush=True)
    return error.exit_code
