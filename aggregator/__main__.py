"""``python -m aggregator``: make an aggregator, run it, invite and enrol homes."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
import json
import logging
from pathlib import Path
import signal
import sys

from .authority import Authority
from .clock import SystemClock
from .enrolment import Enrolments
from .errors import AggregatorError
from .files import exclusive_use
from .follow_desk import SETTLE_S
from .identity import check_name
from .rehearsal import command as rehearsal
from .service import ServeOptions, Service, run_service
from .settings import DataDirectory, Endpoint, Settings
from .signing import Signer

EXIT_FAILED = 1

type _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        options.run(options)
    except (AggregatorError, OSError) as err:
        sys.stderr.write(f"error: {err}\n")
        return EXIT_FAILED
    return 0


def _init(options: argparse.Namespace) -> None:
    data = DataDirectory(options.data)
    with exclusive_use(data.path):
        region = check_name("region", options.region)
        settings = Settings(
            region=region,
            programme_id=options.programme,
            programme_name=options.programme_name,
            notice_s=options.notice_s,
            opt_out_s=options.opt_out_s,
            groups=tuple(options.group),
        )
        _refuse_other_region(data, region)
        clock = SystemClock()
        if (data.authority / "root.pem").exists():
            authority = Authority.load(data.authority, clock)
        else:
            authority = Authority.create(data.authority, clock, region)
        authority.ensure_broker_certificate(options.broker_host)
        authority.ensure_aggregator_certificate(region)
        authority.write_revocation_list()
        data.save_settings(settings)
        Signer.load_or_create(data.signing_key)
        Enrolments(data, settings, authority, clock).write_access_list()
    _print({"data": str(data.path), "region": region})


def _refuse_other_region(data: DataDirectory, region: str) -> None:
    """Homes of the first region would be left with certificates of no use."""
    if data.has_settings and data.load_settings().region != region:
        raise AggregatorError(
            f"{data.path} is of the region '{data.load_settings().region}'"
        )


def _invite(options: argparse.Namespace) -> None:
    data = DataDirectory(options.data)
    with exclusive_use(data.path):
        settings = data.load_settings()
        if options.broker is not None:
            settings = replace(settings, broker=str(options.broker))
        if options.enrol is not None:
            settings = replace(settings, enrolment=str(options.enrol))
        keys = Signer.load_or_create(data.signing_key).public_keys
        _print(_enrolments(data, settings).invite(options.home, keys))


def _enrol(options: argparse.Namespace) -> None:
    data = DataDirectory(options.data)
    with exclusive_use(data.path):
        enrolments = _enrolments(data, data.load_settings())
        certificate = enrolments.sign_file(options.home, options.csr.read_text())
    sys.stdout.write(certificate)


def _revoke(options: argparse.Namespace) -> None:
    data = DataDirectory(options.data)
    with exclusive_use(data.path):
        home = _enrolments(data, data.load_settings()).revoke(options.home)
    _print({"home_id": home.home_id, "revoked_at": home.revoked_at})


def _serve(options: argparse.Namespace) -> None:
    data = DataDirectory(options.data)
    if options.region is not None:
        found = data.load_settings().region
        if found != options.region:
            raise AggregatorError(f"{data.path} is of the region '{found}'")
    if options.homes:
        with exclusive_use(data.path):
            rehearsal.prepare_homes(data, options.homes)
    asyncio.run(
        _serve_until_told(
            ServeOptions(
                data=data,
                broker=options.broker,
                http_port=options.http,
                enrolment=options.enrol,
                heartbeat_s=options.heartbeat_s,
                reconnect_max_s=options.reconnect_max_s,
                telemetry_s=options.telemetry_s,
                broker_pid_file=options.broker_pid_file,
            ),
            Beside(demand=options.demand, homes=options.homes),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What runs beside the aggregator."""

    demand: str | None
    """A file of a demand to follow, ``-`` for lines of standard input."""

    homes: int | None
    """So many rehearsal homes."""


async def _serve_until_told(options: ServeOptions, beside: Beside) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(run_service(options, SystemClock()))
        homes: asyncio.Task[bytes] | None = None
        if beside.homes:
            process = rehearsal.homes_process(
                options.data, options.broker, beside.homes
            )
            homes = await stack.enter_async_context(process)
        ready = asyncio.create_task(service.connected(), name="ready")
        stop = asyncio.create_task(told.wait(), name="stop")
        await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            sys.stdout.write(f"READY {json.dumps(service.ready_line())}\n")
            sys.stdout.flush()
            if beside.demand is not None:
                feed = asyncio.create_task(_feed(service, beside.demand, homes))
                stack.callback(feed.cancel)
        ready.cancel()
        await stop


