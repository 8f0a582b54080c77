"""One charging station across its connections: what it reports becomes events."""

import asyncio
from dataclasses import replace
from datetime import datetime
import logging
from typing import Final

from ..domain.capability import StationCapability
from ..domain.clock import Clock
from ..domain.events import (
    MeasurementReported,
    StationBooted,
    StationClockReported,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
)
from ..domain.ids import EvseKey, StationId, TransactionId
from ..domain.measurement import Measurement
from ..domain.ports import HomeCertificates, StationEventSink, VehicleAuthority
from ..domain.security import SecurityEvent
from .access import StationConfig
from .addresses import other_addresses
from .answers import AnswerCache
from .certificates import CertificateDesk
from .clock_desk import ClockDesk
from .device_model import ModelSummary, capability_of
from .frames import Payload
from .grid_desk import GridRecord
from .link import StationLink
from .login import Login
from .metering import Receipt
from .pending_starts import PendingStarts
from .rate import RateLimit
from .recorder import FrameRecorder
from .reporter import Reporter
from .reports import ReportInbox
from .security_log import SecurityLog
from .setpoints import SetpointWriter
from .start_numbers import NumberGiver, StartNumbers
from .store import BootData, StationRecord, StationStore
from .streams import StreamBoard
from .transaction_reporter import TransactionReporter
from .transactions import TransactionLedger
from .uploads import DialledAddress, UploadDesk
from .visit import Visit

_LOGGER = logging.getLogger(__name__)


ANSWER_PAUSE_S: Final = 0.05
"""More than the 20 ms that some charge points need before a start is answered."""

KEEP_TIMEOUT_S: Final = 2.0
"""House rule: how long an answer may wait for the disk."""


_NOTHING: Final = Measurement()


