"""A message of this maker that brings an EVSE to a power (OCPP P01)."""

from collections.abc import Mapping
import json
from typing import Any, Final

from .hardware import Hardware
from .profile_context import context_of
from .schedule import parse_profile

VENDOR_ID: Final = "org.v2g-vpp.virtual"
MESSAGE_ID: Final = "SetPower"
_FIRST_PROFILE_ID: Final = 900
_STACK_LEVEL: Final = 10


def vendor_status(
    hardware: Hardware, vendor_id: str, message_id: str | None, data: object
) -> str:
    """Return the status of the answer to a DataTransfer.

    The data is an object, or a text of one: ``evse``, ``power_w`` (negative: the
    vehicle discharges) and ``duration_s``, after which the power ends by itself.
    """
    if vendor_id != VENDOR_ID:
        return "UnknownVendorId"
    if message_id != MESSAGE_ID:
        return "UnknownMessageId"
    told = _object(data)
    evse = hardware.find(int(told.get("evse", 0)))
    if evse is None or evse.transaction is None:
        return "Rejected"
    hardware.advance()
    profile = parse_profile(
        {
            "id": _FIRST_PROFILE_ID + evse.evse_id,
            "stackLevel": _STACK_LEVEL,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": evse.transaction.transaction_id,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "startSchedule": hardware.clock_text(),
                    "duration": int(told.get("duration_s", 0)),
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": float(told.get("power_w", 0))}
                    ],
                }
            ],
        }
    )
    context = context_of(hardware, evse.evse_id)
    rejection = hardware.profiles.replace(profile, context, hardware.now())
    hardware.profiles_changed()
    return "Accepted" if rejection is None else "Rejected"


def _object(data: object) -> Mapping[str, Any]:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            return {}
    return data if isinstance(data, dict) else {}
