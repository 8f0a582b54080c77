"""``rehearse`` and ``serve --homes``: options, preparation and the process of homes."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
import json
import logging
from pathlib import Path
import signal
import sys

from ..authority import Authority
from ..clock import SystemClock
from ..enrolment import MAX_HOMES, Enrolments
from ..files import exclusive_use, write_json
from ..settings import DataDirectory, Endpoint
from .enrolment import ensure_open_files, kept_homes, prepare
from .fleet import RehearsalOptions, run_fleet
from .profile import Mixture

_LOGGER = logging.getLogger(__name__)

END_S = 30.0
"""A thousand goodbyes on a loaded machine."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a rehearsal can be told."""
    parser.add_argument("--homes", required=True, type=home_count, metavar="N")
    for manner, share, text in (
        ("clamps", Mixture().clamps, "give less than they offer"),
        ("away", Mixture().away, "have no vehicle"),
        ("drops", Mixture().drops, "lose their connection now and then"),
    ):
        parser.add_argument(
            f"--{manner}",
            type=_share,
            default=share,
            metavar="SHARE",
            help=f"homes that {text}, 0 to 1 (default: {share})",
        )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write what really flows, a line of JSON per second",
    )
    parser.add_argument(
        "--summary",
        type=Path,
        metavar="FILE",
        help="write at the end what each home did",
    )
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="end with whoever holds the other end of standard input",
    )


def run(options: argparse.Namespace) -> None:
    """Run homes until SIGTERM.

    Raises:
        AggregatorError: when they cannot be prepared or started.
    """
    ensure_open_files(options.homes)
    data = DataDirectory(options.data)
    if not all(kept.certificate.exists() for kept in kept_homes(data, options.homes)):
        with exclusive_use(data.path):
            prepare_homes(data, options.homes)
    wanted = RehearsalOptions(
        data=data,
        broker=options.broker,
        homes=options.homes,
        mixture=Mixture(clamps=options.clamps, away=options.away, drops=options.drops),
        record=options.record,
    )
    asyncio.run(
        _run_until_told(wanted, options.summary, with_parent=options.with_parent)
    )


def prepare_homes(data: DataDirectory, count: int) -> int:
    """Make keys and certificates while no aggregator runs; return how many were new.

    Raises:
        DataDirectoryError: when ``init`` was not run here.
    """
    clock = SystemClock()
    authority = Authority.load(data.authority, clock)
    enrolments = Enrolments(data, data.load_settings(), authority, clock)
    return prepare(data, authority, enrolments, count)


@asynccontextmanager
async def homes_process(
    data: DataDirectory, broker: Endpoint, count: int
) -> AsyncIterator[asyncio.Task[bytes]]:
    """Run homes in a process of their own, so that they take no time from the leader.

    What it yields is done once all homes are connected, or the process has ended.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aggregator", "rehearse", "--data", str(data.path)),
        *("--broker", str(broker), "--homes", str(count)),
        "--with-parent",
        # Its end tells the homes that we are gone, however that happened.
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    ready = asyncio.create_task(_first_line(process), name="homes")
    try:
        yield ready
    finally:
        ready.cancel()
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    line = b"" if process.stdout is None else await process.stdout.readline()
    if not line:
        _LOGGER.error("the homes to rehearse with have ended, for the reason above")
    return line


async def _read_to_end() -> None:
    """Return when nobody holds the other end of standard input any more."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


async def _run_until_told(
    options: RehearsalOptions, summary: Path | None, *, with_parent: bool
) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with AsyncExitStack() as stack:
        if with_parent:
            parent = asyncio.create_task(_read_to_end(), name="parent")
            parent.add_done_callback(lambda _: told.set())
            stack.callback(parent.cancel)
        fleet = await stack.enter_async_context(run_fleet(options, SystemClock()))
        ready = asyncio.create_task(fleet.all_connected(), name="ready")
        stop = asyncio.create_task(told.wait(), name="stop")
        await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            sys.stdout.write(f"READY {json.dumps({'homes': options.homes})}\n")
            sys.stdout.flush()
        ready.cancel()
        await stop
        if summary is not None:
            await asyncio.to_thread(write_json, summary, fleet.summary())


def home_count(text: str) -> int:
    """Return a number of homes.

    Raises:
        argparse.ArgumentTypeError: when it is none, or more than one aggregator takes.
    """
    if not text.isdecimal() or not 1 <= int(text) <= MAX_HOMES:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of homes from 1 to {MAX_HOMES}"
        )
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share from 0 to 1")
    return share
