"""Bring an EVSE to rest that was told 0 W: the stop ladder, and the way back down."""

import logging

from ..control.stop_ladder import LadderAction, StopProgress, has_stopped
from ..domain.calibration import believable_w
from ..domain.faults import FaultCode
from ..domain.measurement import fresh_value
from ..domain.self_test import LOSS_OF_FAULT, ProofLoss, SelfTestStatus
from ..domain.session import with_fault
from .proof_loss import lose_proof
from .records import EvseRecord
from .registry import Registry
from .station_calls import StationCalls

_LOGGER = logging.getLogger(__name__)

_DISPROVING = frozenset(
    {
        "wrong_direction",
        "wrong_size",
        "does_not_return_to_zero",
        "does_not_stop_by_itself",
    }
)


class StopDesk:
    """Climb the stop ladder of each EVSE and put back what it took away."""

    def __init__(self, registry: Registry, calls: StationCalls) -> None:
        """Work on the records; ``calls`` reach the stations."""
        self._registry, self._calls = registry, calls

    def climb(self, record: EvseRecord, now_mono_s: float) -> None:
        """Do what is due for one EVSE after its setpoint was delivered."""
        station = self._registry.station_of(record.key)
        is_wanted = (
            station.session.is_connected
            and record.setpoint.power_w == 0
            and (
                record.session.transaction_id is not None
                or self._is_discharging(record, now_mono_s)
            )
            and not record.is_left_alone
        )
        is_flowing = is_wanted and not self.has_stopped(record, now_mono_s)
        if does_not_stop(record):
            # The top of the ladder: what is left is to ask for its end again.
            if is_flowing and not self._leaves_to_its_own_end(record, now_mono_s):
                self._ask_for_the_end(record, now_mono_s)
            return
        action = record.ladder.step(
            StopProgress(
                is_wanted=is_wanted,
                measured_power_w=measured_w(record, now_mono_s),
                is_acknowledged=record.delivery.is_stop_acknowledged,
                rating_w=self.rating_w(record),
                meter_period_s=record.meter_period.period_s,
            ),
            record.fingerprint,
            now_mono_s,
        )
        if action is not None:
            self._act(record, action)
        is_ended = action is LadderAction.END_TRANSACTION
        if is_ended and measured_w(record, now_mono_s) is None:
            # The next transaction begins with a reading, which is no meter yet.
            record.meter_period.doubt()
        # A refused or ignored end is asked for again, until nothing flows.
        has_transaction = record.session.transaction_id is not None
        if is_flowing and (record.ladder.is_ending or not has_transaction):
            self._ask_for_the_end(record, now_mono_s)
        self._take_back(record, now_mono_s)

    def has_stopped(self, record: EvseRecord, now_mono_s: float) -> bool:
        """Return True when the meter shows that nothing flows any more.

        A stale meter proves nothing; then the stop ladder ends the transaction.
        """
        power_w = measured_w(record, now_mono_s)
        return has_stopped(power_w, self.rating_w(record), record.fingerprint)

    def is_silenced(self, record: EvseRecord) -> bool:
        """Return True where each word would put off the end that a station has itself.

        One that has none is told 0 W for as long as it takes.
        """
        return does_not_stop(record) and self._registry.is_ended_by_silence(record)

    def _ask_for_the_end(self, record: EvseRecord, now_mono_s: float) -> None:
        """Ask for the end of a transaction, or where there is none for 0 W.

        Only what is known through entities takes one without a transaction.
        """
        if record.session.transaction_id is not None:
            self._calls.end_transaction(record, now_mono_s)
        elif self._registry.is_of_entities(record.key):
            interval_s = self._registry.timing_of(record).write_interval_s
            self._calls.tell_zero(record, interval_s, now_mono_s)

    def _leaves_to_its_own_end(self, record: EvseRecord, now_mono_s: float) -> bool:
        """Leave a charger alone for once after a start, so that it ends by itself.

        A restart cuts the time short that it was left alone after the ladder, and who
        asks for the end of what flows would put the own end off for ever.
        """
        if (
            record.has_been_left_to_end
            or not self._registry.is_of_entities(record.key)
            or not self._registry.is_ended_by_silence(record)
        ):
            return False
        if measured_w(record, now_mono_s) is not None:
            record.has_been_left_to_end = True
            self._calls.close_link(record)
        return True

    def _is_discharging(self, record: EvseRecord, now_mono_s: float) -> bool:
        """Return True when the meter shows a discharge, transaction or not.

        Without one no setpoint reaches a station of OCPP any more; the rungs above
        still do.
        """
        power_w = measured_w(record, now_mono_s)
        return (
            power_w is not None
            and power_w < 0
            and (not self.has_stopped(record, now_mono_s))
        )

    def rating_w(self, record: EvseRecord) -> float:
        """Return the rating of the station of an EVSE, W."""
        return self._registry.station_of(record.key).limits.max_charge_power_w

    def _act(self, record: EvseRecord, action: LadderAction) -> None:
        match action:
            case LadderAction.RENEW:
                record.delivery.renew()
            case LadderAction.MAKE_INOPERATIVE:
                # Its zero does not work: without one there is no discharge.
                lose_proof(record, ProofLoss.DOES_NOT_STOP)
                self._calls.make_inoperative(record)
            case LadderAction.RESET:
                _LOGGER.error(
                    "%s: the station does not stop: open its breaker", record.key
                )
                latch(record, FaultCode.STATION_DOES_NOT_STOP)
                is_closing = self._registry.is_ended_by_silence(record)
                record.has_been_left_to_end = is_closing
                self._calls.reset(record, is_closing=is_closing)
            case _:
                pass

    def _take_back(self, record: EvseRecord, now_mono_s: float) -> None:
        """Take an EVSE back into operation once it rests and nothing is latched."""
        session = record.session
        station = self._registry.station_of(record.key).session
        is_over = session.transaction_id is None or not session.is_plugged
        is_at_rest = is_over or (
            not record.ladder.is_ending and self.has_stopped(record, now_mono_s)
        )
        is_due = record.is_made_inoperative and station.is_connected
        if is_due and is_at_rest and not session.is_latched:
            self._calls.make_operative(record, now_mono_s)


def latch(record: EvseRecord, code: FaultCode) -> None:
    """Latch a fault that was found here: it has no cause that could end by itself."""
    faulted = with_fault(record.session, code, is_active=True)
    record.session = with_fault(faulted, code, is_active=False)
    lose_proof(record, LOSS_OF_FAULT[code])


def is_disproof(status: SelfTestStatus) -> bool:
    """Return True for a self-test that measured the opposite of an older proof.

    One that was interrupted, or saw nothing, says nothing of what was proven before.
    """
    return status.failure in _DISPROVING or status.wiring is not None


def does_not_stop(record: EvseRecord) -> bool:
    """Return True from the end of the stop ladder to the owner's reset.

    Not only while it flows: what such a station makes of the next 0 W is not known,
    and its dead-man has just ended the flow.
    """
    return FaultCode.STATION_DOES_NOT_STOP in record.session.faults


def measured_w(record: EvseRecord, now_mono_s: float) -> float | None:
    """Return the power that must be reckoned with, W; None when the meter is stale.

    The larger of what the meter shows and what its calibration makes of it.
    """
    reading = record.session.measurement.power_w
    raw_w = fresh_value(reading, now_mono_s, record.meter_period.max_age_s)
    if raw_w is None:
        return None
    return max(believable_w(raw_w, record.calibration), key=abs)
