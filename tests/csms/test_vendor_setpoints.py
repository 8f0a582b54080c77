"""A power goes out in the message of a maker, and stops by the same message."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import StationReady
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from custom_components.v2g_vpp.domain.vendor_setpoint import VendorSetpoint
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Dialler, Payload, Rig, config
from tests.csms.test_setpoints import write

MESSAGE = VendorSetpoint(
    vendor_id="org.example",
    message_id="SetPower",
    template='{"p": {power_w}, "s": {duration_s}}',
)


@pytest.fixture
async def rig(socket_enabled: None) -> AsyncIterator[Rig]:
    mine = config(dialect=DischargeDialect.DATA_TRANSFER, vendor=MESSAGE)
    async with Rig(mine) as rig:
        yield rig


async def plugged_16(rig: Rig, dialler: Dialler) -> tuple[ChargePoint, TransactionId]:
    point = ChargePoint(await dialler.dial(("ocpp1.6",)))
    point.peer.responders["DataTransfer"] = lambda _: {"status": "Accepted"}
    await point.boot()
    await point.ready(rig.sink)
    number = await point.plug(_now(rig))
    return point, TransactionId(str(number))


def _now(rig: Rig) -> str:
    return rig.clock.utcnow().isoformat()


async def test_1_6_gets_a_text(rig: Rig, dialler: Dialler) -> None:
    point, transaction_id = await plugged_16(rig, dialler)
    for power_w in (-5000.0, 0.0):
        result = await write(rig, power_w, transaction_id=transaction_id)
        assert result.is_accepted
    assert point.peer.payloads("DataTransfer") == [
        {
            "vendorId": "org.example",
            "messageId": "SetPower",
            "data": f'{{"p": {power_w}, "s": 60}}',
        }
        for power_w in (-5000, 0)
    ]
    written = [
        p["csChargingProfiles"] for p in point.peer.payloads("SetChargingProfile")
    ]
    assert {p["chargingProfilePurpose"] for p in written} == {"TxDefaultProfile"}, (
        "the floor alone is a profile"
    )


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_2_gets_what_the_text_stands_for(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    charger = Charger(await dialler.dial((protocol,)))
    charger.peer.responders["DataTransfer"] = lambda _: {"status": "Accepted"}
    await charger.boot()
    ready = await charger.ready(rig.sink)
    assert ready.capability.dialect is DischargeDialect.DATA_TRANSFER
    assert ready.capability.wording == MESSAGE.fingerprint
    await charger.plug()
    assert (await write(rig, -5000.0)).is_accepted
    (told,) = charger.peer.payloads("DataTransfer")
    assert told["data"] == {"p": -5000, "s": 60}
    assert await rig.server.read_schedule(EVSE1) is None, "its plan is of profiles"


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        ({"status": "Rejected"}, WriteStatus.REJECTED, "Rejected"),
        ({"status": "UnknownVendorId"}, WriteStatus.REJECTED, "UnknownVendorId"),
        ("NotSupported", WriteStatus.REJECTED, "NotSupported"),
    ],
)
async def test_a_refusal_is_told_and_the_next_one_is_sent(
    rig: Rig, dialler: Dialler, answer: Any, status: WriteStatus, detail: str
) -> None:
    point, transaction_id = await plugged_16(rig, dialler)

    def refuse(_: Payload) -> Any:
        return answer

    point.peer.responders["DataTransfer"] = refuse
    refused = await write(rig, -5000.0, transaction_id=transaction_id)
    assert (refused.status, refused.detail) == (status, detail)
    point.peer.responders["DataTransfer"] = lambda _: {"status": "Accepted"}
    assert (await write(rig, 0.0, transaction_id=transaction_id)).is_accepted


@pytest.mark.parametrize(
    "vendor", [None, replace(MESSAGE, template="{nothing}")], ids=["none", "unusable"]
)
async def test_without_a_message_that_can_be_said_there_is_no_discharge(
    dialler: Dialler, vendor: VendorSetpoint | None
) -> None:
    rig = dialler.rig
    rig.server.adopt(config(dialect=DischargeDialect.DATA_TRANSFER, vendor=vendor))
    charger = Charger(await dialler.dial())
    await charger.boot()
    ready = await charger.ready(rig.sink)
    assert ready.capability.dialect is DischargeDialect.NONE
    await charger.plug()
    refused = await write(rig, -5000.0)
    assert (refused.status, refused.detail) == (WriteStatus.REJECTED, "no_dialect")


async def test_another_message_needs_another_link(rig: Rig, dialler: Dialler) -> None:
    charger = Charger(await dialler.dial())
    await charger.boot()
    await charger.ready(rig.sink)
    other = replace(MESSAGE, template="{power_w}")
    rig.server.adopt(config(dialect=DischargeDialect.DATA_TRANSFER, vendor=other))
    await charger.peer.closed()
    rig.sink.clear()
    again = Charger(await dialler.dial())
    await again.boot()
    ready = await rig.sink.wait_for(StationReady)
    assert ready.capability.wording == other.fingerprint
