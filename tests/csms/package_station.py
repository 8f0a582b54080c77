"""Charging stations as a user of the `ocpp` package writes them: an independent peer.

Nothing of the package is mended here. What it loses or cannot say is not asked of it.
"""

import asyncio
from typing import Any

import aiohttp

# The package has no types.
from ocpp.routing import on  # type: ignore[import-untyped]
import ocpp.v16  # type: ignore[import-untyped]
import ocpp.v21  # type: ignore[import-untyped]
import ocpp.v201  # type: ignore[import-untyped]

from tests.csms.peer import BOOT, NOW

SAMPLES_2 = [
    {"value": 5021.4, "measurand": "Power.Active.Export"},
    {"value": 0.0, "measurand": "Power.Active.Import"},
    {"value": 61.5, "measurand": "SoC", "location": "EV"},
]
SAMPLES_1_6 = [
    {"value": "5021.4", "measurand": "Power.Active.Export", "unit": "W"},
    {"value": "0", "measurand": "Power.Active.Import", "unit": "W"},
    {"value": "61.5", "measurand": "SoC", "unit": "Percent", "location": "EV"},
]


class PackageSocket:
    """The ``recv``/``send`` pair that the package wants, on an aiohttp client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def recv(self) -> str:
        return str(await self.socket.receive_str())

    async def send(self, text: str) -> None:
        await self.socket.send_str(text)


class _Asked:
    """What every station notes and how it answers what needs no thought."""

    asked: list[tuple[str, dict[str, Any]]]

    def note(self, action: str, payload: dict[str, Any]) -> None:
        self.asked.append((action, payload))

    def of(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.asked if name == action]


class _Station2(_Asked):
    """A station of OCPP 2.x with one EVSE; it forgets nothing."""

    messages: Any
    call: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked = []
        self.profiles: dict[int, dict[str, Any]] = {}
        self.later: set[asyncio.Task[Any]] = set()

    def _soon(self, request: Any) -> None:
        # Inside a handler the package cannot call: it would wait for itself.
        task = asyncio.create_task(self.call(request))
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    @on("GetBaseReport")  # type: ignore[untyped-decorator]
    def on_base_report(self, request_id: int, **payload: Any) -> Any:
        self.note("GetBaseReport", payload)
        return self.messages.call_result.GetBaseReport(status="NotSupported")

    @on("GetVariables")  # type: ignore[untyped-decorator]
    def on_get(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        return self.messages.call_result.GetVariables(
            get_variable_result=[
                {
                    "attribute_status": "UnknownVariable",
                    "component": item["component"],
                    "variable": item["variable"],
                }
                for item in get_variable_data
            ]
        )

    @on("SetVariables")  # type: ignore[untyped-decorator]
    def on_set(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        return self.messages.call_result.SetVariables(
            set_variable_result=[
                {
                    "attribute_status": "Rejected",
                    "component": item["component"],
                    "variable": item["variable"],
                }
                for item in set_variable_data
            ]
        )

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def on_profile(self, charging_profile: dict[str, Any], **payload: Any) -> Any:
        self.note("SetChargingProfile", {**payload, "profile": charging_profile})
        self.profiles[charging_profile["id"]] = charging_profile
        return self.messages.call_result.SetChargingProfile(status="Accepted")

    @on("GetChargingProfiles")  # type: ignore[untyped-decorator]
    def on_profiles(self, request_id: int, **_: Any) -> Any:
        if not self.profiles:
            return self.messages.call_result.GetChargingProfiles(status="NoProfiles")
        self._soon(
            self.messages.call.ReportChargingProfiles(
                request_id=request_id,
                charging_limit_source="CSO",
                evse_id=0,
                charging_profile=list(self.profiles.values()),
            )
        )
        return self.messages.call_result.GetChargingProfiles(status="Accepted")

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    def on_trigger(self, **payload: Any) -> Any:
        self.note("TriggerMessage", payload)
        return self.messages.call_result.TriggerMessage(status="Rejected")

    @on("RequestStopTransaction")  # type: ignore[untyped-decorator]
    def on_stop(self, **payload: Any) -> Any:
        self.note("RequestStopTransaction", payload)
        return self.messages.call_result.RequestStopTransaction(status="Accepted")

    async def boot(self) -> Any:
        return await self.call(
            self.messages.call.BootNotification(
                charging_station={
                    "model": BOOT["chargingStation"]["model"],  # type: ignore[index]
                    "vendorName": "Package",
                },
                reason="PowerUp",
            )
        )

    async def plug(self) -> str:
        await self._event("Started", "CablePluggedIn", 0, "EVConnected")
        return "t1"

    async def measure(self) -> None:
        await self._event(
            "Updated",
            "MeterValuePeriodic",
            1,
            "Charging",
            meter_value=[{"timestamp": NOW, "sampled_value": SAMPLES_2}],
        )

    async def finish(self) -> None:
        await self._event("Ended", "RemoteStop", 2, "EVConnected")

    async def _event(
        self, kind: str, trigger: str, number: int, state: str, **more: Any
    ) -> Any:
        return await self.call(
            self.messages.call.TransactionEvent(
                event_type=kind,
                timestamp=NOW,
                trigger_reason=trigger,
                seq_no=number,
                transaction_info={"transaction_id": "t1", "charging_state": state},
                evse={"id": 1, "connector_id": 1},
                **more,
            )
        )


class Station201(_Station2, ocpp.v201.ChargePoint):  # type: ignore[misc]
    """Of OCPP 2.0.1."""

    messages = ocpp.v201


class Station21(_Station2, ocpp.v21.ChargePoint):  # type: ignore[misc]
    """Of OCPP 2.1."""

    messages = ocpp.v21


class Station16(ocpp.v16.ChargePoint, _Asked):  # type: ignore[misc]
    """A charge point of OCPP 1.6 with one connector."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked = []
        self.transaction_id = -1

    @on("GetConfiguration")  # type: ignore[untyped-decorator]
    def on_configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        return ocpp.v16.call_result.GetConfiguration(
            configuration_key=[
                {"key": "NumberOfConnectors", "readonly": True, "value": "1"}
            ],
            unknown_key=[name for name in key or () if name != "NumberOfConnectors"],
        )

    @on("ChangeConfiguration")  # type: ignore[untyped-decorator]
    def on_change(self, **payload: Any) -> Any:
        self.note("ChangeConfiguration", payload)
        return ocpp.v16.call_result.ChangeConfiguration(status="NotSupported")

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def on_profile(self, **payload: Any) -> Any:
        self.note("SetChargingProfile", payload)
        return ocpp.v16.call_result.SetChargingProfile(status="Accepted")

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    def on_trigger(self, **payload: Any) -> Any:
        self.note("TriggerMessage", payload)
        return ocpp.v16.call_result.TriggerMessage(status="NotImplemented")

    @on("RemoteStopTransaction")  # type: ignore[untyped-decorator]
    def on_stop(self, **payload: Any) -> Any:
        self.note("RemoteStopTransaction", payload)
        return ocpp.v16.call_result.RemoteStopTransaction(status="Accepted")

    async def boot(self) -> Any:
        return await self.call(
            ocpp.v16.call.BootNotification(
                charge_point_model="V2X1", charge_point_vendor="Package"
            )
        )

    async def plug(self) -> str:
        answer = await self.call(
            ocpp.v16.call.StartTransaction(
                connector_id=1, id_tag="HA", meter_start=100, timestamp=NOW
            )
        )
        self.transaction_id = answer.transaction_id
        return str(self.transaction_id)

    async def measure(self) -> None:
        await self.call(
            ocpp.v16.call.MeterValues(
                connector_id=1,
                transaction_id=self.transaction_id,
                meter_value=[{"timestamp": NOW, "sampled_value": SAMPLES_1_6}],
            )
        )

    async def finish(self) -> None:
        await self.call(
            ocpp.v16.call.StopTransaction(
                meter_stop=200, timestamp=NOW, transaction_id=self.transaction_id
            )
        )


STATIONS: dict[str, type[Any]] = {
    "ocpp2.1": Station21,
    "ocpp2.0.1": Station201,
    "ocpp1.6": Station16,
}
"""By sub-protocol."""
