"""From what the station keeps, in 2.x form, to messages and statuses of 1.6."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..evse import Evse
from ..ocpp_package import call_16

REASONS: Final[Mapping[str, str]] = {
    "EVDisconnected": "EVDisconnected",
    "EmergencyStop": "EmergencyStop",
    "PowerLoss": "PowerLoss",
    "Remote": "Remote",
    "ImmediateReset": "HardReset",
    "DeAuthorized": "DeAuthorized",
    "Reboot": "Reboot",
}
"""Reasons that 1.6 has; every other one is Other."""

_ENERGY: Final = "Energy.Active.Import.Register"
_UNITS: Final = frozenset({"Wh", "kWh", "W", "kW", "A", "V", "Percent", "Celsius"})
"""Units that 1.6 has a name for; a frequency has none there."""

_STATES: Final = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
NO_ERROR: Final = "NoError"


def status_of(evse: Evse) -> tuple[str, str]:
    """Return status and error code of the connector."""
    error = evse.error_16()
    status = evse.connector_status()
    if status != "Occupied":
        return status, error
    transaction = evse.transaction
    if transaction is None:
        return "Finishing" if evse.admission.has_session_ended else "Preparing", error
    state = transaction.charging_state
    return state if state in _STATES else "Preparing", error


def message_of(event: Any, number: int) -> Any | None:
    """Return the message that tells an event; None for one that 1.6 does not tell.

    Args:
        event: a TransactionEvent of the station's queue.
        number: of its transaction; of no use to a start.
    """
    match event.event_type:
        case "Started":
            return call_16.StartTransaction(
                connector_id=event.evse["id"],
                id_tag=event.id_token["idToken"][:20],
                meter_start=_register_wh(event.meter_value),
                timestamp=event.timestamp,
                reservation_id=event.reservation_id,
            )
        case "Ended":
            reason = event.transaction_info.get("stoppedReason", "Local")
            return call_16.StopTransaction(
                transaction_id=number,
                meter_stop=_register_wh(event.meter_value),
                timestamp=event.timestamp,
                reason=REASONS.get(reason, "Other"),
            )
        case _ if event.meter_value:
            return call_16.MeterValues(
                connector_id=event.evse["id"],
                transaction_id=number,
                meter_value=values_of(event.meter_value),
            )
        case _:
            return None


def values_of(meter_value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return readings as 1.6 writes them: every value is a text."""
    return [
        {
            "timestamp": item["timestamp"],
            "sampledValue": [_sample(sample) for sample in item["sampledValue"]],
        }
        for item in meter_value
    ]


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "value": f"{sample['value']}",
        "context": sample.get("context"),
        "measurand": sample.get("measurand"),
        "phase": sample.get("phase"),
        "location": sample.get("location"),
    }
    unit = sample.get("unitOfMeasure", {}).get("unit")
    if unit in _UNITS:
        told["unit"] = unit
    return {name: value for name, value in told.items() if value is not None}


def _register_wh(meter_value: Sequence[Mapping[str, Any]] | None) -> int:
    """Return the register of imported energy, Wh, as the whole number that 1.6 has."""
    for item in meter_value or ():
        for sample in item["sampledValue"]:
            if sample["measurand"] == _ENERGY:
                return round(float(sample["value"]))
    return 0
