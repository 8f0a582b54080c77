"""What transactions of a station mean for the site: once each, in their order."""

from collections.abc import Mapping
from dataclasses import replace
import logging
from typing import Any, Final, Protocol

from ..domain.events import StationEvent, TransactionPhase, TransactionReported
from ..domain.ids import EvseKey, StationId, TransactionId, is_evse_id
from ..domain.measurement import Measurement
from .device_model import ModelSummary
from .metering import Receipt, parse_meter_values
from .reporter import Reporter
from .transactions import KEPT_ENDED, News, TransactionFrame, TransactionLedger
from .vehicles import VehicleTracker
from .versions import V16

_LOGGER = logging.getLogger(__name__)

LEDGER_SAVE_S: Final = 30.0
"""Sequence numbers of running transactions are written at most this often."""

_UNPLUGGED_TRIGGERS: Final = frozenset({"EVDeparted"})
_UNPLUGGED_REASONS: Final = frozenset({"EVDisconnected"})
_POWER_LOST: Final = "PowerLoss"
_COMMUNICATION_LOST: Final = "EVCommunicationLost"
_IDLE: Final = "Idle"
_CHARGING: Final = "Charging"


class TransactionHost(Protocol):
    """The station that transactions are of."""

    ledger: TransactionLedger
    reporter: Reporter

    @property
    def station_id(self) -> StationId:
        """Its identity."""

    @property
    def summary(self) -> ModelSummary:
        """Its device model."""

    def key(self, evse_id: int) -> EvseKey:
        """Return the key of one of its EVSEs."""

    def post(self, event: StationEvent) -> None:
        """Hand an event to the site."""

    def report_measurement(self, evse_id: int, measurement: Measurement) -> None:
        """Tell readings, if there are any."""

    def forget_transaction(self, transaction_id: TransactionId) -> None:
        """Drop the profiles of a transaction that ended."""

    def keep_ledger(self, *, is_urgent: bool) -> None:
        """Write what is remembered of transactions, at once or soon."""


