"""An operator's certificates, and a home with a link to a real broker."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, override

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from custom_components.v2g_vpp.domain.errors import V2gError
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ports import DispatchReceiver
from custom_components.v2g_vpp.pki.authority import (
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.pki.tls import client_context
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.vpp.link import VppLink
from custom_components.v2g_vpp.vpp.link_config import LinkPorts, VppLinkConfig
from script.rig.broker import Broker, BrokerFiles

from .actors import (
    AGGREGATOR_KEYS,
    HOME,
    HOME_SIGNER,
    PROGRAMME,
    REGION,
    MemoryStore,
    RecordingHome,
    ScriptedAggregator,
)

ACCESS_LIST = f"""\
user aggregator
topic readwrite v2gvpp/v1/{REGION}/#
user {REGION}--{HOME}
topic write v2gvpp/v1/{REGION}/{HOME}/up/#
topic read v2gvpp/v1/{REGION}/{HOME}/dn/#
topic read v2gvpp/v1/{REGION}/all/dn/#
topic read v2gvpp/v1/{REGION}/group/feeder-7/dn/#
"""


class Certificates:
    """One operator: its root, and what it issues."""

    def __init__(self, clock: Any) -> None:
        self.now = clock.utcnow()
        self.authority = create_authority("Operator", self.now)

    @property
    def root_pem(self) -> Any:
        return self.authority.certificate_pem

    def client(
        self,
        common_name: str,
        life: timedelta = timedelta(days=1),
        *,
        age: timedelta = timedelta(),
    ) -> Any:
        """Return (certificate, key) as PEM."""
        made = create_client_request(common_name)
        certificate = issue_certificate(
            self.authority,
            made.csr_pem,
            self.now - age,
            LeafPurpose.CLIENT,
            life=life,
        )
        return certificate, made.key_pem

    def context(self, common_name: str, **validity: Any) -> Any:
        return client_context(self.root_pem, *self.client(common_name, **validity))

    def write_broker_files(
        self, directory: Path, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    ) -> Any:
        made = create_client_request("broker")
        certificate = issue_certificate(
            self.authority,
            made.csr_pem,
            self.now,
            LeafPurpose.SERVER,
            hosts=hosts,
        )
        files = BrokerFiles(
            root=directory / "root.pem",
            revoked=directory / "crl.pem",
            certificate=directory / "server.pem",
            key=directory / "server.key",
            access_list=directory / "access.list",
        )
        files.root.write_text(self.root_pem)
        files.certificate.write_text(certificate)
        files.key.write_text(made.key_pem)
        files.access_list.write_text(ACCESS_LIST)
        self.write_revoked(files, ())
        return files

    def write_revoked(self, files: BrokerFiles, revoked: Sequence[str]) -> None:
        root = x509.load_pem_x509_certificate(self.root_pem.encode())
        key = serialization.load_pem_private_key(self.authority.key_pem.encode(), None)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(root.subject)
            .last_update(self.now - timedelta(hours=1))
            .next_update(self.now + timedelta(days=1))
        )
        for pem in revoked:
            serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(self.now - timedelta(minutes=1))
                .build()
            )
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signed = builder.sign(key, hashes.SHA256())
        files.revoked.write_bytes(signed.public_bytes(serialization.Encoding.PEM))


async def run_blocking(function: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function)


class SteppedClock(SystemClock):
    """The clock of a home whose wall clock can be set wrong."""

    step_s = 0.0

    @override
    def utcnow(self) -> datetime:
        return super().utcnow() + timedelta(seconds=self.step_s)


class Rig:
    """One home, one broker, one aggregator."""

    def __init__(
        self,
        broker: Broker,
        certificates: Certificates,
        receiver: DispatchReceiver | None = None,
    ) -> None:
        """Put a link between the two; without a receiver the home only records."""
        self.broker = broker
        self.certificates = certificates
        self.clock = SteppedClock()
        self.home = RecordingHome()
        self.receiver = receiver or self.home
        self.on_heard: Callable[[ProgrammeId, int], None] = lambda *_: None
        self.store = MemoryStore()
        self.problems: list[Any] = []
        self.recoveries = 0
        self.heard: list[int] = []
        self.settlements: list[Any] = []
        self.offsets: list[float | None] = []
        self.certificates_told: list[str] = []
        self.context = certificates.context(f"{REGION}--{HOME}")
        self.aggregator = ScriptedAggregator(
            broker.port, certificates.context("aggregator"), SystemClock()
        )
        self.tasks: set[asyncio.Task[None]] = set()
        self.link = self.make_link()

    def make_link(self, **changes: Any) -> VppLink:
        config = VppLinkConfig(
            **{
                "host": "127.0.0.1",
                "port": self.broker.port,
                "region": REGION,
                "home_id": HOME,
                "programme_id": ProgrammeId(PROGRAMME),
                "aggregator_keys": AGGREGATOR_KEYS,
                "tick_s": 0.05,
                **changes,
            }
        )
        self.link = VppLink(
            config,
            LinkPorts(
                make_context=lambda: self.context,
                receiver=self.receiver,
                store=self.store,
                clock=self.clock,
                spawn=self.spawn,
                run_blocking=run_blocking,
                signer=HOME_SIGNER,
                verify=verify_signature,
                on_problem=self._on_problem,
                on_recovered=self._on_recovered,
                on_certificate=self.certificates_told.append,
                on_heard=self._note_heard,
                on_settlement=lambda _, settlement: self.settlements.append(settlement),
                on_clock=self.offsets.append,
                # Tries follow each other at once: the draw is tested on its own.
                uniform=lambda low, high: low + 0.02,
            ),
        )
        return self.link

    async def start(self, **changes: Any) -> Rig:
        await self.aggregator.connect(run_blocking)
        await self.make_link(**changes).start()
        await self.synchronised()
        return self

    async def synchronised(self) -> None:
        """Wait until the clock is measured: only then a discharge may pass."""
        await self.until(lambda: self.link.clock_offset_s is not None)

    async def until(
        self, condition: Callable[[], Any], timeout_s: float = 10.0
    ) -> None:
        """Look every few milliseconds: the link changes without telling a test."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.005)

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def stop(self) -> None:
        await self.link.stop()
        self.aggregator.close()
        await asyncio.sleep(0)  # done callbacks of what has just ended
        assert not [t for t in self.tasks if "link" in t.get_name()]
        await asyncio.gather(*self.tasks)

    def _note_heard(self, programme_id: ProgrammeId, sequence: int) -> None:
        self.heard.append(sequence)
        self.on_heard(programme_id, sequence)

    def _on_problem(self, err: V2gError) -> None:
        self.problems.append(err)

    def _on_recovered(self) -> None:
        self.recoveries += 1
