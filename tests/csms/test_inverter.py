"""An inverter that can form a grid is shown, and asked for only where it is safe."""

import pytest

from custom_components.v2g_vpp.domain.events import InverterReported
from custom_components.v2g_vpp.domain.requests import SetInverterMode, StationAnswer
from custom_components.v2g_vpp.domain.state import InverterMode
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.monitoring import event
from tests.csms.peer import STATION, Dialler, Payload, Rig

FORMING, FOLLOWING = InverterMode.GRID_FORMING, InverterMode.GRID_FOLLOWING
MODE = row(
    "AcDcConverter",
    "Mode",
    "GridFollowing",
    evse=1,
    valuesList="Off,GridFollowing,Grid-Forming",
)
GUARD = row("DCDERCtrlr", "IslandingDetectionMethod", "RoCoF", evse=1)
NO_GUARD = row(
    "DCDERCtrlr", "IslandingDetectionMethod", "NoAntiIslandingSupport", evse=1
)


async def connected(rig: Rig, dialler: Dialler, *more: Payload) -> Charger:
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *more))
    charger.variables["Mode"] = "GridFollowing"
    await charger.boot()
    await charger.ready(rig.sink)
    return charger


async def choose(rig: Rig, mode: InverterMode, evse_id: int = 1) -> StationAnswer:
    return await rig.server.ask(STATION, SetInverterMode(evse_id=evse_id, mode=mode))


async def test_its_mode_is_read_on_each_link_and_followed(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await connected(rig, dialler, MODE)
    told = await rig.sink.wait_for(InverterReported)
    assert told.mode is FOLLOWING
    for value, mode in (("GRID_FORMING", FORMING), ("Off", None)):
        await charger.peer.call("NotifyEvent", event("AcDcConverter", "Mode", value))
        assert rig.sink.of(InverterReported)[-1].mode is mode


async def test_it_forms_a_grid_where_an_island_is_noticed(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await connected(rig, dialler, MODE, GUARD)
    assert (await choose(rig, FORMING)).result.is_accepted
    assert charger.variables["Mode"] == "Grid-Forming", "as the station spells it"
    assert (await choose(rig, FOLLOWING)).result.is_accepted
    assert charger.variables["Mode"] == "GridFollowing"


@pytest.mark.parametrize(
    "more", [(MODE,), (MODE, NO_GUARD)], ids=["none", "it says so"]
)
async def test_without_a_guard_against_islands_it_follows_alone(
    rig: Rig, dialler: Dialler, more: tuple[Payload, ...]
) -> None:
    charger = await connected(rig, dialler, *more)
    assert (await choose(rig, FORMING)).result.detail == "no_islanding_device"
    assert charger.variables["Mode"] == "GridFollowing"
    assert (await choose(rig, FOLLOWING)).result.is_accepted


async def test_what_has_no_such_mode_is_not_asked(rig: Rig, dialler: Dialler) -> None:
    plain = row("AcDcConverter", "Mode", "On", evse=1, valuesList="On,Off")
    charger = await connected(rig, dialler, plain, GUARD)
    for evse_id in (1, 2):
        answer = await choose(rig, FORMING, evse_id)
        assert answer.result.detail == "no_inverter_mode"
    assert charger.variables["Mode"] == "GridFollowing"


async def test_1_6_has_no_word_for_it(rig: Rig, dialler: Dialler) -> None:
    point = ChargePoint(await dialler.dial(("ocpp1.6",)))
    await point.boot()
    await point.ready(rig.sink)
    assert (await choose(rig, FORMING)).result.detail == "no_inverter_mode"
