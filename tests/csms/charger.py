"""The memory of a scripted station: variables, profiles, transactions."""

from typing import Any

from custom_components.v2g_vpp.domain.events import StationReady
from tests.csms.peer import BOOT, NOW, Answer, Payload, Peer, RecordingSink


def row(
    component: str,
    variable: str,
    value: str,
    *,
    evse: int | None = None,
    connector: int | None = None,
    instance: str | None = None,
    component_instance: str | None = None,
    **characteristics: Any,
) -> Payload:
    named: Payload = {"name": component}
    if component_instance is not None:
        named["instance"] = component_instance
    if evse is not None:
        named["evse"] = {"id": evse}
        if connector is not None:
            named["evse"]["connectorId"] = connector
    told: Payload = {
        "component": named,
        "variable": {"name": variable, **({"instance": instance} if instance else {})},
        "variableAttribute": [{"value": value}],
    }
    if characteristics:
        told["variableCharacteristics"] = {
            "dataType": "string",
            "supportsMonitoring": False,
            **characteristics,
        }
    return told


INVENTORY = (
    row("EVSE", "AvailabilityState", "Available", evse=1),
    row("EVSE", "Power", "0", evse=1, maxLimit=11000),
    row("EVSE", "DischargePower", "0", evse=1, maxLimit=10000),
    row("EVSE", "SupplyPhases", "3", evse=1),
    row("Connector", "AvailabilityState", "Available", evse=1, connector=1),
    row("V2XChargingCtrlr", "Enabled", "true", evse=1),
    row(
        "V2XChargingCtrlr",
        "SupportedOperationModes",
        "ChargingOnly,CentralSetpoint,CentralFrequency",
        evse=1,
    ),
    row(
        "V2XChargingCtrlr",
        "SupportedEnergyTransferModes",
        "AC_three_phase,AC_BPT",
        evse=1,
    ),
    row("SmartChargingCtrlr", "SupportsDynamicProfiles", "true"),
    row("SmartChargingCtrlr", "SupportsMaxOfflineDuration", "true"),
    row("SmartChargingCtrlr", "ProfileStackLevel", "20"),
    row("SmartChargingCtrlr", "RateUnit", "", valuesList="A,W"),
    row("Clock", "DateTime", NOW),
)


