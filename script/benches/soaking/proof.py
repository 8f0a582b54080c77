"""Make the dispatched stations ready, and prove and permit them, as an owner does."""

from typing import Final

from script.rig.entities import Entities
from script.rig.waiting import expect, until, until_async

from .home import DISPATCHED, vehicle_id
from .life import CHARGE_PERCENT
from .stations import Stations

CONNECTED_S: Final = 60.0
CHARGING_S: Final = 90.0
PROVEN_S: Final = 900.0
"""Two to five minutes are promised to the user, for one."""


def evse(identity: str) -> str:
    """Return how the ids of the entities of a station's outlet begin."""
    return f"{identity}_1"


async def make_ready(entities: Entities, stations: Stations) -> None:
    """Return when every dispatched station has its car and nothing flows at it."""

    async def are_known() -> bool:
        await entities.refresh()
        return all(entities.has("sensor", f"{evse(one)}_state") for one in DISPATCHED)

    await until_async(are_known, CONNECTED_S, "entities of the dispatched stations")
    for one in DISPATCHED:
        await stations.act("soc", one, percent=CHARGE_PERCENT)
        await stations.act("plug", one)
    for one in DISPATCHED:
        await _make_ready(entities, one)


async def prove(entities: Entities) -> None:
    """Return when every dispatched station may discharge; takes minutes."""
    for one in DISPATCHED:
        await entities.act("button.press", f"{evse(one)}_self_test")
    for one in DISPATCHED:
        await _until_passed(entities, one)
        await entities.act("switch.turn_on", f"{evse(one)}_discharge_allowed")


async def _until_passed(entities: Entities, one: str) -> None:
    def phase() -> str | None:
        return entities.state("sensor", f"{evse(one)}_self_test")

    await until(
        lambda: phase() in {"passed", "failed"},
        PROVEN_S,
        f"the self-test of {one} passed",
        phase,
    )
    expect(phase() == "passed", f"the self-test of {one} passed", phase())


async def _make_ready(entities: Entities, one: str) -> None:
    vehicle = f"vehicle_{vehicle_id(one)}"
    await until(
        lambda: entities.state("binary_sensor", f"{vehicle}_v2g_capable") == "on",
        CHARGING_S,
        f"the car at {one} known as V2G capable",
        lambda: entities.state("binary_sensor", f"{vehicle}_v2g_capable"),
    )
    await entities.act("select.select_option", f"{evse(one)}_mode", {"option": "off"})
    await entities.act("switch.turn_on", f"{vehicle}_may_discharge")
    await entities.act("number.set_value", f"{vehicle}_cycle_budget", {"value": 100})
    await entities.act("number.set_value", f"{vehicle}_vpp_reserve", {"value": 30})
