"""Watch the grid and the heat at each EVSE, before anything is decided for it."""

import logging

from ..control.contactor import ContactorObserved
from ..control.frequency_meter import FollowingCharger, support_refusal
from ..control.grid import GridCause, GridObserved, GridState, GridVerdict
from ..domain.faults import FaultCode
from ..domain.heat import HANDLE_FRESH_S
from ..domain.measurement import LONGEST_STALE_AFTER_S, Reading, fresh_value
from ..domain.session import with_fault
from ..domain.state import InverterMode, flow_threshold_w
from .order_verdict import is_awaited
from .records import EvseRecord
from .registry import Registry
from .stop_desk import measured_w

_LOGGER = logging.getLogger(__name__)

SILENT_FOR_GOOD_S = 3600.0
"""House rule: a station that did not tell its frequency for an hour tells it no more."""

FREQUENCY_CAUSES = frozenset(
    {GridCause.UNDER_FREQUENCY, GridCause.OVER_FREQUENCY, GridCause.IMPLAUSIBLE}
)
NOT_ENERGISED = frozenset({"SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"})
"""Charging states in which a contactor may be open."""


class PlantWatch:
    """Step the watches of one EVSE after the other."""

    def __init__(self, registry: Registry) -> None:
        """Work on the records of ``registry``."""
        self._registry = registry

    def look(self, record: EvseRecord, now_mono_s: float) -> None:
        """Take in what is known of the plant of an EVSE now."""
        self._watch_grid(record, now_mono_s)
        self._watch_heat(record, now_mono_s)
        self._watch_contactor(record, now_mono_s)
        self._watch_idleness(record, now_mono_s)

    def _watch_grid(self, record: EvseRecord, now_mono_s: float) -> None:
        session, profile = record.session, self._registry.grid_profile
        own = session.measurement.frequency_hz
        record.frequency.note(own)
        source = self._frequency_source(record, now_mono_s)
        reading = source.session.measurement.frequency_hz
        is_islanded = session.inverter_mode is InverterMode.GRID_FORMING
        has_lost_power, record.has_lost_power = record.has_lost_power, False
        before = record.grid_verdict
        verdict = record.grid.step(
            GridObserved(
                frequency_hz=fresh_value(reading, now_mono_s, LONGEST_STALE_AFTER_S),
                voltage_v=fresh_value(
                    session.measurement.voltage_v, now_mono_s, LONGEST_STALE_AFTER_S
                ),
                is_islanded=is_islanded,
                has_lost_power=has_lost_power,
                is_power_wanted=_is_energised(record),
                is_silent=self._is_silent(record, reading, now_mono_s),
            ),
            profile,
            now_mono_s,
        )
        record.grid_trace.note(
            reading,
            profile,
            now_mono_s,
            is_islanded=is_islanded,
            has_lost_power=has_lost_power,
        )
        record.grid_frequency_hz = reading
        quality = source.frequency.quality(now_mono_s)
        record.support_refusal = support_refusal(
            profile, quality, self._following_charger(record)
        )
        record.grid_verdict = verdict
        if verdict.state is not before.state:
            _LOGGER.info("%s: grid %s (%s)", record.key, verdict.state, verdict.cause)
            record.has_news_to_save |= verdict.is_out_of_service
        if before.is_islanded and not verdict.is_islanded:
            # What flowed in backup was not ours; the guards begin anew after it.
            record.begin_guard_anew(now_mono_s)
        self._tell_fault(record, verdict)

    def _following_charger(self, record: EvseRecord) -> FollowingCharger:
        station = self._registry.station_of(record.key)
        timing = self._registry.timing_of(record)
        return FollowingCharger(
            fingerprint=record.fingerprint,
            rated_w=station.limits.rating_w,
            write_interval_s=timing.write_interval_s,
        )

    def _frequency_source(self, record: EvseRecord, now_mono_s: float) -> EvseRecord:
        """Return whose frequency counts: all EVSEs of a home have the same grid."""
        others = (r for r in self._registry.evses.values() if r is not record)
        return next(
            (
                one
                for one in (record, *others)
                if fresh_value(
                    one.session.measurement.frequency_hz,
                    now_mono_s,
                    LONGEST_STALE_AFTER_S,
                )
                is not None
            ),
            record,
        )

    def _is_silent(
        self, record: EvseRecord, reading: Reading | None, now_mono_s: float
    ) -> bool:
        """Return True when a frequency is not told that should be."""
        if not self._registry.station_of(record.key).session.is_connected:
            return True
        if record.session.transaction_id is None or reading is None:
            return False
        age_s = reading.age_s(now_mono_s)
        return LONGEST_STALE_AFTER_S < age_s < SILENT_FOR_GOOD_S

    def _tell_fault(self, record: EvseRecord, verdict: GridVerdict) -> None:
        """Begin or end the fault of the frequency; the station's own stays its own."""
        code = FaultCode.GRID_FREQ_OUT_OF_RANGE
        is_ours = (
            verdict.state is GridState.CEASED and verdict.cause in FREQUENCY_CAUSES
        )
        is_active = is_ours or code in record.station_alarms
        is_told = code in record.session.active_faults
        # What came with the restart is judged by what is heard now.
        if is_active != is_told and (is_active or record.is_frequency_fault_ours):
            _LOGGER.warning("%s: %s is %s", record.key, code, is_active)
            record.session = with_fault(record.session, code, is_active=is_active)
        record.is_frequency_fault_ours = is_ours

    def _watch_heat(self, record: EvseRecord, now_mono_s: float) -> None:
        limits = self._registry.station_of(record.key).limits
        rating_w = max(limits.max_charge_power_w, limits.max_discharge_power_w)
        flowing_w = measured_w(record, now_mono_s)
        if flowing_w is None:
            flowing_w = record.setpoint.power_w
        reading = record.session.measurement.handle_temperature_c
        record.heat = record.thermal.step(
            fresh_value(reading, now_mono_s, HANDLE_FRESH_S),
            0.0 if reading is None else reading.age_s(now_mono_s),
            flowing_w / rating_w if rating_w > 0 else 0.0,
            now_mono_s,
        )

    def _watch_contactor(self, record: EvseRecord, now_mono_s: float) -> None:
        session = record.session
        if record.delivery.told_w not in (None, 0.0):
            record.power_told_mono_s = now_mono_s
        limits = self._registry.station_of(record.key).limits
        rating_w = max(limits.max_charge_power_w, limits.max_discharge_power_w)
        flowing_w = measured_w(record, now_mono_s)
        before, seen = record.contactor.count, record.contactor.opens_at_zero
        record.contactor.step(
            ContactorObserved(
                is_closed=session.is_contactor_closed,
                has_transaction=session.transaction_id is not None,
                is_flowing=(
                    None
                    if flowing_w is None
                    else abs(flowing_w) > flow_threshold_w(rating_w)
                ),
                zero_told_s=now_mono_s - record.power_told_mono_s,
            ),
            now_mono_s,
        )
        record.has_news_to_save |= record.contactor.opens_at_zero is not seen
        count, vehicle = record.contactor.count, self._registry.vehicle_at(record)
        if vehicle is not None and count.operations > before.operations:
            vehicle.wear.note_operations(
                cold=count.cold_openings - before.cold_openings,
                hot=count.hot_openings - before.hot_openings,
            )

    def _watch_idleness(self, record: EvseRecord, now_mono_s: float) -> None:
        session, station = record.session, self._registry.station_of(record.key)
        flowing_w = measured_w(record, now_mono_s)
        record.contactor.awake.step(
            now_mono_s,
            is_idle=(
                station.session.is_connected
                and session.transaction_id is not None
                # Not told: with a transaction it may be closed.
                and session.is_contactor_closed is not False
                and record.setpoint.power_w == 0
                and flowing_w is not None
                # A charger draws or gives something at 0 W, too.
                and abs(flowing_w - record.fingerprint.offset_zero_w)
                <= flow_threshold_w(station.limits.rating_w)
                and record.self_test is None
                and not is_awaited(self._registry, record.key)
            ),
        )


def _is_energised(record: EvseRecord) -> bool:
    """Return True when the contactor should be closed, so that a voltage shows."""
    session = record.session
    return (
        record.setpoint.power_w != 0
        and session.transaction_id is not None
        and session.is_contactor_closed is not False
        and session.charging_state not in NOT_ENERGISED
    )
