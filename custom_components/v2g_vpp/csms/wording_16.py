"""How OCPP 1.6 says what the product asks of a charge point.

Its connectors are our EVSEs, its transaction ids are numbers, and a profile has one
schedule; everything else is the 2.x request under other names.
"""

from collections.abc import Mapping
from typing import Any, Final

from .wording_2 import REMOTE_TOKEN, Request

_PURPOSES: Final[Mapping[str, str]] = {
    "ChargingStationMaxProfile": "ChargePointMaxProfile"
}
"""2.x names that 1.6 has under another one."""

_PROFILE_FIELDS: Final = (
    "stackLevel",
    "chargingProfileKind",
    "recurrencyKind",
    "validFrom",
    "validTo",
)
_SCHEDULE_FIELDS: Final = (
    "duration",
    "startSchedule",
    "chargingRateUnit",
    "chargingSchedulePeriod",
    "minChargingRate",
)
_MESSAGES: Final[Mapping[str, str]] = {"TransactionEvent": "MeterValues"}
"""1.6 cannot be asked for the state of a transaction, only for its readings."""

_EXTENDED_MESSAGES: Final[Mapping[str, str]] = {
    "SignChargingStationCertificate": "SignChargePointCertificate",
    "LogStatusNotification": "LogStatusNotification",
}
"""Of the security extension, with their 1.6 names."""


class Wording16:
    """Requests of 1.6."""

    def set_profile(self, request: Mapping[str, Any]) -> Request:
        """Return the request that installs a profile, given in 2.x form."""
        profile = request["chargingProfile"]
        schedule = profile["chargingSchedule"][0]
        purpose = profile["chargingProfilePurpose"]
        told = {
            "chargingProfileId": profile["id"],
            "chargingProfilePurpose": _PURPOSES.get(purpose, purpose),
            **{name: profile[name] for name in _PROFILE_FIELDS if name in profile},
            "chargingSchedule": {
                name: schedule[name] for name in _SCHEDULE_FIELDS if name in schedule
            },
        }
        if "transactionId" in profile:
            told["transactionId"] = int(profile["transactionId"])
        return "SetChargingProfile", {
            "connectorId": request["evseId"],
            "csChargingProfiles": told,
        }

    def clear_profile(self, profile_id: int) -> Request:
        """Return the request that removes one profile.

        It always names one: an empty request would remove all, the floor included.
        """
        return "ClearChargingProfile", {"id": profile_id}

    def composite(self, evse_id: int, duration_s: int) -> Request:
        """Return the question what a charge point would do from now on."""
        return "GetCompositeSchedule", {"connectorId": evse_id, "duration": duration_s}

    def composite_in(self, answer: Mapping[str, Any]) -> object:
        """Return the schedule of an answer to ``composite``, None without one."""
        return answer.get("chargingSchedule")

    def start_transaction(self, evse_id: int, remote_start_id: int) -> Request:
        """Return the request that begins a transaction; 1.6 has no start id."""
        del remote_start_id
        return "RemoteStartTransaction", {
            "connectorId": evse_id,
            "idTag": REMOTE_TOKEN["idToken"],
        }

    def end_transaction(self, transaction_id: str) -> Request:
        """Return the request that ends a transaction."""
        return "RemoteStopTransaction", {"transactionId": int(transaction_id)}

    def change_availability(self, evse_id: int, *, is_operative: bool) -> Request:
        """Return the request that takes an EVSE, or all (0), out of operation or back."""
        return "ChangeAvailability", {
            "connectorId": evse_id,
            "type": "Operative" if is_operative else "Inoperative",
        }

    def reset(self) -> Request:
        """Return the request to restart now, whatever runs."""
        return "Reset", {"type": "Hard"}

    def trigger(self, message: str, evse_id: int = 0, connector_id: int = 0) -> Request:
        """Return the request to send a message now; see ``Wording2.trigger``."""
        del connector_id
        if message in _EXTENDED_MESSAGES:
            return "ExtendedTriggerMessage", {
                "requestedMessage": _EXTENDED_MESSAGES[message]
            }
        payload: dict[str, Any] = {"requestedMessage": _MESSAGES.get(message, message)}
        if evse_id:
            payload["connectorId"] = evse_id
        return "TriggerMessage", payload
