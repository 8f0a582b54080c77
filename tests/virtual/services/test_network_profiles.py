"""Network profiles: written, read and dialled."""

from typing import Any

from aiohttp import BasicAuth
import pytest

from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import until
from tests.virtual.scripted_csms import ScriptedCsms

PRIORITY = {
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "NetworkConfigurationPriority"},
}


def profile(url: str, **more: Any) -> dict[str, Any]:
    return {
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": 1,
        **more,
    }


async def set_profile(rig: Rig, slot: int, data: dict[str, Any]) -> dict[str, Any]:
    return await rig.csms.call(
        "SetNetworkProfile", {"configurationSlot": slot, "connectionData": data}
    )


async def read(rig: Rig, *variables: dict[str, Any]) -> list[str | None]:
    answer = await rig.csms.call("GetVariables", {"getVariableData": list(variables)})
    return [each.get("attributeValue") for each in answer["getVariableResult"]]


def kept(slot: int, variable: str) -> dict[str, Any]:
    component = {"name": "NetworkConfiguration", "instance": str(slot)}
    return {"component": component, "variable": {"name": variable}}


async def test_profile_is_kept_and_can_be_read(rig: Rig) -> None:
    await rig.start()
    data = profile("wss://home.example/ocpp", securityProfile=2, identity="X")
    data["basicAuthPassword"] = "another secret of it"
    assert await set_profile(rig, 2, data) == {"status": "Accepted"}
    active = {**PRIORITY, "variable": {"name": "ActiveNetworkProfile"}}
    values = await read(
        rig,
        kept(2, "OcppCsmsUrl"),
        kept(2, "SecurityProfile"),
        kept(2, "BasicAuthPassword"),
        kept(1, "OcppCsmsUrl"),
        PRIORITY,
        active,
    )
    assert values == ["wss://home.example/ocpp", "2", None, rig.csms.url, "1", "1"]


@pytest.mark.parametrize(
    ("slot", "change", "reason"),
    [
        (9, {}, "InvalidConfSlot"),
        (2, {"securityProfile": 0}, "NoSecurityDowngrade"),
        (2, {"ocppCsmsUrl": "http://home.example"}, "InvalidNetworkConf"),
        (2, {"ocppTransport": "SOAP"}, "InvalidNetworkConf"),
    ],
)
async def test_profiles_that_are_refused(
    rig: Rig, slot: int, change: dict[str, Any], reason: str
) -> None:
    await rig.start()
    answer = await set_profile(rig, slot, profile("ws://home.example", **change))
    assert answer == {"status": "Rejected", "statusInfo": {"reasonCode": reason}}


async def restart_with(rig: Rig, priority: str) -> None:
    written = await rig.csms.call(
        "SetVariables",
        {"setVariableData": [{**PRIORITY, "attributeValue": priority}]},
    )
    assert written["setVariableResult"][0]["attributeStatus"] == "Accepted"
    await rig.csms.call("Reset", {"type": "OnIdle"})


async def test_station_moves_with_its_next_boot(rig: Rig) -> None:
    await rig.start()
    other = ScriptedCsms()
    await other.start()
    try:
        data = profile(other.url, basicAuthPassword="secret of the other home")
        await set_profile(rig, 2, data)
        await restart_with(rig, "2,1")
        await rig.clock.advance(2)
        await until(lambda: other.calls("BootNotification"), "boot elsewhere")
        assert rig.csms.connections == 1
        told = BasicAuth.decode(other.headers[0]["Authorization"])
        assert told.password == "secret of the other home"
    finally:
        await other.stop()


async def test_station_comes_back_from_an_address_that_is_none(rig: Rig) -> None:
    await rig.start()
    await set_profile(rig, 2, profile("ws://127.0.0.1:9/nobody"))
    await restart_with(rig, "2,1")
    await rig.clock.advance(1)
    await rig.reconnect()
    active = {**PRIORITY, "variable": {"name": "ActiveNetworkProfile"}}
    assert await read(rig, active) == ["1"]