async def _feed(
    service: Service, demand: str, homes: asyncio.Task[bytes] | None
) -> None:
    """Follow a demand once the homes that were asked for are there."""
    if homes is not None:
        await homes
    await asyncio.sleep(SETTLE_S)
    await service.desk.feed(demand)


def _enrolments(data: DataDirectory, settings: Settings) -> Enrolments:
    clock = SystemClock()
    authority = Authority.load(data.authority, clock)
    return Enrolments(data, settings, authority, clock)


def _print(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")


def _endpoint(text: str) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port")
    return int(text)


def _seconds(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number of seconds from {lowest} to {highest}"
            )
        return int(text)

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aggregator",
        description="The reference aggregator of the VPP contract.",
    )
    parser.add_argument("--verbose", action="store_true", help="log more")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_init(commands)
    _add_serve(commands)
    _add_rehearse(commands)

    invite = _add(commands, "invite", _invite, "print an invitation for a home")
    invite.add_argument("--home", required=True, metavar="NAME")
    invite.add_argument("--broker", type=_endpoint, metavar="HOST:PORT")
    invite.add_argument("--enrol", type=_endpoint, metavar="HOST:PORT")

    enrol = _add(
        commands, "enrol", _enrol, "print a certificate for a request from a file"
    )
    enrol.add_argument("--home", required=True, metavar="NAME")
    enrol.add_argument("--csr", required=True, type=Path, metavar="FILE")

    revoke = _add(commands, "revoke", _revoke, "take a home's certificates back")
    revoke.add_argument("--home", required=True, metavar="NAME")
    return parser


def _add_init(commands: _Commands) -> None:
    init = _add(commands, "init", _init, "make an authority, keys and an access list")
    init.add_argument("--region", required=True, metavar="NAME")
    init.add_argument("--programme", default="evening-peak", metavar="ID")
    init.add_argument("--programme-name", default="Evening peak", metavar="TEXT")
    week = _seconds(0, 604_800)
    init.add_argument("--notice-s", type=week, metavar="S", help="of an event, least")
    init.add_argument(
        "--opt-out-s", type=week, metavar="S", help="before a start, 0: until the end"
    )
    init.add_argument(
        "--broker-host",
        action="append",
        default=[],
        metavar="HOST",
        help="a name of the broker, beside localhost; may be given again",
    )
    init.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NAME",
        help="a group that homes follow; may be given again",
    )


def _add_serve(commands: _Commands) -> None:
    serve = _add(commands, "serve", _serve, "run the aggregator until SIGTERM")
    serve.add_argument("--broker", required=True, type=_endpoint, metavar="HOST:PORT")
    serve.add_argument(
        "--http",
        type=_port,
        default=0,
        metavar="PORT",
        help="the operator's port on 127.0.0.1; 0 takes a free one",
    )
    serve.add_argument(
        "--enrol",
        type=_endpoint,
        metavar="HOST:PORT",
        help="where homes enrol over TLS (default: as last time, or a free port)",
    )
    serve.add_argument("--region", metavar="NAME", help="refuse another region's data")
    serve.add_argument("--heartbeat-s", type=_seconds(1, 10), default=5, metavar="S")
    serve.add_argument(
        "--reconnect-max-s",
        type=_seconds(1, 120),
        metavar="S",
        help="longest wait of a home before it tries to reconnect",
    )
    serve.add_argument("--telemetry-s", type=_seconds(1, 60), default=10, metavar="S")
    serve.add_argument(
        "--broker-pid-file",
        type=Path,
        metavar="FILE",
        help="tell the mosquitto of this machine when who may connect has changed",
    )
    serve.add_argument(
        "--demand",
        metavar="FILE",
        help="follow this demand: rows of 'time,power_w', or '-' for lines of watts",
    )
    serve.add_argument(
        "--homes",
        type=rehearsal.home_count,
        metavar="N",
        help="run so many homes to rehearse with, in a process beside",
    )


def _add_rehearse(commands: _Commands) -> None:
    text = "run homes to rehearse with until SIGTERM"
    rehearse = _add(commands, "rehearse", rehearsal.run, text)
    rehearse.add_argument(
        "--broker", required=True, type=_endpoint, metavar="HOST:PORT"
    )
    rehearsal.add_options(rehearse)


def _add(
    commands: _Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    command.add_argument("--data", required=True, type=Path, metavar="DIR")
    command.set_defaults(run=run)
    return command


if __name__ == "__main__":
    sys.exit(main())
