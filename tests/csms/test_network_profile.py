"""A station is told another address, and the one before stays behind it."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.requests import MoveStation, StationAnswer
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import STATION, Dialler, Rig

URL = "wss://home.example:8443/"


async def connected(
    rig: Rig, dialler: Dialler, protocol: str = "ocpp2.1", priority: str = "1,3"
) -> Charger:
    charger = Charger(await dialler.dial((protocol,)))
    charger.variables["NetworkConfigurationPriority"] = priority
    charger.peer.responders["SetNetworkProfile"] = lambda _: {"status": "Accepted"}
    await charger.boot()
    await charger.ready(rig.sink)
    return charger


async def move(rig: Rig, **fields: Any) -> StationAnswer:
    request = MoveStation(**{"url": URL, "security_profile": 2, **fields})
    return await rig.server.ask(STATION, request)


@pytest.mark.parametrize(
    ("protocol", "version"),
    [
        ("ocpp2.1", {"ocppInterface": "Any"}),
        ("ocpp2.0.1", {"ocppInterface": "Wired0", "ocppVersion": "OCPP20"}),
    ],
)
async def test_a_free_slot_gets_the_address_and_comes_first(
    rig: Rig, dialler: Dialler, protocol: str, version: dict[str, str]
) -> None:
    charger = await connected(rig, dialler, protocol)
    answer = await move(rig)
    assert answer.result.is_accepted
    assert charger.peer.payloads("SetNetworkProfile") == [
        {
            "configurationSlot": 2,
            "connectionData": {
                **version,
                "ocppTransport": "JSON",
                "ocppCsmsUrl": URL,
                "messageTimeout": 30,
                "securityProfile": 2,
            },
        }
    ]
    assert charger.variables["NetworkConfigurationPriority"] == "2,1,3"
    assert answer.data == {
        "slot": 2,
        "priority": [2, 1, 3],
        "priority_before": [1, 3],
    }


async def test_a_named_slot_is_used_and_named_once(rig: Rig, dialler: Dialler) -> None:
    charger = await connected(rig, dialler)
    assert (await move(rig, slot=3)).result.is_accepted
    assert charger.variables["NetworkConfigurationPriority"] == "3,1"


async def test_a_security_profile_never_goes_down(rig: Rig, dialler: Dialler) -> None:
    charger = await connected(rig, dialler)
    answer = await move(rig, security_profile=0)
    assert answer.result.detail == "profile_downgrade"
    assert charger.peer.payloads("SetNetworkProfile") == []
    plain = "ws://home.example:8080/"
    assert (await move(rig, security_profile=1, url=plain)).result.is_accepted


@pytest.mark.parametrize(
    ("url", "profile"),
    [("ws://home.example/", 2), ("ws://home.example/", 3), (URL, 1)],
)
async def test_a_profile_that_does_not_fit_the_address_is_not_sent(
    rig: Rig, dialler: Dialler, url: str, profile: int
) -> None:
    charger = await connected(rig, dialler)
    answer = await move(rig, url=url, security_profile=profile)
    assert answer.result.detail == "profile_mismatch"
    assert charger.peer.payloads("SetNetworkProfile") == []


async def test_a_refusal_changes_no_priority(rig: Rig, dialler: Dialler) -> None:
    charger = await connected(rig, dialler)
    charger.peer.responders["SetNetworkProfile"] = lambda _: {"status": "Failed"}
    answer = await move(rig)
    assert (answer.result.status, answer.result.detail) == (
        WriteStatus.REJECTED,
        "Failed",
    )
    assert charger.variables["NetworkConfigurationPriority"] == "1,3"


async def test_without_a_free_slot_nothing_is_sent(rig: Rig, dialler: Dialler) -> None:
    charger = await connected(rig, dialler, priority="1,2,3,4,5,6,7,8,9")
    assert (await move(rig)).result.detail == "no_free_slot"
    assert charger.peer.payloads("SetNetworkProfile") == []


async def test_a_1_6_charge_point_cannot_be_moved(rig: Rig, dialler: Dialler) -> None:
    point = ChargePoint(await dialler.dial(("ocpp1.6",)))
    await point.boot()
    await point.ready(rig.sink)
    assert (await move(rig)).result.detail == "not_offered"
