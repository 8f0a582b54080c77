"""How OCPP 2.0.1 and 2.1 say what the product asks of a station."""

from collections.abc import Mapping
from typing import Any, Final

type Request = tuple[str, dict[str, Any]]
"""Action and payload."""

REMOTE_TOKEN: Final = {"idToken": "v2g_vpp", "type": "Central"}
"""Under which the product starts transactions and makes reservations."""


class Wording2:
    """Requests of both versions, which do not differ in these."""

    def set_profile(self, request: Mapping[str, Any]) -> Request:
        """Return the request that installs a profile, given in 2.x form."""
        return "SetChargingProfile", dict(request)

    def clear_profile(self, profile_id: int) -> Request:
        """Return the request that removes one profile."""
        return "ClearChargingProfile", {"chargingProfileId": profile_id}

    def composite(self, evse_id: int, duration_s: int) -> Request:
        """Return the question what a station would do from now on."""
        return "GetCompositeSchedule", {"evseId": evse_id, "duration": duration_s}

    def composite_in(self, answer: Mapping[str, Any]) -> object:
        """Return the schedule of an answer to ``composite``, None without one."""
        return answer.get("schedule")

    def start_transaction(self, evse_id: int, remote_start_id: int) -> Request:
        """Return the request that begins a transaction."""
        return "RequestStartTransaction", {
            "evseId": evse_id,
            "remoteStartId": remote_start_id,
            "idToken": REMOTE_TOKEN,
        }

    def end_transaction(self, transaction_id: str) -> Request:
        """Return the request that ends a transaction."""
        return "RequestStopTransaction", {"transactionId": transaction_id}

    def change_availability(self, evse_id: int, *, is_operative: bool) -> Request:
        """Return the request that takes an EVSE, or all (0), out of operation or back."""
        payload: dict[str, Any] = {
            "operationalStatus": "Operative" if is_operative else "Inoperative"
        }
        if evse_id:
            payload["evse"] = {"id": evse_id}
        return "ChangeAvailability", payload

    def reset(self) -> Request:
        """Return the request to restart now, whatever runs."""
        return "Reset", {"type": "Immediate"}

    def trigger(self, message: str, evse_id: int = 0, connector_id: int = 0) -> Request:
        """Return the request to send a message now.

        Args:
            message: as 2.x names it.
            evse_id: 0 for one that concerns the whole station.
            connector_id: 0 where the message needs none.
        """
        payload: dict[str, Any] = {"requestedMessage": message}
        if evse_id:
            payload["evse"] = {"id": evse_id}
            if connector_id:
                payload["evse"]["connectorId"] = connector_id
        return "TriggerMessage", payload