class TransactionReporter:
    """Applies frames to the ledger of one station and tells what is news."""

    def __init__(self, station: TransactionHost) -> None:
        """Know no token yet."""
        self._station = station
        self._late_tokens: dict[TransactionId, Mapping[str, Any]] = {}
        self._ledger_saved_mono_s = float("-inf")
        self._said: dict[int, tuple[object, ...]] = {}
        """What was told last of an EVSE, if that was the step of a transaction."""

    def said_otherwise(self) -> None:
        """Note that something else was told: what a transaction says is news again."""
        self._said.clear()

    def link_up(self) -> None:
        """Forget who was there: vehicles may have been swapped meanwhile."""
        self._station.reporter.vehicles = VehicleTracker()
        self._late_tokens.clear()

    def report(
        self,
        frame: TransactionFrame,
        receipt: Receipt,
        *,
        meter_values: object = None,
        id_token: object = None,
    ) -> None:
        """Take a step of a transaction.

        Args:
            frame: what happened, in the words of 2.x.
            receipt: when the frame came in.
            meter_values: as on the wire; None without any.
            id_token: as 2.x writes one; None without one.
        """
        station = self._station
        evse_id = self._evse_of(frame)
        before = station.ledger.open_on(evse_id) if evse_id is not None else None
        if frame.evse_id != evse_id:
            frame = replace(frame, evse_id=evse_id)
        news = station.ledger.apply(frame)
        if news is News.DUPLICATE or evse_id is None:
            return
        measurement = parse_meter_values(meter_values, receipt)
        if news is News.NEW:
            is_replaced = before is not None and (
                before.transaction_id != frame.transaction_id
            )
            if is_replaced and frame.phase is not TransactionPhase.STARTED:
                station.reporter.vehicles.unplugged(evse_id)
            self._report_live(evse_id, frame)
        else:
            # Of a time before, perhaps of another vehicle.
            measurement = replace(measurement, soc_percent=None)
        self._take_token(evse_id, frame, id_token, news)
        station.report_measurement(evse_id, measurement)
        self._keep(frame, news, receipt.mono_s)

    def gone(self, transaction_id: str) -> None:
        """Tell the end of a transaction that the station says is not running."""
        station = self._station
        record = station.ledger.find(TransactionId(transaction_id))
        if record is None or record.is_ended or record.evse_id is None:
            return
        station.ledger.end(record.transaction_id)
        station.reporter.vehicles.unplugged(record.evse_id)
        station.keep_ledger(is_urgent=False)
        station.forget_transaction(record.transaction_id)
        station.post(
            TransactionReported(
                key=station.key(record.evse_id),
                transaction_id=record.transaction_id,
                phase=TransactionPhase.ENDED,
                # Its end was not heard, so neither was what came after it.
                is_plugged=None,
            )
        )

    def recall(self, protocol: str) -> None:
        """Tell the open transactions from memory at a new link.

        Ids of 1.6 are numbers: a transaction with another one was of a version that the
        station speaks no more, and cannot go on.
        """
        station = self._station
        for record in station.ledger.open_transactions():
            if protocol == V16.protocol and not record.transaction_id.isdecimal():
                self.gone(record.transaction_id)
            elif record.evse_id is not None:
                station.post(
                    TransactionReported(
                        key=station.key(record.evse_id),
                        transaction_id=record.transaction_id,
                        phase=TransactionPhase.UPDATED,
                        is_offline_replay=not record.has_been_live,
                        is_recalled=True,
                        is_plugged=record.charging_state != _IDLE,
                        charging_state=record.charging_state,
                        operation_mode=record.operation_mode,
                    )
                )

    # --- inside ---------------------------------------------------------------

    def _evse_of(self, frame: TransactionFrame) -> int | None:
        """Return the EVSE of a transaction: the first that one of its frames named.

        It never moves: its stop would be sent nowhere.
        """
        known = self._station.ledger.find(frame.transaction_id)
        evse_id = known.evse_id if known is not None else None
        if frame.evse_id and evse_id is None:
            return frame.evse_id if is_evse_id(frame.evse_id) else None
        evse_ids = self._station.summary.evse_ids or (1,)
        if evse_id is None and len(evse_ids) == 1:
            return evse_ids[0]
        if evse_id is None:
            _LOGGER.warning("%s: transaction names no EVSE", self._station.station_id)
        return evse_id

    def _take_token(
        self, evse_id: int, frame: TransactionFrame, id_token: object, news: News
    ) -> None:
        """Tell who the vehicle is, once its transaction is known to run now."""
        if frame.phase is TransactionPhase.ENDED:
            self._late_tokens.pop(frame.transaction_id, None)
            return
        if id_token is not None and isinstance(id_token, Mapping):
            self._late_tokens[frame.transaction_id] = id_token
            while len(self._late_tokens) > KEPT_ENDED:
                del self._late_tokens[next(iter(self._late_tokens))]
        if news is News.NEW and not frame.is_offline:
            known = self._late_tokens.pop(frame.transaction_id, None)
            if known is not None:
                self._station.reporter.saw_token(evse_id, known)

    def _report_live(self, evse_id: int, frame: TransactionFrame) -> None:
        record = self._station.ledger.find(frame.transaction_id)
        state = record.charging_state if record is not None else frame.charging_state
        is_plugged = state != _IDLE and not (
            frame.trigger in _UNPLUGGED_TRIGGERS
            or frame.stopped_reason in _UNPLUGGED_REASONS
        )
        is_ended = frame.phase is TransactionPhase.ENDED
        if frame.trigger == _COMMUNICATION_LOST:
            self._station.reporter.communication_lost(evse_id)
        elif (
            # Its end alone proves nothing: a vehicle that was lost is why it ended.
            not is_plugged
            or frame.phase is TransactionPhase.STARTED
            or (not is_ended and frame.charging_state == _CHARGING)
        ):
            self._station.reporter.vehicle_found(evse_id)
        said = (
            frame.transaction_id,
            frame.phase,
            frame.is_offline,
            is_plugged,
            frame.charging_state,
            frame.operation_mode,
        )
        if self._said.get(evse_id) == said:
            # Periodic readings repeat it: it was told, and nothing else since.
            return
        self._station.post(
            TransactionReported(
                key=self._station.key(evse_id),
                transaction_id=frame.transaction_id,
                phase=frame.phase,
                is_offline_replay=frame.is_offline,
                is_plugged=is_plugged,
                charging_state=frame.charging_state,
                operation_mode=frame.operation_mode,
                trigger=frame.trigger,
                stopped_reason=frame.stopped_reason,
                has_lost_power=frame.stopped_reason == _POWER_LOST,
            )
        )
        self._said[evse_id] = said
        if is_ended:
            self._station.forget_transaction(frame.transaction_id)
            self._station.reporter.report_stop_reason(evse_id, frame.stopped_reason)

    def _keep(self, frame: TransactionFrame, news: News, now_mono_s: float) -> None:
        if news is News.NEW and frame.phase is not TransactionPhase.UPDATED:
            self._station.keep_ledger(is_urgent=True)
        elif now_mono_s - self._ledger_saved_mono_s >= LEDGER_SAVE_S:
            self._ledger_saved_mono_s = now_mono_s
            self._station.keep_ledger(is_urgent=False)
