"""One charging station across its connections: what it reports becomes events."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
import logging
from typing import Any, Final

from ..domain.capability import StationCapability
from ..domain.clock import Clock
from ..domain.events import (
    MeasurementReported,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from ..domain.ids import EvseKey, StationId, TransactionId
from ..domain.measurement import Measurement
from ..domain.ports import StationEventSink, VehicleAuthority
from .access import StationConfig
from .answers import AnswerCache
from .device_model import ModelSummary, capability_of
from .link import StationLink
from .metering import Receipt, parse_meter_values
from .reporter import Reporter
from .reports import ReportInbox
from .setpoints import SetpointWriter
from .store import BootData, StationRecord, StationStore
from .times import StationClock
from .transactions import (
    KEPT_ENDED,
    News,
    TransactionFrame,
    TransactionLedger,
    parse_transaction,
)
from .vehicles import VehicleTracker

_LOGGER = logging.getLogger(__name__)

LEDGER_SAVE_S: Final = 30.0
"""Sequence numbers of running transactions are written at most this often."""

_UNPLUGGED_TRIGGERS: Final = frozenset({"EVDeparted"})
_UNPLUGGED_REASONS: Final = frozenset({"EVDisconnected"})
_COMMUNICATION_LOST: Final = "EVCommunicationLost"
_IDLE: Final = "Idle"
_CHARGING: Final = "Charging"


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
    ) -> None:
        """Start with what the store kept of it."""
        self.config = config
        self.authority = authority
        self.clock = clock
        self.record = StationRecord()
        self.ledger = TransactionLedger()
        self.answers = AnswerCache()
        self.station_clock = StationClock()
        self.inbox = ReportInbox()
        self.reporter = Reporter(
            station_id=config.identity,
            sink=sink,
            evse_ids=lambda: self.summary.evse_ids,
            has_transaction=lambda evse_id: self.ledger.open_on(evse_id) is not None,
        )
        self.link: StationLink | None = None
        self.writer: SetpointWriter | None = None
        self.needs_attention = asyncio.Event()
        """Set when something asks for the station to be brought up again."""

        self.wants_boot = False
        """It spoke before it was accepted: it has to be asked to boot."""

        self._store = store
        self._sink = sink
        self._late_tokens: dict[TransactionId, Mapping[str, Any]] = {}
        self._ledger_saved_mono_s = float("-inf")
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
            return ModelSummary()
        return summary

    def capability(self, protocol: str) -> StationCapability:
        """Return what may be asked of it on a link of a protocol."""
        return capability_of(self.summary, protocol, self.config.dialect)

    # --- the link -------------------------------------------------------------

    def link_up(self, link: StationLink) -> None:
        """Take a new connection; what is known is told again."""
        self.link = link
        # Its own: whoever still waits for the old link must not take its attention.
        self.needs_attention = asyncio.Event()
        # Vehicles may have been swapped meanwhile: whoever is there has to say so.
        self.reporter.vehicles = VehicleTracker()
        self._late_tokens.clear()
        self.writer = SetpointWriter(
            name=self.station_id,
            link=link,
            clock=self.clock,
            station_clock=self.station_clock,
            has_updates=self.record.has_updates,
        )
        self.wants_boot = False
        self.post(StationConnected(station_id=self.station_id, protocol=link.protocol))
        if self.record.boot is not None:
            self._post_boot(self.record.boot)
            self._post_open_transactions()
            self.needs_attention.set()

    def link_down(self, cause: str) -> None:
        """Note that the connection is gone."""
        if self.link is None:
            return
        if self.writer is not None and self.writer.has_updates != (
            self.record.has_updates
        ):
            self.keep(replace(self.record, has_updates=self.writer.has_updates))
        self.link.shut()
        # A lost link is told as such; the next one starts without a grudge.
        self.reporter.report_answering(is_answering=True)
        self.link = None
        self.writer = None
        self.post(StationDisconnected(station_id=self.station_id, cause=cause))

    def boot(self, boot: BootData) -> None:
        """Note an accepted BootNotification: profiles may be gone, ids start anew."""
        is_known = self.record.summary is not None and self.is_registered
        self.record = replace(self.record, boot=boot)
        self._store.keep_now(self.station_id, self.record)
        self.answers.clear()
        self.station_clock.reset()
        if self.writer is not None:
            self.writer.forget_profiles()
        self._post_boot(boot)
        if is_known and self.link is not None:
            self.ready(has_floor_profile=False)
        self.wants_boot = False
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
            )
        )

    def keep(self, record: StationRecord) -> None:
        """Replace what is remembered, written soon."""
        self.record = record
        self._store.keep(self.station_id, record)

    # --- reports --------------------------------------------------------------

    def report_measurement(self, evse_id: int, measurement: Measurement) -> None:
        """Tell readings, if there are any."""
        if measurement != Measurement():
            key = self.key(evse_id)
            self.post(MeasurementReported(key=key, measurement=measurement))

    def report_transaction(self, payload: Mapping[str, Any]) -> None:
        """Take a TransactionEvent: once, in the order of its sequence numbers."""
        receipt = self.receipt(is_offline_replay=payload.get("offline") is True)
        frame = parse_transaction(payload, receipt.at)
        if not frame.is_offline:
            self.station_clock.learn(frame.at, receipt.at)
        evse_id = self._evse_of(frame)
        before = self.ledger.open_on(evse_id) if evse_id is not None else None
        news = self.ledger.apply(replace(frame, evse_id=evse_id))
        if news is News.DUPLICATE or evse_id is None:
            return
        measurement = parse_meter_values(payload.get("meterValue"), receipt)
        if news is News.NEW:
            is_replaced = before is not None and (
                before.transaction_id != frame.transaction_id
            )
            if is_replaced and frame.phase is not TransactionPhase.STARTED:
                self.reporter.vehicles.unplugged(evse_id)
            self._report_live(evse_id, frame)
        else:
            # Of a time before, perhaps of another vehicle.
            measurement = replace(measurement, soc_percent=None)
        self._take_token(evse_id, frame, payload.get("idToken"), news)
        self.report_measurement(evse_id, measurement)
        self._keep_ledger(frame, news, receipt.mono_s)

    def transaction_gone(self, transaction_id: str) -> None:
        """Tell the end of a transaction that the station says is not running."""
        record = next(
            (
                r
                for r in self.ledger.open_transactions()
                if r.transaction_id == transaction_id
            ),
            None,
        )
        if record is None or record.evse_id is None:
            return
        self.ledger.end(record.transaction_id)
        self.reporter.vehicles.unplugged(record.evse_id)
        self.keep(replace(self.record, transactions=self.ledger.records))
        if self.writer is not None:
            self.writer.forget_transaction(record.transaction_id)
        self.post(
            TransactionReported(
                key=self.key(record.evse_id),
                transaction_id=record.transaction_id,
                phase=TransactionPhase.ENDED,
                # Its end was not heard, so neither was what came after it.
                is_plugged=None,
            )
        )

    def may_discharge(self, evcc_id: str | None) -> bool:
        """Return True when the owner allowed V2X for a vehicle."""
        return self.authority.may_vehicle_discharge(self.station_id, evcc_id)

    def receipt(self, *, is_offline_replay: bool = False) -> Receipt:
        """Return when a frame that is read now came in."""
        return Receipt(
            mono_s=self.clock.monotonic(),
            at=self.now(),
            is_offline_replay=is_offline_replay,
            station_clock=self.station_clock,
        )

    def now(self) -> datetime:
        """Return the present UTC time."""
        return self.clock.utcnow()

    def key(self, evse_id: int) -> EvseKey:
        """Return the key of one of its EVSEs."""
        return EvseKey(self.station_id, evse_id)

    def post(self, event: StationEvent) -> None:
        """Hand an event to the site."""
        self._sink.post(event)

    # --- inside ---------------------------------------------------------------

    def _evse_of(self, frame: TransactionFrame) -> int | None:
        """Return the EVSE of a transaction; only one of its frames has to name it."""
        known = self.ledger.find(frame.transaction_id)
        evse_id = frame.evse_id or (known.evse_id if known is not None else None)
        evse_ids = self.summary.evse_ids or (1,)
        if evse_id is None and len(evse_ids) == 1:
            return evse_ids[0]
        if evse_id is None:
            _LOGGER.warning("%s: transaction names no EVSE", self.station_id)
        return evse_id

    def _take_token(
        self, evse_id: int, frame: TransactionFrame, id_token: object, news: News
    ) -> None:
        """Tell who the vehicle is, once its transaction is known to run now."""
        if frame.phase is TransactionPhase.ENDED:
            self._late_tokens.pop(frame.transaction_id, None)
            return
        if isinstance(id_token, Mapping):
            self._late_tokens[frame.transaction_id] = id_token
            while len(self._late_tokens) > KEPT_ENDED:
                del self._late_tokens[next(iter(self._late_tokens))]
        if news is News.NEW and not frame.is_offline:
            known = self._late_tokens.pop(frame.transaction_id, None)
            if known is not None:
                self.reporter.saw_token(evse_id, known)

    def _report_live(self, evse_id: int, frame: TransactionFrame) -> None:
        record = self.ledger.find(frame.transaction_id)
        state = record.charging_state if record is not None else frame.charging_state
        is_plugged = state != _IDLE and not (
            frame.trigger in _UNPLUGGED_TRIGGERS
            or frame.stopped_reason in _UNPLUGGED_REASONS
        )
        is_ended = frame.phase is TransactionPhase.ENDED
        if frame.trigger == _COMMUNICATION_LOST:
            self.reporter.communication_lost(evse_id)
        elif frame.phase is not TransactionPhase.UPDATED or (
            frame.charging_state == _CHARGING
        ):
            self.reporter.vehicle_found(evse_id)
        self.post(
            TransactionReported(
                key=self.key(evse_id),
                transaction_id=frame.transaction_id,
                phase=frame.phase,
                is_offline_replay=frame.is_offline,
                is_plugged=is_plugged,
                charging_state=frame.charging_state,
                operation_mode=frame.operation_mode,
                trigger=frame.trigger,
                stopped_reason=frame.stopped_reason,
            )
        )
        if is_ended:
            if self.writer is not None:
                self.writer.forget_transaction(frame.transaction_id)
            self.reporter.report_stop_reason(evse_id, frame.stopped_reason)

    def _keep_ledger(
        self, frame: TransactionFrame, news: News, now_mono_s: float
    ) -> None:
        self.record = replace(self.record, transactions=self.ledger.records)
        if news is News.NEW and frame.phase is not TransactionPhase.UPDATED:
            self._store.keep_now(self.station_id, self.record)
        elif now_mono_s - self._ledger_saved_mono_s >= LEDGER_SAVE_S:
            self._ledger_saved_mono_s = now_mono_s
            self._store.keep(self.station_id, self.record)

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

    def _post_open_transactions(self) -> None:
        for record in self.ledger.open_transactions():
            if record.evse_id is not None:
                self.post(
                    TransactionReported(
                        key=self.key(record.evse_id),
                        transaction_id=record.transaction_id,
                        phase=TransactionPhase.UPDATED,
                        is_offline_replay=not record.has_been_live,
                        is_recalled=True,
                        is_plugged=record.charging_state != _IDLE,
                        charging_state=record.charging_state,
                        operation_mode=record.operation_mode,
                    )
                )
