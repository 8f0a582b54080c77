"""States of other integrations become readings of the home's meters."""

import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_BATTERY,
    CONF_FUSE_A,
    CONF_GRID,
    CONF_GRID_INVERTED,
    CONF_GRID_L1,
    CONF_PHASE_COUNT,
    CONF_PHASE_MAP,
    CONF_SOLAR,
    DOMAIN,
)
from custom_components.v2g_vpp.domain.site_meters import Meter, SiteMeter
from custom_components.v2g_vpp.readings import (
    LARGEST_METER_W,
    MeterSource,
    meter_value,
)
from tests.shell.home import KEY, Home

GRID, OTHER = "sensor.grid", "sensor.other"
WIRING = {CONF_PHASE_COUNT: "3"}


def show(
    hass: HomeAssistant, state: str, unit: str | None = "W", entity_id: str = GRID
) -> None:
    hass.states.async_set(entity_id, state, {"unit_of_measurement": unit})


async def use(hass: HomeAssistant, entry: MockConfigEntry, **options: Any) -> None:
    hass.config_entries.async_update_entry(entry, options={**WIRING, **options})
    await hass.async_block_till_done()


def meter(home: Home, which: SiteMeter = SiteMeter.GRID) -> Meter:
    meters = home.site._registry.meters
    assert meters is not None
    found = meters.meter(which)
    assert found is not None
    return found


def value(home: Home, which: SiteMeter = SiteMeter.GRID) -> float | None:
    reading = meter(home, which).reading
    return None if reading is None else reading.value


async def test_only_what_is_reported_while_we_listen_counts(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    show(hass, "300")
    await use(hass, entry, **{CONF_GRID: GRID})
    assert value(home) is None, "it may have been restored"
    show(hass, "300")
    assert value(home) == 300.0, "told again it is fresh, though nothing changed"


async def test_a_value_that_is_told_again_is_as_fresh_as_a_new_one(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    first = meter(home).reading
    show(hass, "300")
    second = meter(home).reading
    assert first is not None
    assert second is not None
    assert second.received_mono_s > first.received_mono_s
    assert second.taken_at > first.taken_at


@pytest.mark.parametrize(
    ("state", "unit"),
    [
        ("unavailable", "W"),
        ("unknown", "W"),
        ("nan", "W"),
        ("inf", "kW"),
        ("many", "W"),
        ("300", "kWh"),
        ("300", None),
        ("5000000", "W"),
    ],
)
async def test_doubt_is_silence_at_once_and_a_value_ends_it(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry, state: str, unit: str
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    show(hass, state, unit)
    assert value(home) is None
    show(hass, "0.4", "kW")
    assert value(home) == 400.0


async def test_a_removed_sensor_is_silent(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    hass.states.async_remove(GRID)
    assert value(home) is None


async def test_a_meter_that_talks_nonsense_is_logged_once_until_it_talks_sense(
    hass: HomeAssistant,
    home: Home,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})

    def told() -> int:
        return caplog.text.count("is no value for grid")

    show(hass, "unavailable")
    assert told() == 0, "silence is not nonsense"
    show(hass, "1", "kWh")
    show(hass, "2", "kWh")
    assert told() == 1
    show(hass, "3", "kW")
    show(hass, "4", "kWh")
    assert told() == 2


async def test_another_entity_or_another_sign_starts_without_a_value(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    await use(hass, entry, **{CONF_GRID: GRID, CONF_GRID_INVERTED: True})
    assert value(home) is None
    show(hass, "300")
    assert value(home) == -300.0
    await use(hass, entry, **{CONF_GRID: OTHER})
    show(hass, "500")
    assert value(home) is None, "the old sensor is not heard any more"
    show(hass, "600", entity_id=OTHER)
    assert value(home) == 600.0


async def test_a_meter_that_stays_keeps_its_value_while_others_change(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    await use(hass, entry, **{CONF_GRID: GRID, CONF_SOLAR: OTHER})
    assert value(home) == 300.0
    assert value(home, SiteMeter.SOLAR) is None


async def test_after_an_unload_nobody_listens(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(hass, entry, **{CONF_GRID: GRID})
    show(hass, "300")
    registry = home.site._registry
    assert await hass.config_entries.async_unload(entry.entry_id)
    show(hass, "400")
    assert registry.meters is not None
    assert registry.meters.grid_w(time.monotonic()) == 300.0


@given(
    power=st.floats(),
    is_inverted=st.booleans(),
    unit=st.sampled_from(["W", "kW", "MW", "%", None]),
    which=st.sampled_from(SiteMeter),
)
def test_whatever_a_sensor_says_a_value_is_finite_and_of_its_sign(
    power: float, is_inverted: bool, unit: str | None, which: SiteMeter
) -> None:
    source = MeterSource(meter=which, entity_id=GRID, is_inverted=is_inverted)
    state = State(GRID, str(power), {"unit_of_measurement": unit})
    found = meter_value(source, state)
    if found is None:
        return
    assert abs(found) <= LARGEST_METER_W
    if which is SiteMeter.SOLAR:
        assert found >= 0
    elif which is SiteMeter.BATTERY_SOC:
        assert found == power
    else:
        assert found * power * (-1 if is_inverted else 1) >= 0


# --- what is shown of them ---


def entity_ids(hass: HomeAssistant) -> set[str]:
    registry = er.async_get(hass)
    keys = ("grid_power", "home_load", "fuse_margin_l1")
    found = {
        key: registry.async_get_entity_id("sensor", DOMAIN, f"site_{key}")
        for key in keys
    }
    return {key for key, entity_id in found.items() if entity_id is not None}


async def test_sensors_of_the_meters_come_and_go_with_them(
    hass: HomeAssistant,
    home: Home,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert entity_ids(hass) == set()
    await use(hass, entry, **{CONF_GRID: GRID, CONF_GRID_L1: OTHER, CONF_FUSE_A: 25.0})
    await home.tick()
    assert entity_ids(hass) == {"grid_power", "home_load", "fuse_margin_l1"}
    show(hass, "1000")
    show(hass, "690", entity_id=OTHER)
    await home.pass_time(freezer, 6)
    assert home.state("sensor", "grid_power", "site").state == "1000.0"
    snapshot = home.site.snapshot.meters
    assert snapshot is not None
    assert snapshot.fuse_margins_a == (22.0,)
    await use(hass, entry)
    await home.tick()
    assert entity_ids(hass) == set()


async def test_home_load_needs_every_term_of_its_sum(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await use(
        hass,
        entry,
        **{CONF_GRID: GRID, CONF_SOLAR: OTHER, CONF_BATTERY: "sensor.battery"},
    )

    async def load() -> float | None:
        await home.tick()
        meters = home.site.snapshot.meters
        assert meters is not None
        return meters.load_w

    show(hass, "500")
    show(hass, "2000", entity_id=OTHER)
    assert await load() is None
    show(hass, "1500", entity_id="sensor.battery")
    assert await load() == 1000.0
    show(hass, "unavailable", entity_id=OTHER)
    assert await load() is None


async def test_a_charger_that_names_its_phases_changes_the_wiring_at_once(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    assert home.site._registry.wiring is None
    subentry = next(s for s in entry.subentries.values() if s.title == "Garage")
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_PHASE_MAP: "2"}
    )
    await hass.async_block_till_done()
    wiring = home.site._registry.wiring
    assert wiring is not None
    assert wiring.phase_map(KEY).phases == (2,)
