"""The OCPP listener: stations dial in, commands go out."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
import logging
import ssl
from typing import Final

from aiohttp import hdrs, web

from ..domain.capability import DischargeDialect
from ..domain.clock import Clock
from ..domain.ids import StationId
from ..domain.ports import (
    CertificateIssuer,
    HomeCertificates,
    Spawn,
    StationEventSink,
    Store,
    VehicleAuthority,
)
from ..domain.security import LoginState
from ..domain.visitor import VisitorReport
from .access import (
    Admission,
    Gatekeeper,
    Network,
    PeerCertificate,
    Refused,
    StationConfig,
    identity_of,
)
from .certificates import CertificateDesk
from .command_desk import CommandDesk
from .connection import CLOSE_TIMEOUT_S, Connection
from .frames import MAX_FRAME_BYTES
from .handshake import (
    choose_version,
    enable_keepalive,
    is_upgrade,
    offered_protocols,
    refusal,
)
from .http_door import HttpDoor
from .peer_security import link_security_of
from .refusals import OnRefused, RefusalCause
from .rpc import GOING_AWAY
from .schemas import SchemaBook
from .station import Station
from .store import StationStore
from .tls_watch import TlsWatch
from .uploads import PATH as UPLOAD_PATH, DialledAddress, UploadDesk
from .versions import V16, V21, RpcVersion
from .visits import GuestList, station_of_link

_LOGGER = logging.getLogger(__name__)

PROTOCOL_ERROR: Final = 1002
"""WebSocket close code (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAddress:
    """Where stations dial in."""

    host: str
    port: int
    """0: any free one."""

    networks: tuple[Network, ...] = ()
    """That stations may dial in from, to any address; empty allows every one."""

    tls: ssl.SSLContext | None = None
    """Encrypted with it; None listens in the clear."""

    issuer: CertificateIssuer | None = None
    """Who signs certificates of stations; None: nobody does."""


class OcppServer(CommandDesk):
    """Every charging station of the home; implements ``StationPort``."""

    def __init__(
        self,
        *,
        address: ListenAddress,
        secure_address: ListenAddress | None = None,
        schemas: Mapping[str, SchemaBook],
        sink: StationEventSink,
        authority: VehicleAuthority,
        store: Store,
        clock: Clock,
        spawn: Spawn,
        stations: Iterable[StationConfig] = (),
        on_refused: OnRefused | None = None,
        home: HomeCertificates | None = None,
    ) -> None:
        """Prepare; nothing listens before ``start``.

        Args:
            address: where to listen.
            secure_address: where to listen with TLS as well; None nowhere.
            schemas: of ``load_schemas``, which has to run in an executor.
            sink: where events of stations go.
            authority: who may discharge.
            store: the document of this adapter.
            clock: for deadlines and records.
            spawn: starts background tasks.
            stations: those that may dial in from the start.
            on_refused: told of stations that were not let in.
            home: what is known of the certificates that stations are given.
        """
        self._addresses = (address, *((secure_address,) if secure_address else ()))
        self._schemas = schemas
        self._sink = sink
        self._authority = authority
        self._store = StationStore(store, spawn)
        self._clock = clock
        self._spawn = spawn
        self._on_refused = on_refused
        self._home = home
        self._gate = Gatekeeper(
            clock, address.networks, self._refused, self._store.is_revoked
        )
        super().__init__()
        self._uploads = UploadDesk()
        self._connections: dict[StationId, Connection] = {}
        self._visitors = GuestList(self._gate, clock, self._disconnect)
        self._door = HttpDoor()
        self._tls = TlsWatch(clock, self._mistake, self._visitors.tls_failed)
        for config in stations:
            self.adopt(config)

    @property
    def port(self) -> int | None:
        """The port that is listened on, None while nothing listens."""
        return next(iter(self._door.ports), None)

    @property
    def secure_port(self) -> int | None:
        """The port that is listened on with TLS, None while nothing listens there."""
        return next(iter(self._door.ports[1:]), None)

    async def start(self) -> None:
        """Read the store and listen.

        Raises:
            StoreUnreadable: when what was kept cannot be read.
            ListenerError: when the port is taken or forbidden.
        """
        await self._store.load()
        self._store.retain(self._stations)
        for station in self._stations.values():
            station.restore()
        for address in self._addresses:
            if address.tls is not None:
                self._tls.watch(address.tls)
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle, allow_head=False)
        for method in (hdrs.METH_PUT, hdrs.METH_POST):
            app.router.add_route(
                method, f"{UPLOAD_PATH}{{token}}{{name:.*}}", self._take
            )
        await self._door.open(app, self._addresses)
        _LOGGER.info("listening on port %s", " and ".join(map(str, self._door.ports)))

    async def stop(self) -> None:
        """Close every connection and free the port; what is known is written."""
        if not self._door.is_open:
            return
        self._door.close_to_new()
        self._visitors.close()
        connections = tuple(self._connections.values())
        for connection in connections:
            connection.link.close(GOING_AWAY, "shutting down")
        await asyncio.gather(*(connection.closed.wait() for connection in connections))
        await self._door.close()
        await self._store.flush()

    def adopt(self, config: StationConfig) -> None:
        """Let a station in from now on, or take its changed configuration.

        Other stations are not disturbed. A station with a new password or dialect has
        to dial in again, one with new limits gets its floor profile again.
        """
        known = self._stations.get(config.identity)
        self._gate.admit(config.identity, config.password)
        self._visitors.end(config.identity)
        if known is None:
            self._stations[config.identity] = Station(
                config=config,
                store=self._store,
                sink=self._sink,
                authority=self._authority,
                clock=self._clock,
                certificates=self._desk(config.identity),
                uploads=self._uploads,
                home=self._home,
            )
            return
        before, known.config = known.config, config
        known.needs_attention.set()
        is_opened = config.allows_no_password and not before.allows_no_password
        if before.password != config.password or is_opened:
            # The owner set the station up anew: it may begin with any profile again.
            known.keep(replace(known.record, security_profile=0))
        if _entry_of(before) != _entry_of(config):
            self._disconnect(config.identity, "configuration changed")

    def forget(self, station_id: StationId) -> None:
        """Let a station in no more and close its connection.

        What is kept of it stays until a start without it, so that an unload is none.
        """
        self._gate.revoke(station_id)
        self._disconnect(station_id, "removed")
        self._stations.pop(station_id, None)

    async def close_link(self, station_id: StationId) -> None:
        """Close the connection of a station; it may dial in again."""
        self._disconnect(station_id, "closed by the home")

    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        """Let a station in that is being set up; it waits and can do nothing.

        One of this home is not touched by it.
        """
        if identity not in self._stations:
            self._visitors.admit(identity, secret, ttl_s)

    def end_provisional(self, identity: StationId) -> None:
        """Let a station in no more that only waits, and close its link."""
        self._visitors.end(identity)

    def visitor(self, identity: StationId) -> VisitorReport | None:
        """Return how far the visit of a station is; None for one not expected."""
        return self._visitors.report(identity)

    def login_state(self, station_id: StationId) -> LoginState | None:
        """Return how a station logs in; None for a station that is not known."""
        station = self._stations.get(station_id)
        if station is None:
            return None
        dialled, shown = station.dialled, station.login.certificate
        is_here = station.link is not None
        return LoginState(
            profile=station.record.security_profile,
            is_encrypted=dialled.is_secure if is_here and dialled else None,
            certificate_expires_at=shown.expires_at if is_here and shown else None,
            revoked_certificates=len(self._store.revoked_of(station_id)),
        )

    # --- connections ----------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._door.asked(request)
        address = request.remote or ""
        version = choose_version(request.headers.get("Sec-WebSocket-Protocol"))
        security = replace(link_security_of(request), is_1_6=version is V16)
        self._tell_gate(identity_of(request.raw_path))
        verdict = self._gate.judge(
            request.raw_path, request.headers.get("Authorization"), address, security
        )
        if not is_upgrade(request):
            self._gate.watch(
                identity_of(request.raw_path) or "",
                address,
                RefusalCause.NOT_A_WEBSOCKET,
                "",
            )
        if isinstance(verdict, Refused):
            return refusal(verdict)
        if verdict.admission is Admission.RENEWAL and self._is_here(verdict.identity):
            # Whoever has an expired certificate must not end a link that has a valid one.
            return refusal(Refused(409))
        if security.is_encrypted:
            self._tls.worked()
        websocket = web.WebSocketResponse(
            protocols=(version.protocol,) if version is not None else (),
            autoping=False,
            max_msg_size=MAX_FRAME_BYTES,
            timeout=CLOSE_TIMEOUT_S,
        )
        await websocket.prepare(request)
        if version is None:
            self._gate.report(
                verdict.identity,
                address,
                RefusalCause.NO_COMMON_PROTOCOL,
                ", ".join(offered_protocols(request)),
            )
            await websocket.close(code=PROTOCOL_ERROR)
            return websocket
        station = station_of_link(
            verdict.admission,
            self._stations.get(verdict.identity),
            self._visitors.find(verdict.identity),
        )
        certificate = security.certificate
        if station is not None:
            station.dialled = DialledAddress(
                host=request.host, is_secure=security.is_encrypted
            )
            station.login.began(verdict.profile, certificate)
            await self._serve(
                station, websocket, version, request.transport, certificate
            )
        return websocket

    def _is_here(self, identity: StationId) -> bool:
        connection = self._connections.get(identity)
        return connection is not None and connection.station.visit is None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        """Take a file that was asked for, from where stations may dial in."""
        self._door.asked(request)
        if not self._gate.is_network_allowed(request.remote or ""):
            return web.Response(status=404)
        return await self._uploads.handle(request)

    def _desk(self, station_id: StationId) -> CertificateDesk | None:
        issuers = [a.issuer for a in self._addresses if a.issuer is not None]
        if not issuers:
            return None
        return CertificateDesk(station_id, issuers[0], self._spawn, self._clock)

    def _refused(
        self, identity: str, address: str, cause: RefusalCause, detail: str
    ) -> None:
        station = self._stations.get(StationId(identity))
        if station is not None:
            station.security.refused(cause, address)
        if self._on_refused is not None:
            self._on_refused(identity, address, cause, detail)

    def _mistake(self, cause: RefusalCause, is_over: bool) -> None:  # noqa: FBT001 - a callback
        if not is_over:
            _LOGGER.warning(
                "port %s: encryption fails again and again: %s", self.secure_port, cause
            )
        if self._on_refused is not None:
            self._on_refused("", "", cause, "over" if is_over else "")

    def _tell_gate(self, identity: StationId | None) -> None:
        """Let the gate judge by what the station is known to be now."""
        station = self._stations.get(identity) if identity is not None else None
        if station is not None:
            self._gate.know(station.station_id, station.login.facts)

    async def _serve(
        self,
        station: Station,
        websocket: web.WebSocketResponse,
        version: RpcVersion,
        transport: asyncio.Transport | None,
        certificate: PeerCertificate | None,
    ) -> None:
        # The newest connection with valid credentials wins: a station that lost its
        # link knows it before we do.
        self._disconnect(station.station_id, "replaced")
        enable_keepalive(transport)
        connection = Connection(
            station=station,
            websocket=websocket,
            version=version,
            book=self._book_for(station, version),
            clock=self._clock,
            transport=transport,
        )
        self._connections[station.station_id] = connection
        if station.certificates is not None and station.visit is None:
            station.certificates.connected(certificate, connection.link)
        try:
            await connection.run()
        finally:
            if self._connections.get(station.station_id) is connection:
                del self._connections[station.station_id]
                station.link_down(connection.cause)
            connection.closed.set()

    def _disconnect(self, station_id: StationId, cause: str) -> None:
        connection = self._connections.pop(station_id, None)
        if connection is not None:
            connection.station.link_down(cause)
            connection.link.close(GOING_AWAY, cause)

    def _book_for(self, station: Station, version: RpcVersion) -> SchemaBook:
        is_extended = station.config.dialect is DischargeDialect.V201_PLUS21
        # Stations of that dialect speak 2.1 messages on a 2.0.1 link.
        return self._schemas[V21.protocol if is_extended else version.protocol]


def _entry_of(config: StationConfig) -> tuple[object, ...]:
    """Return what a link begins with: a change of it needs another one."""
    return config.password, config.allows_no_password, config.dialect, config.vendor
