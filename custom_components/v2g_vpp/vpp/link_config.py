"""What a link is told at its construction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import ssl
from typing import Protocol

from ..domain.clock import Clock
from ..domain.errors import V2gError
from ..domain.ids import ProgrammeId
from ..domain.ports import DispatchReceiver, Signer, Spawn, Store, Verify
from ..domain.settlement import Settlement

TICK_S = 1.0
"""paho's housekeeping and the finest telemetry are due each second (contract)."""


class RunBlocking(Protocol):
    """Run a function in the executor."""

    def __call__[T](self, function: Callable[[], T], /) -> Awaitable[T]:
        """Return its result, or raise what it raised."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VppLinkConfig:
    """Facts of one programme, from its set-up."""

    host: str
    port: int
    region: str
    home_id: str
    programme_id: ProgrammeId
    aggregator_keys: Mapping[str, str]
    """Pinned Ed25519 keys: base64url by key id."""

    csr_pem: str = ""
    """That our certificate was made of; empty: it is not renewed over the link."""

    certificate_expires_at: datetime | None = None
    software: str = "v2g_vpp"
    tick_s: float = TICK_S

    @property
    def client_id(self) -> str:
        """Return the common name of our certificate."""
        return f"{self.region}--{self.home_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPorts:
    """What a link needs of the outside."""

    make_context: Callable[[], ssl.SSLContext]
    """TLS 1.3 client context; blocking, called in the executor for each try."""

    receiver: DispatchReceiver
    store: Store
    """A document of this programme's own."""

    clock: Clock
    spawn: Spawn
    run_blocking: RunBlocking
    signer: Signer
    verify: Verify
    on_problem: Callable[[V2gError], None]
    """Something that only a person can change; called once per cause."""

    on_recovered: Callable[[], None]
    on_certificate: Callable[[str], None]
    """The next certificate came, as PEM, not yet checked."""

    on_clock: Callable[[float | None], None]
    """The aggregator's clock minus ours, s, while it is too much; None: good again."""

    uniform: Callable[[float, float], float]
    """Draw between two bounds, for the jitter."""

    on_heard: Callable[[ProgrammeId, int], None]
    """The broker has the report of this entry of the ledger."""

    on_settlement: Callable[[ProgrammeId, Settlement], None]
    """The aggregator says what it pays for an event."""
