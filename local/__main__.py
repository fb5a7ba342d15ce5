"""The embedded platform as one command.

python -m local up       start S3, MLflow and the Git origin; they stay up until `down`
python -m local down     stop them (what they stored stays in .local/)
python -m local status   what is up and where
python -m local demo     the loop in a temporary clone, from push to prediction; --full goes on to a rollback
python -m local canary   a canary that is promoted, reverted and rebuilt, and one that is taken back
python -m local loop     canaries that their traffic decides, drift, a training, and a canary again
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from artifact.command import run
from artifact.errors import ConfigurationError
from local import state as states
from local.state import State
from local.supervisor import Supervisor, take_down


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{up,down,status,demo,canary,loop}")
    for name in ("up", "down", "status"):
        commands.add_parser(name).add_argument(
            "--state", type=Path, default=states.DEFAULT, metavar="DIR", help="the platform's folder (default: .local)"
        )
    demo = commands.add_parser("demo")
    demo.add_argument("--full", action="store_true", help="go on: another model, a rollback, a model the gate stops")
    demo.add_argument(
        "--stay",
        action=argparse.BooleanOptionalAction,
        default=sys.stdout.isatty(),
        help="serve until Ctrl-C after the first prediction (by default where the output is a terminal)",
    )
    commands.add_parser("canary")
    commands.add_parser("loop")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)  # the same orderly end as Ctrl-C
    if options.command == "demo":
        from local import demo as demonstration  # it imports half of the project, which `status` can do without

        return demonstration.main(full=options.full, stay=options.stay)
    if options.command == "canary":
        from local import canary

        return canary.main()
    if options.command == "loop":
        from local import loop

        return loop.main()
    state = State(options.state.resolve())
    return {"up": up, "down": down, "status": status}[options.command](state)


def up(state: State) -> int:
    """Starts the platform and leaves it running."""
    if state.is_up():
        print(f"already up: `python -m local status`, or stop it with `python -m local down` ({state.root})")
        return 0
    start = time.monotonic()
    with Supervisor(state, lambda line: print(line, flush=True)) as supervisor:
        supervisor.keep()
    print(f"up after {time.monotonic() - start:.1f} s; for your shell: . {_short(state.env_file)}")
    print(f"push to it:   git push {_short(state.origin)} HEAD:main")
    return 0


def down(state: State) -> int:
    """Stops the platform, and the workflow runs that are in progress on it."""
    print("down" if take_down(state) else "nothing was up")
    return 0


def status(state: State) -> int:
    """Prints what is up; exit code 10 when nothing is."""
    if not (state.is_up() and state.description.exists()):
        raise ConfigurationError(f"no platform is up on {state.root}: `make up` starts one")
    for name, url in state.describe()["urls"].items():
        print(f"{name:<10}{url}")
    print(f"{'env':<10}{_short(state.env_file)}")
    return 0


def _short(path: Path) -> str:
    """As a person in this folder would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run(main)
