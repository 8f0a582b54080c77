"""The message of this maker brings an EVSE to a power, and ends by itself."""

from typing import Any

import pytest

from .conftest import Rig

POWER = {"evse": 1, "power_w": 5000, "duration_s": 20}


async def send(rig: Rig, **fields: Any) -> str:
    message = {
        "vendorId": "org.v2g-vpp.virtual",
        "messageId": "SetPower",
        "data": POWER,
        **fields,
    }
    answer = await rig.csms.call("DataTransfer", message)
    status: str = answer["status"]
    return status


async def test_power_flows_until_the_duration_is_over(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=10)
    await rig.clock.advance(15)
    assert await send(rig) == "Accepted"
    await rig.clock.advance(6)
    assert rig.true_w == 5000
    await rig.clock.advance(30)
    assert rig.true_w != 5000


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"vendorId": "com.acme"}, "UnknownVendorId"),
        ({"messageId": "Sing"}, "UnknownMessageId"),
        ({"data": {**POWER, "evse": 7}}, "Rejected"),
        ({"data": "no object"}, "Rejected"),
        ({"data": {**POWER, "power_w": -5000}}, "Rejected"),
    ],
)
async def test_what_it_does_not_understand_it_refuses(
    rig: Rig, fields: dict[str, Any], status: str
) -> None:
    await rig.start()
    await rig.discharge(duration_s=300)
    assert await send(rig, **fields) == status
    await rig.clock.advance(3)
    assert rig.true_w == -5000