class Station:
    """The state of one identity; it outlives sockets and, in part, restarts."""

    def __init__(
        self,
        *,
        config: StationConfig,
        store: StationStore,
        sink: StationEventSink,
        authority: VehicleAuthority,
        clock: Clock,
        certificates: CertificateDesk | None = None,
        uploads: UploadDesk | None = None,
        home: HomeCertificates | None = None,
        visit: Visit | None = None,
    ) -> None:
        """Start with what the store kept of it."""
        self.visit = visit
        """Why it only waits; None for a station of the home."""

        self.home = home
        """What is known of the certificates of the home, None where nothing is."""

        self.uploads = uploads or UploadDesk()
        """Where it may leave a log that was asked for."""

        self.dialled: DialledAddress | None = None
        """How it reached the listener; None before it did."""

        self.certificates = certificates
        """Where it gets certificates; None: nobody signs any."""

        self.config = config
        self.authority = authority
        self.clock = clock
        self.record = StationRecord()
        self.ledger = TransactionLedger()
        self.answers = AnswerCache()
        self.clocks = ClockDesk(config.identity, clock, self.post)
        self.inbox = ReportInbox()
        self.streams = StreamBoard()
        self.grid = GridRecord(
            config.identity,
            sink,
            clock,
            lambda: self.record.grid_notes,
            lambda notes: self.keep(replace(self.record, grid_notes=notes)),
        )
        self.recorder = FrameRecorder(clock)
        self.rate = RateLimit(clock.monotonic())
        self.security = SecurityLog(config.identity, sink, clock)
        self.reporter = Reporter(
            station_id=config.identity,
            clock=clock,
            # Through us: what it tells makes steps of transactions news again.
            sink=self,
            evse_ids=lambda: self.summary.evse_ids,
            has_transaction=lambda evse_id: self.ledger.open_on(evse_id) is not None,
        )
        self.transactions = TransactionReporter(self)
        self.starts = PendingStarts()
        self.numbers = NumberGiver(lambda: self.record.numbers, self._keep_numbers)
        self.link: StationLink | None = None
        self.writer: SetpointWriter | None = None
        self.needs_attention = asyncio.Event()
        """Set when something asks for the station to be brought up again."""

        self.wants_boot = False
        """It spoke before it was accepted: it has to be asked to boot."""

        self.life = 0
        """Counts links and boots: what was found out in one says nothing of the next."""

        self.login = Login(self)
        self._link_up_mono_s = 0.0
        self._store = store
        self._sink = sink
        self.restore()

    def restore(self) -> None:
        """Take what the store kept; only while no link is up."""
        self.record = self._store.find(self.config.identity)
        self.ledger = TransactionLedger(self.record.transactions)

    @property
    def station_id(self) -> StationId:
        """Its identity."""
        return self.config.identity

    @property
    def is_registered(self) -> bool:
        """True once a BootNotification was accepted, in this life or before."""
        return self.record.boot is not None

    @property
    def summary(self) -> ModelSummary:
        """Its device model; the safe defaults until it was read for its firmware."""
        summary, boot = self.record.summary, self.record.boot
        if summary is None or boot is None or summary.firmware != boot.firmware:
            summary = ModelSummary()
        if self.config.supply_phases is not None:
            summary = replace(summary, supply_phases=self.config.supply_phases)
        return summary

    def capability(self, protocol: str) -> StationCapability:
        """Return what may be asked of it on a link of a protocol."""
        config = self.config
        return capability_of(self.summary, protocol, config.dialect, config.vendor)

    # --- the link -------------------------------------------------------------

    def link_up(self, link: StationLink) -> None:
        """Take a new connection; what is known is told again."""
        self.link, self.life = link, self.life + 1
        if self.visit is not None:
            # It may count from 1 again, and its boot is news on every link.
            self.answers.clear()
        self._link_up_mono_s = self.clock.monotonic()
        # Its own: whoever still waits for the old link must not take its attention.
        self.needs_attention = asyncio.Event()
        self.transactions.link_up()
        self.clocks.relinked()
        self.streams.relinked()
        self.writer = SetpointWriter(
            name=self.station_id,
            link=link,
            clock=self.clock,
            station_clock=self.clocks.station_clock,
            has_updates=self.record.has_updates,
            is_zero_idle=self.record.is_zero_idle,
            vendor=self.config.vendor,
        )
        self.wants_boot = False
        self.recorder.connected(link.protocol)
        self.post(StationConnected(station_id=self.station_id, protocol=link.protocol))
        if self.record.boot is not None:
            self._post_boot(self.record.boot)
            self.transactions.recall(link.protocol)
            self.needs_attention.set()

    def link_down(self, cause: str) -> None:
        """Note that the connection is gone."""
        if self.link is None:
            return
        if self.writer is not None:
            learnt = replace(
                self.record,
                has_updates=self.writer.has_updates,
                is_zero_idle=self.writer.is_zero_idle,
            )
            if learnt != self.record:
                self.keep(learnt)
        self.link.shut()
        self.starts.end_all()
        # A lost link is told as such; the next one starts without a grudge.
        self.reporter.report_answering(is_answering=True)
        self.link, self.life = None, self.life + 1
        self.writer = None
        self.recorder.closed(cause)
        self.post(StationDisconnected(station_id=self.station_id, cause=cause))

    def boot(self, boot: BootData) -> None:
        """Note an accepted BootNotification: profiles may be gone, ids start anew."""
        self.life += 1
        is_known = self.record.summary is not None and self.is_registered
        self.record = self.record.after_boot(boot)
        self._store.keep_now(self.station_id, self.record)
        self.answers.clear()
        self.streams.clear()
        self.clocks.forget()
        if self.writer is not None:
            self.writer.forget_profiles()
            self.writer.has_updates = self.record.has_updates
            self.writer.is_zero_idle = self.record.is_zero_idle
        self._post_boot(boot)
        if is_known and self.link is not None:
            self.ready(has_floor_profile=False)
        self.wants_boot = False
        self.login.keep()
        self.needs_attention.set()

    def ready(self, *, has_floor_profile: bool) -> None:
        """Tell that the device model was read, and whether the floor is confirmed."""
        if self.link is None:
            return
        self.post(
            StationReady(
                station_id=self.station_id,
                capability=self.capability(self.link.protocol),
                has_floor_profile=has_floor_profile,
                other_addresses=other_addresses(
                    self.summary.csms_urls, self.dialled, self.station_id
                ),
            )
        )

    async def revoke_certificates(self, serial_number: str | None) -> tuple[str, ...]:
        """Let nobody in with certificates of this station; return which.

        They are on disk before this returns, and a link that came with one is closed.
        """
        revoked = self.login.certificates_of(serial_number)
        if revoked:
            await self._store.revoke(revoked, self.station_id)
            self.security.happened(SecurityEvent.CERTIFICATE_REVOKED)
            self.login.end(revoked)
        return revoked

    def keep(self, record: StationRecord) -> None:
        """Replace what is remembered, written soon."""
        self.record = record
        self._store.keep(self.station_id, record)

    # --- reports --------------------------------------------------------------

    def report_measurement(self, evse_id: int, measurement: Measurement) -> None:
        """Tell readings, if there are any."""
        if measurement != _NOTHING:
            self.streams.compare(evse_id, measurement.power_w)
            key = self.key(evse_id)
            self.post(MeasurementReported(key=key, measurement=measurement))

    def take_stream(self, payload: Payload) -> None:
        """Take values of a periodic event stream; others are dropped."""
        taken = self.streams.take(payload, self.receipt())
        if taken is None:
            return
        evse_id, measurement = taken
        if measurement is not None:
            key = self.key(evse_id)
            self.post(MeasurementReported(key=key, measurement=measurement))
        if self.streams.is_congested:
            self.needs_attention.set()

    def forget_transaction(self, transaction_id: TransactionId) -> None:
        """Drop the profiles of a transaction that ended."""
        if self.writer is not None:
            self.writer.forget_transaction(transaction_id)

    def keep_ledger(self, *, is_urgent: bool) -> None:
        """Write what is remembered of transactions, at once or soon."""
        self.record = replace(self.record, transactions=self.ledger.records)
        write = self._store.keep_now if is_urgent else self._store.keep
        write(self.station_id, self.record)

    def may_discharge(self, evcc_id: str | None) -> bool:
        """Return True when the owner allowed V2X for a vehicle."""
        return self.authority.may_vehicle_discharge(self.station_id, evcc_id)

    async def answer_when_kept(self, answer: Payload) -> Payload:
        """Return an answer once what it promises is on disk.

        A disk that fails must not keep a charge point from charging: then the answer
        only comes later. A short pause is always made, because some charge points drop
        the link when a start is answered within 20 ms.
        """
        await asyncio.sleep(ANSWER_PAUSE_S)
        try:
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                await self._store.kept(self.station_id, self.record)
        except TimeoutError:
            _LOGGER.warning("%s: state not saved in time", self.station_id)
        return answer

    def link_age_s(self) -> float:
        """Return how long the present link is up, s."""
        return self.clock.monotonic() - self._link_up_mono_s

    def receipt(self, *, is_offline_replay: bool = False) -> Receipt:
        """Return when a frame that is read now came in."""
        return Receipt(
            mono_s=self.clock.monotonic(),
            at=self.now(),
            is_offline_replay=is_offline_replay,
            station_clock=self.clocks.station_clock,
        )

    def now(self) -> datetime:
        """Return the present UTC time."""
        return self.clock.utcnow()

    def key(self, evse_id: int) -> EvseKey:
        """Return the key of one of its EVSEs."""
        return EvseKey(self.station_id, evse_id)

    def post(self, event: StationEvent) -> None:
        """Hand an event to the site."""
        if not isinstance(event, MeasurementReported | StationClockReported):
            self.transactions.said_otherwise()
        self._sink.post(event)

    # --- inside ---------------------------------------------------------------

    def _keep_numbers(self, numbers: StartNumbers) -> None:
        self.record = replace(self.record, numbers=numbers)

    def _post_boot(self, boot: BootData) -> None:
        self.post(
            StationBooted(
                station_id=self.station_id,
                vendor=boot.vendor,
                model=boot.model,
                serial_number=boot.serial_number,
                firmware=boot.firmware,
            )
        )
