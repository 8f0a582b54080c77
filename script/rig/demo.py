"""What script/demo runs: a virtual power plant of one home, on this machine alone."""

import argparse
import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
import signal
import sys
import tempfile
from typing import Any

from .play import play
from .processes import RigError, free_port, refuse_taken_port
from .report import Report
from .scenario import bring_up, run_check
from .world import open_world

EXIT_FAILED = 1
EXIT_MISSING = 2
EXIT_INTERRUPTED = 130

DEFAULT_PORT = 8123
HIGHEST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo or the check; return the exit code."""
    options = _parse(arguments)
    port = options.port or (free_port() if options.check else DEFAULT_PORT)
    with ExitStack() as stack:
        directory = options.keep
        if directory is None:
            made = tempfile.TemporaryDirectory(prefix="v2g_vpp_demo_")
            directory = Path(stack.enter_context(made))
        run = _check if options.check else _demo
        try:
            refuse_taken_port(port)
            directory.mkdir(parents=True, exist_ok=True)
            return asyncio.run(_until_told(run(directory.resolve(), port)))
        except RigError as err:
            print(f"error: {err}", file=sys.stderr)
            return EXIT_MISSING
        except asyncio.CancelledError:
            return EXIT_INTERRUPTED if options.check else 0


async def _until_told(running: Coroutine[Any, Any, int]) -> int:
    """Run to the end; Ctrl-C, SIGTERM or a closed terminal end it in good order.

    Asking again changes nothing: programs that do not end are killed by the guard.
    """
    task = asyncio.ensure_future(running)

    def stop() -> None:
        if not task.cancelling():
            _say("stopping…")
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return await task


async def _check(directory: Path, port: int) -> int:
    report = Report(_say)
    async with open_world(directory, http_port=port) as world:
        await run_check(world, report)
    print(report.as_json(), flush=True)
    return 0 if report.is_ok else EXIT_FAILED


async def _demo(directory: Path, port: int) -> int:
    report = Report(_say)
    async with open_world(directory, http_port=port) as world:
        if not await bring_up(world, report):
            print("error: the demo could not be set up, see above", file=sys.stderr)
            return EXIT_FAILED
        await play(world, report, _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="walk the whole scenario without a person; the last line is JSON",
    )
    parser.add_argument(
        "--port",
        type=int,
        metavar="PORT",
        help=f"of Home Assistant (default: {DEFAULT_PORT}; with --check a free one)",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="a new folder to write to and to keep (default: a temporary one)",
    )
    options = parser.parse_args(arguments)
    if options.port is not None and not 0 < options.port <= HIGHEST_PORT:
        parser.error(f"--port is a number from 1 to {HIGHEST_PORT}")
    if options.keep is not None:
        try:
            options.keep.mkdir(parents=True, exist_ok=True)
            is_used = any(options.keep.iterdir())
        except OSError as err:
            parser.error(f"--keep {options.keep}: {err.strerror}: choose a new folder")
        if is_used:
            parser.error(f"{options.keep} is not empty: choose a new folder")
    return options


if __name__ == "__main__":
    sys.exit(main())