class Charger:
    """Answers as a sound station does; tests replace single answers."""

    def __init__(self, peer: Peer, inventory: tuple[Payload, ...] = INVENTORY) -> None:
        self.peer = peer
        self.inventory = inventory
        self.variables = {
            "TxUpdatedMeasurands": "Energy.Active.Import.Register",
            "TxStartedMeasurands": "",
            "TxEndedMeasurands": "",
            "TxUpdatedInterval": "60",
        }
        self.profiles: dict[int, Payload] = {}
        self.transaction: str | None = None
        self.seq_no = 0
        self.reports = 0
        peer.responders.update(
            {
                "GetBaseReport": self._report,
                "GetVariables": self._get,
                "SetVariables": self._set,
                "GetChargingProfiles": self._get_profiles,
                "SetChargingProfile": self._set_profile,
                "ClearChargingProfile": self._clear_profile,
                "UpdateDynamicSchedule": self._update,
                "TriggerMessage": self._accept,
                "GetTransactionStatus": self._status,
                "RequestStopTransaction": self._accept,
                "RequestStartTransaction": self._accept,
                "NotifyAllowedEnergyTransfer": self._accept,
                "ChangeAvailability": self._accept,
                "Reset": self._accept,
                "GetCompositeSchedule": self._composite,
            }
        )

    async def boot(self) -> Payload:
        return await self.peer.call("BootNotification", BOOT)

    async def ready(self, sink: RecordingSink) -> StationReady:
        """Send what the answers promised until the listener calls it ready."""
        return await sink.wait_for(StationReady, lambda event: event.has_floor_profile)

    async def plug(self, transaction_id: str = "t1", **more: Any) -> None:
        """Begin a transaction."""
        self.transaction, self.seq_no = transaction_id, 0
        await self.peer.call(
            "TransactionEvent",
            self.event(
                "Started",
                "CablePluggedIn",
                evse={"id": 1, "connectorId": 1},
                state="EVConnected",
                **more,
            ),
        )

    def event(
        self, kind: str, trigger: str, state: str | None = None, **more: Any
    ) -> Payload:
        info: Payload = {"transactionId": self.transaction}
        info |= {"chargingState": state} if state else {}
        info |= more.pop("info", {})
        told = {
            "eventType": kind,
            "timestamp": NOW,
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": info,
            **more,
        }
        self.seq_no += 1
        return told

    # --- answers ------------------------------------------------------------------

    def _accept(self, _payload: Payload) -> Answer:
        return {"status": "Accepted"}

    def _report(self, payload: Payload) -> Answer:
        self.reports += 1
        half = len(self.inventory) // 2
        parts = (self.inventory[:half], self.inventory[half:])
        for number, part in enumerate(parts):
            self._later(
                "NotifyReport",
                {
                    "requestId": payload["requestId"],
                    "generatedAt": NOW,
                    "seqNo": number,
                    "tbc": number == 0,
                    "reportData": list(part),
                },
            )
        return {"status": "Accepted"}

    def _get(self, payload: Payload) -> Answer:
        results = []
        for item in payload["getVariableData"]:
            name = item["variable"]["name"]
            known = self.variables.get(name)
            results.append(
                {
                    **item,
                    "attributeStatus": "UnknownVariable"
                    if known is None
                    else "Accepted",
                    **({} if known is None else {"attributeValue": known}),
                }
            )
        return {"getVariableResult": results}

    def _set(self, payload: Payload) -> Answer:
        results = []
        for item in payload["setVariableData"]:
            self.variables[item["variable"]["name"]] = item["attributeValue"]
            results.append(
                {
                    "component": item["component"],
                    "variable": item["variable"],
                    "attributeStatus": "Accepted",
                }
            )
        return {"setVariableResult": results}

    def _get_profiles(self, payload: Payload) -> Answer:
        purpose = payload["chargingProfile"].get("chargingProfilePurpose")
        found = [
            profile
            for profile in self.profiles.values()
            if profile["chargingProfilePurpose"] == purpose
        ]
        if not found:
            return {"status": "NoProfiles"}
        self._later(
            "ReportChargingProfiles",
            {
                "requestId": payload["requestId"],
                "chargingLimitSource": "CSO",
                "evseId": 0,
                "chargingProfile": found,
            },
        )
        return {"status": "Accepted"}

    def _set_profile(self, payload: Payload) -> Answer:
        profile = payload["chargingProfile"]
        self.profiles[profile["id"]] = profile
        return {"status": "Accepted"}

    def _composite(self, payload: Payload) -> Answer:
        mine = [
            profile
            for profile in self.profiles.values()
            if profile["chargingProfilePurpose"] == "TxProfile"
        ]
        if not mine:
            return {"status": "Rejected"}
        schedule = mine[-1]["chargingSchedule"][0]
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": payload["evseId"],
                "duration": payload["duration"],
                "scheduleStart": NOW,
                "chargingRateUnit": schedule["chargingRateUnit"],
                "chargingSchedulePeriod": schedule["chargingSchedulePeriod"],
            },
        }

    def _clear_profile(self, payload: Payload) -> Answer:
        known = self.profiles.pop(payload["chargingProfileId"], None)
        return {"status": "Accepted" if known else "Unknown"}

    def _update(self, payload: Payload) -> Answer:
        is_known = payload["chargingProfileId"] in self.profiles
        return {"status": "Accepted" if is_known else "Rejected"}

    def _status(self, payload: Payload) -> Answer:
        is_running = payload["transactionId"] == self.transaction
        return {"ongoingIndicator": is_running, "messagesInQueue": False}

    def _later(self, action: str, payload: Payload) -> None:
        self.peer.after_answer.append((action, payload))
