"""The running aggregator: composes everything, starts it, ends it in reverse order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
import logging
import os
from pathlib import Path
import signal
import ssl
from typing import Any

from aiohttp import web

from .authority import Authority
from .catch_up import CatchUp
from .clock import Clock
from .codec import load_schemas
from .demand import DemandDesk
from .enrolment import Enrolments
from .errors import DataDirectoryError
from .event_desk import EventDesk
from .event_web import EventApi
from .files import exclusive_use, read_json, write_json
from .follow_desk import FollowDesk
from .follow_web import FollowApi
from .follower import Follower
from .identity import aggregator_common_name
from .leader import Leader, Term
from .mqtt_client import MqttClient
from .mqtt_session import BrokerAddress
from .settings import DataDirectory, Endpoint, Settings
from .settlement_desk import SettlementDesk
from .signing import Signer
from .tasks import ended
from .tls import ClientContext, build_tls_context
from .topics import up_filter
from .web import OperatorApi

_LOGGER = logging.getLogger(__name__)

CRL_PERIOD_S = 86_400.0
"""Once a day; a list is good for thirty days."""

BROKER_RELOAD_S = 0.25
"""mosquitto looks at its signals at least every 0.1 s."""

SHUTDOWN_S = 1.0
"""Open requests get this long when we stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What ``serve`` was asked for."""

    data: DataDirectory
    broker: Endpoint
    http_port: int = 0
    enrolment: Endpoint | None = None
    """Where homes enrol over TLS; None: as last time, or a free port."""

    heartbeat_s: int = 5
    reconnect_max_s: int | None = None
    telemetry_s: int = 10
    broker_pid_file: Path | None = None
    """Where a broker of this machine wrote its process id; None: reload by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was read from disk."""

    settings: Settings
    authority: Authority
    enrolments: Enrolments
    signer: Signer
    epoch: int
    client_context: ClientContext
    server_context: ssl.SSLContext


class Service:
    """One running aggregator."""

    def __init__(
        self,
        leader: Leader,
        client: MqttClient,
        http_port: int,
        enrolment: Endpoint,
        desk: FollowDesk,
        events: EventDesk,
    ) -> None:
        """Hold the parts; use ``run_service``."""
        self.leader = leader
        self.desk = desk
        self.events = events
        self.client = client
        self.http_port = http_port
        self.enrolment = enrolment

    async def connected(self) -> None:
        """Return once the broker has granted our subscription."""
        while not self.client.is_connected:
            await asyncio.sleep(0.02)

    def ready_line(self) -> dict[str, Any]:
        """Return what a program that started us needs to know."""
        return {
            "pid": os.getpid(),
            "region": self.leader.term.region,
            "epoch": self.leader.term.epoch,
            "http": f"http://127.0.0.1:{self.http_port}",
            "enrol_url": f"https://{self.enrolment}/enrol",
        }


@asynccontextmanager
async def run_service(options: ServeOptions, clock: Clock) -> AsyncIterator[Service]:
    """Start an aggregator; it lives as long as the context.

    Raises:
        DataDirectoryError: when the data directory is missing, damaged or in use.
        OSError: when a port is taken.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(exclusive_use(options.data.path))
        enrolment = await _enrolment_endpoint(options)
        parts = await asyncio.to_thread(_load, options, enrolment, clock)
        client = _client(options.broker, parts, clock)
        leader = _leader(options, parts, client, clock)
        stack.push_async_callback(leader.close)

        reloader = BrokerReloader(options.broker_pid_file)
        await reloader.reload()
        desk = FollowDesk(
            leader, Follower(leader, clock), options.data.following, clock
        )
        events = await asyncio.to_thread(
            EventDesk, leader, parts.settings.programme_id, options.data.events
        )
        api = OperatorApi(
            leader,
            DemandDesk(leader),
            options.data,
            reloader.reload,
            desk.follower,
        )
        http_port = await _serve_http(
            stack,
            api.build_operator_app(
                [*FollowApi(desk, clock).routes(), *EventApi(events, clock).routes()]
            ),
            Endpoint(host="127.0.0.1", port=options.http_port),
        )
        await _serve_http(
            stack, api.build_enrolment_app(), enrolment, parts.server_context
        )
        for name, job in (
            ("broker", client.run()),
            ("heartbeat", leader.run_heartbeats()),
            ("resend", leader.run_resends()),
            ("follow", desk.follower.run()),
            ("resume", desk.resume()),
            ("events", events.run()),
            ("catch up", CatchUp(leader).run()),
            ("revocations", _refresh_revocations(parts.authority, reloader)),
        ):
            stack.push_async_callback(ended, asyncio.create_task(job, name=name))
        yield Service(leader, client, http_port, enrolment, desk, events)


def _client(broker: Endpoint, parts: Parts, clock: Clock) -> MqttClient:
    region = parts.settings.region
    address = BrokerAddress(
        host=broker.host, port=broker.port, client_id=aggregator_common_name(region)
    )
    return MqttClient(address, parts.client_context, up_filter(region), clock)


