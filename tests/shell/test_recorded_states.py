"""The database of a home: how many states an outlet leaves there in a day.

Replayed is a part of the day, second by second, with every entity as an owner has it by
default; the rest of the day is more of the same.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
import random

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from tests.shell.home import KEY, Home

pytestmark = [pytest.mark.slow]

DAY_S = 86_400
REPLAYED_S = 900
IDLE_DAY_STATES = 3_000
V2G_DAY_STATES = 20_000
"""Of one outlet with its car, per day (product brief)."""


@pytest.fixture
def count(hass: HomeAssistant) -> Counter[str]:
    """Count what the recorder would write, by entity."""
    counted: Counter[str] = Counter()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        counted[event.data["entity_id"]] += 1

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    return counted


def of_outlet(home: Home, counted: Counter[str]) -> dict[str, int]:
    """Return the counts of one outlet, its charger and its car."""
    registry, devices = er.async_get(home.hass), dr.async_get(home.hass)
    site = home.device_id("site")
    found = {}
    for entity_id, number in counted.items():
        entry = registry.async_get(entity_id)
        if entry is None or entry.platform != DOMAIN or entry.device_id == site:
            continue
        assert entry.device_id is not None
        assert devices.async_get(entry.device_id) is not None
        found[entity_id] = number
    return found


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What is asked of the outlet, and what its meter adds."""

    mean_w: float
    step_w: float
    """Of each new value; 0: nobody asks for anything."""

    noise_w: float


IDLE = Signal(mean_w=0.0, step_w=0.0, noise_w=3.0)
REGULATING = Signal(mean_w=5_000.0, step_w=900.0, noise_w=50.0)
"""A new value every four seconds, one minute correlated."""

REGULATED_SHARE = 8 / 24
"""A day on which the outlet regulates for eight hours."""


async def states_a_day(
    home: Home, freezer: FrozenDateTimeFactory, count: Counter[str], signal: Signal
) -> float:
    """Let the meter report every second; return what a day of it would leave."""
    count.clear()
    chance, energy_wh, soc = random.Random(1), 12_340.0, 40.0
    power_w = signal.mean_w
    for second in range(REPLAYED_S):
        if second % 4 == 0 and signal.step_w:
            power_w += chance.gauss(0.0, signal.step_w) - 0.06 * (
                power_w - signal.mean_w
            )
            home.site.acquire_control(KEY, "signal", max(1_400.0, power_w), 60.0)
        energy_wh += max(0.0, power_w) / 3_600
        soc += power_w / 3_600 / 400
        freezer.tick(timedelta(seconds=1))
        await home.measure(
            power_w + chance.gauss(0.0, signal.noise_w),
            soc_percent=round(soc, 1),
            energy_charged_wh=energy_wh,
        )
        await home.pass_time(freezer, 0)
    return sum(of_outlet(home, count).values()) * DAY_S / REPLAYED_S


async def test_a_day_leaves_no_more_states_than_promised(
    home: Home, freezer: FrozenDateTimeFactory, count: Counter[str]
) -> None:
    await home.connect()
    await home.plug_in()
    await home.settle()
    idle = await states_a_day(home, freezer, count, IDLE)
    assert idle <= IDLE_DAY_STATES, count.most_common(8)
    regulating = await states_a_day(home, freezer, count, REGULATING)
    # What was asked for was shown, or there would be nothing to count.
    assert count[home.entity_id("sensor", "setpoint")] > REPLAYED_S / 30
    assert count[home.entity_id("sensor", "power")] > REPLAYED_S / 30
    day = regulating * REGULATED_SHARE + idle * (1 - REGULATED_SHARE)
    assert day <= V2G_DAY_STATES, f"{day:.0f} a day: {count.most_common(8)}"
