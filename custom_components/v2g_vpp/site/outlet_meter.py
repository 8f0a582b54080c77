"""What the meter of one outlet shows, as an event is settled by it."""

from dataclasses import dataclass

from ..control.event_record import Registers
from ..domain.measurement import SHORTEST_STALE_AFTER_S, Reading, fresh_value
from .records import EvseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletPower:
    """What flows at one EVSE, W."""

    power_w: float
    raw_w: float
    is_recent: bool


def outlet_power(evse: EvseRecord, now_mono_s: float) -> OutletPower | None:
    """Return what flows, None when it is not known."""
    session = evse.session
    raw = session.measurement.power_w
    raw_w = fresh_value(raw, now_mono_s, evse.meter_period.max_age_s)
    if raw is None or raw_w is None:
        if session.is_plugged or session.transaction_id is not None:
            return None
        # With nothing plugged a station has nothing to tell, and nothing flows.
        return OutletPower(power_w=0.0, raw_w=0.0, is_recent=True)
    power_w = raw_w if evse.calibration is None else evse.calibration.power_w(raw_w)
    is_recent = raw.age_s(now_mono_s) <= SHORTEST_STALE_AFTER_S
    return OutletPower(power_w=power_w, raw_w=raw_w, is_recent=is_recent)


def outlet_registers(evse: EvseRecord) -> Registers:
    """Return what it has counted, Wh; None where it does not count."""
    measurement = evse.session.measurement
    return Registers(
        charged_wh=_value(measurement.energy_charged_wh),
        discharged_wh=_value(measurement.energy_discharged_wh),
    )


def _value(reading: Reading | None) -> float | None:
    return None if reading is None else reading.value
