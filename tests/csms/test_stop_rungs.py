"""The last rungs of the stop ladder on the wire of a real connection."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.server import OcppServer
from custom_components.v2g_vpp.domain.events import StationDisconnected
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, STATION, Dialler, Rig


async def test_an_evse_goes_out_of_operation_and_back(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    result = await rig.server.change_availability(EVSE1, is_operative=False)
    assert result.is_accepted
    assert charger.peer.payloads("ChangeAvailability") == [
        {"operationalStatus": "Inoperative", "evse": {"id": 1}}
    ]
    # With a transaction many stations only schedule it, which is all there is.
    charger.peer.responders["ChangeAvailability"] = lambda _: {"status": "Scheduled"}
    assert (await rig.server.change_availability(EVSE1, is_operative=False)).is_accepted
    charger.peer.responders["ChangeAvailability"] = lambda _: {"status": "Rejected"}
    refused = await rig.server.change_availability(EVSE1, is_operative=True)
    assert refused.status is WriteStatus.REJECTED
    told = charger.peer.payloads("ChangeAvailability")[-1]
    assert told["operationalStatus"] == "Operative"


async def test_a_reset_is_immediate_and_the_link_is_closed_after_it(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    assert (await rig.server.reset(EVSE1)).is_accepted
    assert charger.peer.payloads("Reset") == [{"type": "Immediate"}]
    await rig.server.close_link(EVSE1.station_id)
    lost = await rig.sink.wait_for(StationDisconnected, lambda _: True)
    assert lost.cause == "closed by the home"
    async with asyncio.timeout(5):
        await charger.peer.closed()
    offline = await rig.server.reset(EVSE1)
    assert offline.status is WriteStatus.OFFLINE

    # Nothing stands in its way when it dials in again.
    again = Charger(await dialler.dial())
    rig.sink.clear()
    await again.boot()
    await again.ready(rig.sink)


@pytest.mark.parametrize(
    ("rung", "action"),
    [
        (lambda s: s.reset(EVSE1), "Reset"),
        (
            lambda s: s.end_transaction(EVSE1, TransactionId("t1")),
            "RequestStopTransaction",
        ),
        (
            lambda s: s.change_availability(EVSE1, is_operative=False),
            "ChangeAvailability",
        ),
    ],
    ids=["reset", "end of the transaction", "out of operation"],
)
async def test_every_rung_goes_before_what_waits(
    rig: Rig,
    charger: Charger,
    monkeypatch: pytest.MonkeyPatch,
    rung: Callable[[OcppServer], Coroutine[Any, Any, WriteResult]],
    action: str,
) -> None:
    monkeypatch.setattr("custom_components.v2g_vpp.csms.rpc.ARMED_SLOT_S", 0.05)
    await charger.plug()
    link = rig.server._stations[STATION].link
    assert link is not None
    link.set_armed(is_armed=True)
    charger.peer.responders["ClearCache"] = lambda _: None
    held = asyncio.create_task(link.call("ClearCache", {}))
    await charger.peer.request("ClearCache")
    waiting = asyncio.create_task(link.call("GetLocalListVersion", {}))
    await asyncio.sleep(0)
    assert (await rung(rig.server)).is_accepted
    await asyncio.gather(held, waiting)
    asked = [name for name, _ in charger.peer.requests]
    assert asked.index(action) < asked.index("GetLocalListVersion")
