"""The memory of a scripted 1.6 charge point: keys, profiles, transactions."""

from datetime import timedelta
from typing import Any

from custom_components.v2g_vpp.csms.times import format_time
from custom_components.v2g_vpp.domain.events import StationReady
from tests.csms.peer import NOW, Answer, Payload, Peer, RecordingSink, Rig

PROTOCOL = ("ocpp1.6",)
BOOT_16 = {
    "chargePointVendor": "Acme",
    "chargePointModel": "V2X1",
    "chargePointSerialNumber": "A1",
    "firmwareVersion": "1.0",
}
UNLIMITED_W = 22_000.0
KEYS = {
    "NumberOfConnectors": "1",
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargeProfileMaxStackLevel": "20",
    "MeterValuesSampledData": "Energy.Active.Import.Register",
    "MeterValueSampleInterval": "60",
    "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
}


class ChargePoint:
    """Answers as a sound charge point does; tests replace single answers."""

    def __init__(self, peer: Peer, **keys: str) -> None:
        self.peer = peer
        self.keys = {**KEYS, **keys}
        self.profiles: dict[int, Payload] = {}
        self.connectors: dict[int, int] = {}
        """Where each profile is installed."""

        self.number = -1
        peer.responders.update(
            {
                "GetConfiguration": self._configuration,
                "ChangeConfiguration": self._change,
                "SetChargingProfile": self._set_profile,
                "ClearChargingProfile": self._clear_profile,
                "GetCompositeSchedule": self._composite,
                "TriggerMessage": self._accept,
                "RemoteStartTransaction": self._accept,
                "RemoteStopTransaction": self._accept,
                "ChangeAvailability": self._accept,
                "Reset": self._accept,
            }
        )

    async def boot(self) -> Payload:
        return await self.peer.call("BootNotification", BOOT_16)

    async def ready(self, sink: RecordingSink) -> StationReady:
        return await sink.wait_for(StationReady, lambda event: event.has_floor_profile)

    async def status(self, status: str, error: str = "NoError", **more: Any) -> None:
        told = {"connectorId": 1, "errorCode": error, "status": status, **more}
        assert await self.peer.call("StatusNotification", told) == {}

    async def plug(self, timestamp: str, **more: Any) -> int:
        """Begin a transaction; return its number."""
        answer = await self.peer.call("StartTransaction", start(timestamp, **more))
        assert answer["idTagInfo"] == {"status": "Accepted"}
        self.number = answer["transactionId"]
        return self.number

    async def unplug(self, timestamp: str, **more: Any) -> Payload:
        told = {
            "transactionId": self.number,
            "timestamp": timestamp,
            "meterStop": 900,
            **more,
        }
        return await self.peer.call("StopTransaction", told)

    # --- answers ------------------------------------------------------------------

    def _accept(self, _payload: Payload) -> Answer:
        return {"status": "Accepted"}

    def _configuration(self, payload: Payload) -> Answer:
        asked = payload.get("key") or list(self.keys)
        return {
            "configurationKey": [
                {"key": name, "readonly": False, "value": self.keys[name]}
                for name in asked
                if name in self.keys
            ],
            "unknownKey": [name for name in asked if name not in self.keys],
        }

    def _change(self, payload: Payload) -> Answer:
        if payload["key"] not in self.keys:
            return {"status": "NotSupported"}
        self.keys[payload["key"]] = payload["value"]
        return {"status": "Accepted"}

    def _set_profile(self, payload: Payload) -> Answer:
        profile = payload["csChargingProfiles"]
        self.profiles[profile["chargingProfileId"]] = profile
        self.connectors[profile["chargingProfileId"]] = payload["connectorId"]
        return {"status": "Accepted"}

    def _clear_profile(self, payload: Payload) -> Answer:
        if not payload:
            self.profiles.clear()
            return {"status": "Accepted"}
        known = self.profiles.pop(payload.get("id", -1), None)
        return {"status": "Accepted" if known else "Unknown"}

    def _composite(self, payload: Payload) -> Answer:
        """The running profile, then the default one, else no limit at all."""
        periods = []
        running = self._of("TxProfile")
        start = 0
        if running is not None:
            schedule = running["chargingSchedule"]
            limit = schedule["chargingSchedulePeriod"][0]["limit"]
            periods.append({"startPeriod": 0, "limit": limit})
            start = schedule["duration"]
        default = self._of("TxDefaultProfile")
        limit = (
            UNLIMITED_W
            if default is None
            else default["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        )
        periods.append({"startPeriod": start, "limit": limit})
        return {
            "status": "Accepted",
            "connectorId": payload["connectorId"],
            "scheduleStart": NOW,
            "chargingSchedule": {
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": periods,
            },
        }

    def _of(self, purpose: str) -> Payload | None:
        return next(
            (
                profile
                for profile in self.profiles.values()
                if profile["chargingProfilePurpose"] == purpose
            ),
            None,
        )


def at(rig: Rig, **ago: float) -> str:
    return format_time(rig.clock.utcnow() - timedelta(**ago))


def start(timestamp: str, **more: Any) -> Payload:
    return {
        "connectorId": 1,
        "idTag": "HA",
        "meterStart": 100,
        "timestamp": timestamp,
        **more,
    }
