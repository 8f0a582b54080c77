"""Let a station follow the frequency of the grid by itself (OCPP 2.1 Q08).

Nothing decides on this by itself: who asks must watch what flows, and renew it. A
curve can discharge at any moment, so that each doubt refuses it.
"""

from datetime import timedelta
from typing import Any, Final

from ..domain.capability import DIALECT_TIMING, DischargeDialect
from ..domain.frequency_response import FrequencyResponse, GridSignal
from ..domain.setpoint import MAX_WRITE_AGE_S, WriteResult, WriteStatus
from .calls import Lane
from .charging_profile import MAX_OFFLINE_S, TX_PURPOSE, profile_id, stack_level
from .setpoints import (
    CLOCK_NOT_TRUSTED,
    NO_DIALECT,
    NO_TRANSACTION,
    NOT_READY,
    SetpointWriter,
    result_of,
)
from .station import Station
from .times import format_time
from .versions import V21

LOCAL_FREQUENCY: Final = "LocalFrequency"
NOT_OFFERED: Final = "local_frequency_not_offered"
NO_DEAD_MAN: Final = "no_offline_limit"
BAD_CURVE: Final = "bad_curve"
BEYOND_LIMITS: Final = "beyond_limits"
VEHICLE_NOT_ALLOWED: Final = "vehicle_not_allowed"

_SCHEDULE_ID: Final = 1


async def follow_frequency(
    station: Station, response: FrequencyResponse
) -> WriteResult:
    """Give an EVSE a curve; it ends by itself, as every power of ours.

    Returns:
        REJECTED with what is missing, before anything is sent; else how the station
        answered.
    """
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    refusal = _refusal(station, response) or _missing(station, response)
    if refusal is not None:
        return _rejected(refusal)
    evse_id = response.key.evse_id
    # A setpoint decided meanwhile must replace the curve, not update it; and a stop
    # goes before everything else as long as this may discharge.
    writer.forget_profiles()
    writer.expect_discharge({evse_id: response.transaction_id})
    try:
        outcome = await writer.link.call(
            "SetChargingProfile",
            _request(station, response),
            lane=Lane.SETPOINT,
            coalesce_key=f"setpoint {evse_id}",
            not_after_mono_s=response.decided_mono_s + MAX_WRITE_AGE_S,
        )
    finally:
        writer.forget_profiles()
    return result_of(outcome)


async def send_signal(station: Station, signal: GridSignal) -> WriteResult:
    """Tell a station a signal of the transmission operator.

    Returns:
        REJECTED with ``NoSignalWattCurve`` when nothing there follows a signal.
    """
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    payload = {"timestamp": format_time(signal.begins_at), "signal": signal.signal}
    outcome = await writer.link.call("AFRRSignal", payload, lane=Lane.SETPOINT)
    return result_of(outcome)


def _writer(station: Station) -> SetpointWriter | WriteResult:
    writer = station.writer
    if writer is None:
        return WriteResult(status=WriteStatus.OFFLINE)
    if not station.is_registered:
        return _rejected(NOT_READY)
    is_offered = LOCAL_FREQUENCY in station.summary.operation_modes
    is_offered = is_offered and writer.link.protocol == V21.protocol
    return writer if is_offered else _rejected(NOT_OFFERED)


def _refusal(station: Station, response: FrequencyResponse) -> str | None:
    """Return why a curve is not for this installation."""
    if not response.is_sound:
        return BAD_CURVE
    limits, capability = station.config.limits, station.capability(V21.protocol)
    if capability.dialect is DischargeDialect.NONE:
        return NO_DIALECT
    discharge_w = _lower(limits.max_discharge_power_w, capability.max_discharge_power_w)
    charge_w = _lower(limits.max_charge_power_w, capability.max_charge_power_w)
    if not -discharge_w <= response.lowest_w <= response.highest_w <= charge_w:
        return BEYOND_LIMITS
    return None


def _missing(station: Station, response: FrequencyResponse) -> str | None:
    """Return what a curve needs now and does not have."""
    record = station.ledger.find(response.transaction_id)
    evse_id = response.key.evse_id
    if (
        record is None
        or record.is_ended
        or record.evse_id != evse_id
        or not record.has_been_live
    ):
        return NO_TRANSACTION
    if not station.may_discharge(station.reporter.vehicles.at(evse_id)):
        return VEHICLE_NOT_ALLOWED
    # Its end runs on the clock of the station, and a lost link must end it, too.
    if not station.station_clock.is_trusted:
        return CLOCK_NOT_TRUSTED
    return None if station.summary.supports_max_offline_duration else NO_DEAD_MAN


def _request(station: Station, response: FrequencyResponse) -> dict[str, Any]:
    period: dict[str, Any] = {
        "startPeriod": 0,
        "operationMode": LOCAL_FREQUENCY,
        "v2xBaseline": response.baseline_w,
        "v2xFreqWattCurve": [
            {"frequency": point.frequency_hz, "power": point.power_w}
            for point in response.by_frequency
        ],
    }
    if response.by_signal:
        period["v2xSignalWattCurve"] = [
            {"signal": point.signal, "power": point.power_w}
            for point in response.by_signal
        ]
    validity = timedelta(
        seconds=DIALECT_TIMING[DischargeDialect.V21_SCHEDULE].validity_s
    )
    ends_at = station.station_clock.station_time(station.now()) + validity
    return {
        "evseId": response.key.evse_id,
        "chargingProfile": {
            "id": profile_id(response.key.evse_id, station.summary),
            "stackLevel": stack_level(station.summary),
            "chargingProfilePurpose": TX_PURPOSE,
            "chargingProfileKind": "Relative",
            "transactionId": response.transaction_id,
            # Not a duration: of a Relative profile it would count from the start of
            # the transaction.
            "validTo": format_time(ends_at),
            "maxOfflineDuration": MAX_OFFLINE_S,
            "invalidAfterOfflineDuration": True,
            "chargingSchedule": [
                {
                    "id": _SCHEDULE_ID,
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [period],
                }
            ],
        },
    }


def _lower(ours_w: float, reported_w: float | None) -> float:
    return ours_w if reported_w is None else min(ours_w, reported_w)


def _rejected(detail: str) -> WriteResult:
    return WriteResult(status=WriteStatus.REJECTED, detail=detail)
