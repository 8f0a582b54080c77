"""The calls to charging stations beside the setpoint, each in a task of its own."""

from collections.abc import Awaitable, Callable
import logging

from ..domain.clock import Clock
from ..domain.ports import Spawn, StationPort
from ..domain.setpoint import SetpointWrite, WriteResult, WriteStatus
from .records import EvseRecord

_LOGGER = logging.getLogger(__name__)

END_RETRY_S = 5.0
"""An end of a transaction that did not come is asked for again after this."""

OPERATIVE_RETRY_S = 15.0
"""A station that did not take its EVSE back into operation is asked again."""

LOUD_FAILURE = 2
"""A command that fails once is told again at once: it met a transaction that had just
ended, or a vehicle that had not told its needs yet (OCPP 2.1, K01). What fails again is
said aloud, its further repetitions are not."""

_FAILED = (WriteStatus.REJECTED, WriteStatus.TIMEOUT, WriteStatus.OFFLINE)


class StationCalls:
    """Ask stations for what is no setpoint, never twice at a time."""

    def __init__(self, port: StationPort, clock: Clock, spawn: Spawn) -> None:
        """Reach the stations by ``port``."""
        self._port, self._clock, self._spawn = port, clock, spawn

    def end_transaction(self, record: EvseRecord, now_mono_s: float) -> None:
        """Ask the station to open the contactor, at most once per retry time."""
        transaction_id = record.session.transaction_id
        if transaction_id is None or now_mono_s < record.next_end_mono_s:
            return
        # It may be asked for again for hours: the first of a series is said aloud.
        is_again = now_mono_s < record.next_end_mono_s + END_RETRY_S
        record.next_end_mono_s = now_mono_s + END_RETRY_S
        level = logging.DEBUG if is_again else logging.INFO
        _LOGGER.log(level, "%s: ending the transaction", record.key)
        self._spawn(
            self._note(record, self._port.end_transaction(record.key, transaction_id)),
            f"v2g_vpp end {record.key}",
        )

    def tell_zero(
        self, record: EvseRecord, write_interval_s: float, now_mono_s: float
    ) -> None:
        """Tell 0 W without a transaction, no more often than a charger bears."""
        if now_mono_s < record.next_end_mono_s:
            return
        record.next_end_mono_s = now_mono_s + max(END_RETRY_S, write_interval_s)
        write = SetpointWrite(
            key=record.key,
            power_w=0.0,
            transaction_id=None,
            decided_mono_s=now_mono_s,
        )
        call = self._port.write_setpoint(write)
        self._spawn(self._note(record, call), f"v2g_vpp zero {record.key}")

    def close_link(self, record: EvseRecord) -> None:
        """Write nothing for a while, so that a station can end a power by itself."""
        call = self._port.close_link(record.key.station_id)
        self._spawn(call, f"v2g_vpp close {record.key}")

    def allow_energy_transfer(self, record: EvseRecord, *, may_discharge: bool) -> None:
        """Tell a running transaction that the owner changed the V2X permission."""
        transaction_id = record.session.transaction_id
        if transaction_id is None:
            return
        call = self._port.allow_energy_transfer(
            record.key, transaction_id, may_discharge=may_discharge
        )
        self._spawn(self._note(record, call), f"v2g_vpp v2x {record.key}")

    def clear_profile(self, record: EvseRecord) -> None:
        """Remove the transaction profile of an EVSE at rest; the floor stays."""
        self._spawn(
            self._note(record, self._port.clear_charging_profile(record.key)),
            f"v2g_vpp clear {record.key}",
        )

    def make_inoperative(self, record: EvseRecord) -> None:
        """Take an EVSE out of operation; it is remembered until it is taken back."""
        record.is_made_inoperative = True
        record.has_news_to_save = True
        _LOGGER.warning("%s: taken out of operation", record.key)
        call = self._port.change_availability(record.key, is_operative=False)
        self._spawn(self._note(record, call), f"v2g_vpp inoperative {record.key}")

    def make_operative(self, record: EvseRecord, now_mono_s: float) -> None:
        """Take an EVSE back into operation, asked again until the station does it."""
        if now_mono_s < record.next_operative_mono_s:
            return
        record.next_operative_mono_s = now_mono_s + OPERATIVE_RETRY_S
        self._spawn(self._make_operative(record), f"v2g_vpp operative {record.key}")

    def reset(self, record: EvseRecord, *, is_closing: bool) -> None:
        """Reset the station at once; ``is_closing`` its link too, whatever it says."""
        self._spawn(self._reset(record, is_closing), f"v2g_vpp reset {record.key}")

    def check_schedule(
        self,
        record: EvseRecord,
        asked_w: float,
        take: Callable[[EvseRecord, float | None, float], None],
    ) -> None:
        """Ask a station what it does now and hand the answer on."""
        self._spawn(
            self._check_schedule(record, asked_w, take),
            f"v2g_vpp schedule {record.key}",
        )

    def take_result(self, record: EvseRecord, result: WriteResult) -> None:
        """Note how a command ended and wake whoever waits for it."""
        record.last_result = result
        record.news.set()
        if result.is_accepted:
            record.failures = 0
        if result.status not in _FAILED:
            return
        record.failures += 1
        _LOGGER.log(
            logging.WARNING if record.failures == LOUD_FAILURE else logging.DEBUG,
            "%s: not taken: %s %s",
            record.key,
            result.status,
            result.detail,
        )

    async def _note(self, record: EvseRecord, call: Awaitable[WriteResult]) -> None:
        self.take_result(record, await call)

    async def _check_schedule(
        self,
        record: EvseRecord,
        asked_w: float,
        take: Callable[[EvseRecord, float | None, float], None],
    ) -> None:
        take(record, await self._port.read_schedule(record.key), asked_w)

    async def _make_operative(self, record: EvseRecord) -> None:
        result = await self._port.change_availability(record.key, is_operative=True)
        self.take_result(record, result)
        if result.is_accepted:
            _LOGGER.info("%s: back in operation", record.key)
            record.is_made_inoperative = False
            record.has_news_to_save = True

    async def _reset(self, record: EvseRecord, is_closing: bool) -> None:  # noqa: FBT001
        self.take_result(record, await self._port.reset(record.key))
        if is_closing:
            # It is written to no more: closed, its own dead-man has the last word.
            await self._port.close_link(record.key.station_id)
