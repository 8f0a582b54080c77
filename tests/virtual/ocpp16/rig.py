"""A station of 1.6 at a CSMS that a test scripts, and the profiles it is told."""

from typing import Any

from custom_components.v2g_vpp.virtual.config import Protocol
from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import until
from tests.virtual.scripted_csms import BOOT, ScriptedCsms

TAKEN = {"idTagInfo": {"status": "Accepted"}}
NUMBER = 42


class Rig16(Rig):
    """A station of 1.6 that takes limits below 0."""

    def __init__(self) -> None:
        super().__init__(ScriptedCsms("ocpp1.6"))
        self._number = NUMBER - 1
        self.csms.answers |= {
            "BootNotification": lambda _: BOOT,
            "Authorize": lambda _: TAKEN,
            "StartTransaction": self._start,
            "StopTransaction": lambda _: {},
            "MeterValues": lambda _: {},
            "StatusNotification": lambda _: {},
        }

    def _start(self, _payload: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        return {**TAKEN, "transactionId": self._number}

    async def begin(self, **changes: Any) -> None:
        await self.start(
            protocols=(Protocol.OCPP_1_6,), takes_negative_limits=True, **changes
        )

    async def plug_16(self, evse_id: int = 1) -> None:
        self.station.plug(evse_id)
        await self.clock.advance(0.5)
        await until(
            lambda: self.station.status(evse_id).is_contactor_closed, "closed contactor"
        )

    def statuses(self, connector_id: int = 1) -> list[tuple[str, str]]:
        return [
            (told["status"], told["errorCode"])
            for told in self.csms.calls("StatusNotification")
            if told["connectorId"] == connector_id
        ]

    async def told(self, status: str, error: str, connector_id: int = 1) -> None:
        await until(
            lambda: (status, error) in self.statuses(connector_id),
            f"{status} {error} in {self.statuses(connector_id)}",
        )


def profile(
    limit: float, *, connector_id: int = 1, unit: str = "W", **changes: Any
) -> dict[str, Any]:
    wire = {
        "chargingProfileId": 5,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "transactionId": NUMBER,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
        **changes,
    }
    kept = {name: value for name, value in wire.items() if value is not None}
    return {"connectorId": connector_id, "csChargingProfiles": kept}


def default(limit: float) -> dict[str, Any]:
    return profile(
        limit,
        connector_id=0,
        chargingProfileId=1,
        stackLevel=0,
        chargingProfilePurpose="TxDefaultProfile",
        transactionId=None,
    )