def _leader(
    options: ServeOptions, parts: Parts, client: MqttClient, clock: Clock
) -> Leader:
    term = Term(
        region=parts.settings.region,
        groups=parts.settings.groups,
        epoch=parts.epoch,
        heartbeat_s=options.heartbeat_s,
        reconnect_max_s=options.reconnect_max_s,
        telemetry_s=options.telemetry_s,
    )
    leader = Leader(term, parts.enrolments, parts.signer, clock, client.publish)
    leader.settlements = SettlementDesk(
        term.region, leader.outbox, options.data.settlements
    )
    leader.settlements.load()
    desk = leader.settlements
    leader.on_welcome.append(lambda home: desk.tell_again(home.home_id))
    client.on_message = leader.on_message
    client.on_connection = leader.on_connection
    return leader


class BrokerReloader:
    """Tells a broker of this machine that its lists have changed."""

    def __init__(self, pid_file: Path | None) -> None:
        """Take the broker's process id from a file, None: somebody else reloads it."""
        self._pid_file = pid_file

    async def reload(self) -> None:
        """Return once the broker has read its lists, or cannot be told."""
        if self._pid_file is None:
            return
        if await asyncio.to_thread(self._signal):
            await asyncio.sleep(BROKER_RELOAD_S)
        else:
            _LOGGER.warning("the broker was not told to reload: it does not run")

    def _signal(self) -> bool:
        if self._pid_file is None:
            return False
        try:
            pid = int(self._pid_file.read_text())
            # A stale file may name a process that has nothing to do with us.
            name = Path(f"/proc/{pid}/comm").read_text()
            if name.strip() != "mosquitto":
                return False
            os.kill(pid, signal.SIGHUP)
        except OSError, ValueError:
            return False
        return True


def _load(options: ServeOptions, enrolment: Endpoint, clock: Clock) -> Parts:
    data = options.data
    settings = replace(
        data.load_settings(),
        broker=str(options.broker),
        enrolment=str(enrolment),
    )
    authority = Authority.load(data.authority, clock)
    authority.ensure_aggregator_certificate(settings.region)
    authority.ensure_broker_certificate([options.broker.host, enrolment.host])
    authority.write_revocation_list()
    enrolments = Enrolments(data, settings, authority, clock)
    enrolments.write_access_list()
    load_schemas()
    # Remembered for `invite` without a running aggregator.
    data.save_settings(settings)
    return Parts(
        settings=settings,
        authority=authority,
        enrolments=enrolments,
        signer=Signer.load_or_create(data.signing_key),
        epoch=next_epoch(data),
        client_context=build_tls_context(
            data.authority / "root.pem",
            data.authority / "aggregator.pem",
            data.authority / "aggregator.key",
        ),
        server_context=_server_context(data.authority),
    )


def next_epoch(data: DataDirectory) -> int:
    """Return the number of a new leadership term; it is on disk before it is used.

    Raises:
        DataDirectoryError: when the last one cannot be read: guessing it could make
            every home refuse us as an old leader.
    """
    document = read_json(data.leadership) or {"epoch": 0}
    epoch = document.get("epoch")
    if not isinstance(epoch, int):
        raise DataDirectoryError(f"cannot read {data.leadership}")
    write_json(data.leadership, {"epoch": epoch + 1})
    return epoch + 1


def _server_context(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    return context


async def _enrolment_endpoint(options: ServeOptions) -> Endpoint:
    """Return where to listen for enrolments, with a port that is known beforehand.

    Invitations name it, so that the port of the last time is kept where possible.
    """
    if options.enrolment is not None and options.enrolment.port:
        return options.enrolment
    asked = options.enrolment or Endpoint(host="127.0.0.1", port=0)
    settings = await asyncio.to_thread(options.data.load_settings)
    if settings.enrolment:
        last = Endpoint.parse(settings.enrolment)
        if last.host == asked.host and await _free_port(last) is not None:
            return last
    port = await _free_port(asked)
    return replace(asked, port=port or 0)


async def _free_port(endpoint: Endpoint) -> int | None:
    """Return the port if it can be bound (0: any free one), None otherwise."""
    try:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, endpoint.host, endpoint.port
        )
    except OSError:
        return None
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    return port


async def _serve_http(
    stack: AsyncExitStack,
    app: web.Application,
    endpoint: Endpoint,
    context: ssl.SSLContext | None = None,
) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    stack.push_async_callback(_closed, runner)
    site = web.TCPSite(runner, endpoint.host, endpoint.port, ssl_context=context)
    await site.start()
    return int(runner.addresses[0][1])


async def _closed(runner: web.AppRunner) -> None:
    """Close a server; whoever is on it may have gone without a word."""
    # Saying goodbye over TLS to a connection that broke raises on the way out.
    with suppress(ConnectionError):
        await runner.cleanup()


async def _refresh_revocations(authority: Authority, reloader: BrokerReloader) -> None:
    while True:
        await asyncio.sleep(CRL_PERIOD_S)
        await asyncio.to_thread(authority.write_revocation_list)
        await reloader.reload()
