"""A set-up that its link or a boot has overtaken says nothing of the present."""

import asyncio

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import StationConnected, StationReady
from tests.csms.charge_point import BOOT_16, ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import BOOT, Answer, Dialler, Payload, Rig

A_WHILE_S = 0.3
"""Everything on the loopback interface is over by then."""


def silent(_payload: Payload) -> None:
    return None


def floors(rig: Rig) -> list[bool]:
    """Return what was told of the floor since the last link came up."""
    newest = max(
        i for i, e in enumerate(rig.sink.events) if isinstance(e, StationConnected)
    )
    told = [e for e in rig.sink.events[newest:] if isinstance(e, StationReady)]
    return [event.has_floor_profile for event in told]


async def test_a_floor_of_the_link_before_is_none_of_this_one(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    charger.peer.responders["SetVariables"] = silent
    await charger.boot()
    await charger.peer.request("SetVariables")
    # The floor was confirmed; then the station is suddenly somebody who answers nothing.
    other = await dialler.dial()
    for action in charger.peer.responders:
        other.responders[action] = silent
    await asyncio.sleep(A_WHILE_S)
    assert floors(rig) == []


async def test_a_floor_of_before_a_boot_is_none_of_after_it(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    peer = charger.peer
    takes = peer.responders["SetVariables"]

    def then_boot(payload: Payload) -> Answer:
        # Its floor was confirmed; it boots, and then says nothing of its profiles.
        if not peer.after_answer and "GetChargingProfiles" in peer.responders:
            peer.after_answer.append(
                ("BootNotification", {**BOOT, "reason": "Watchdog"})
            )
            peer.responders["GetChargingProfiles"] = silent
        peer.responders["SetVariables"] = takes
        return takes(payload)

    peer.responders["SetVariables"] = then_boot
    await charger.boot()
    await peer.request("GetChargingProfiles", 2)
    await asyncio.sleep(A_WHILE_S)
    assert floors(rig) == [False]


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp1.6"])
async def test_a_device_model_that_was_not_read_to_the_end_is_read_again(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    first = await dialler.dial((protocol,))
    is_1_6 = protocol == "ocpp1.6"
    asks = "GetConfiguration" if is_1_6 else "GetBaseReport"
    first.responders[asks] = silent
    await first.call("BootNotification", BOOT_16 if is_1_6 else BOOT)
    await first.request(asks)
    second = await dialler.dial((protocol,))
    if is_1_6:
        ChargePoint(second, NumberOfConnectors="2")
    else:
        Charger(second)
    ready = await rig.sink.wait_for(StationReady, lambda e: e.has_floor_profile)
    if is_1_6:
        assert ready.capability.evse_ids == (1, 2)
    else:
        assert ready.capability.dialect is DischargeDialect.V21_DYNAMIC
