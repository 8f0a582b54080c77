"""The forms of a programme that entities feed."""

import asyncio
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentryData,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR
import pytest

from custom_components.v2g_vpp.const import (
    CONF_CHARGE_POWER_W,
    CONF_CHARGE_STATES,
    CONF_DAY_BUDGET_KWH,
    CONF_DISCHARGE_STATES,
    CONF_END_ENTITY,
    CONF_EVENT_POWER_W,
    CONF_KEEP_LEDGER,
    CONF_NAME,
    CONF_PROGRAMME_ID,
    CONF_RESERVE_PERCENT,
    CONF_SIGNING_SEED,
    CONF_SOURCE,
    DOMAIN,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.programme_keys import async_with_keys
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home
from tests.shell.test_ledger_entities import BODY
from tests.shell.test_programme_source import (
    BY_CALENDAR,
    DATA,
    START,
    Source,
    about,
    go_on,
    programme_of,
)


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, programme_of(DATA)]


@pytest.fixture
def source(hass: HomeAssistant) -> Source:
    made = Source(hass)
    made.say("unknown")
    return made


@pytest.fixture
async def plugged(source: Source, home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


async def test_reconfigured_power_is_used_at_once(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event()
    await go_on(plugged, freezer, 20)
    (subentry,) = (
        s
        for s in plugged.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (plugged.entry.entry_id, SUBENTRY_PROGRAMME),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert form["menu_options"] == ["change_entities", "leave"]
    form = await flows.async_configure(
        form["flow_id"], {"next_step_id": "change_entities"}
    )
    assert form["step_id"] == "change_entities"
    entered = {
        key: value
        for key, value in DATA.items()
        if key not in (CONF_NAME, CONF_PROGRAMME_ID, CONF_SIGNING_SEED, CONF_SOURCE)
    }
    result = await flows.async_configure(
        form["flow_id"], {**entered, CONF_CHARGE_POWER_W: 2_500}
    )
    assert result["type"] is FlowResultType.ABORT
    await plugged.settle()
    await go_on(plugged, freezer, 30)
    assert plugged.evse().setpoint.power_w == about(2_500)


async def test_a_calendar_is_reconfigured_as_one(
    hass: HomeAssistant, plugged: Home
) -> None:
    form = await add(hass, plugged, "calendar")
    flows = hass.config_entries.subentries
    entered = {
        key: value
        for key, value in BY_CALENDAR.items()
        if key not in (CONF_PROGRAMME_ID, CONF_SIGNING_SEED, CONF_SOURCE)
    } | {CONF_NAME: "By calendar"}
    await flows.async_configure(form["flow_id"], entered)
    await plugged.settle()
    subentry = next(
        s for s in plugged.entry.subentries.values() if s.title == "By calendar"
    )
    menu = await flows.async_init(
        (plugged.entry.entry_id, SUBENTRY_PROGRAMME),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert menu["menu_options"] == ["change_calendar", "leave"]
    form = await flows.async_configure(
        menu["flow_id"], {"next_step_id": "change_calendar"}
    )
    assert form["step_id"] == "change_calendar"
    del entered[CONF_NAME]
    result = await flows.async_configure(
        form["flow_id"], entered | {CONF_EVENT_POWER_W: -4_000}
    )
    assert result["reason"] == "reconfigure_successful"
    await plugged.settle()
    changed = plugged.entry.subentries[subentry.subentry_id]
    assert changed.data[CONF_EVENT_POWER_W] == -4_000
    assert changed.title == "By calendar"


async def test_a_programme_is_left_only_while_the_home_runs(
    hass: HomeAssistant, plugged: Home
) -> None:
    (subentry,) = (
        s
        for s in plugged.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    assert await hass.config_entries.async_unload(plugged.entry.entry_id)
    flows = hass.config_entries.subentries
    menu = await flows.async_init(
        (plugged.entry.entry_id, SUBENTRY_PROGRAMME),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    result = await flows.async_configure(menu["flow_id"], {"next_step_id": "leave"})
    assert result["reason"] == "not_loaded"
    assert subentry.subentry_id in plugged.entry.subentries
    assert await hass.config_entries.async_setup(plugged.entry.entry_id)
    # It runs again: now it can be left.
    await leave(hass, Home.willing(hass, plugged.entry), keeps_ledger=True)


async def add(hass: HomeAssistant, home: Home, step: str) -> Any:
    flows = hass.config_entries.subentries
    menu = await flows.async_init(
        (home.entry.entry_id, SUBENTRY_PROGRAMME), context={"source": SOURCE_USER}
    )
    return await flows.async_configure(menu["flow_id"], {"next_step_id": step})


@pytest.mark.parametrize(
    ("step", "changes", "errors"),
    [
        (
            "entities",
            {CONF_CHARGE_STATES: "export"},
            {CONF_CHARGE_STATES: "both_directions"},
        ),
        ("entities", {CONF_END_ENTITY: START}, {CONF_END_ENTITY: "same_entity"}),
        (
            "entities",
            {CONF_CHARGE_POWER_W: 0, CONF_DISCHARGE_STATES: " , "},
            {"base": "no_direction"},
        ),
        ("entities", {CONF_NAME: "evening"}, {CONF_NAME: "name_taken"}),
        ("calendar", {CONF_EVENT_POWER_W: 0}, {CONF_EVENT_POWER_W: "no_power"}),
    ],
)
async def test_form_says_what_is_wrong_and_takes_it_when_it_is_right(
    hass: HomeAssistant,
    plugged: Home,
    step: str,
    changes: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await add(hass, plugged, step)
    assert form["step_id"] == step
    base = DATA if step == "entities" else BY_CALENDAR
    good = {
        key: value
        for key, value in base.items()
        if key not in (CONF_PROGRAMME_ID, CONF_SIGNING_SEED, CONF_SOURCE)
    } | {CONF_NAME: "Second", CONF_DAY_BUDGET_KWH: 4.5, CONF_RESERVE_PERCENT: 55}
    flows = hass.config_entries.subentries
    result = await flows.async_configure(form["flow_id"], good | changes)
    assert result["errors"] == errors
    result = await flows.async_configure(form["flow_id"], good)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await plugged.settle()
    second = plugged.site.snapshot.programme(ProgrammeId("local-second"))
    assert second is not None
    assert second.grant.reserve_percent == 55


EVENING = ProgrammeId("local-evening")
LEDGER = "v2g_vpp.ledger.local-evening.jsonl"
OTHER = "v2g_vpp.ledger.local-evening-2.jsonl"


def left_of(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("v2g_vpp.ledger.*")}


@pytest.fixture
def ledgers(hass: HomeAssistant, source: Source) -> Path:
    folder = Path(hass.config.path(STORAGE_DIR))
    (folder / OTHER).touch()
    return folder


async def written(home: Home, count: int) -> None:
    """Wait until the ledger has so many entries, its beginning among them."""
    async with asyncio.timeout(5):
        while len((await home.site.read_ledger(EVENING))[0]) < count:
            await asyncio.sleep(0.005)
    await home.settle()


def note(home: Home, event_id: str) -> None:
    desk = home.site._registry.programmes[EVENING].ledger
    assert desk is not None
    desk.record(EntryKind.EVENT_REPORT, {**BODY, "event_id": event_id})


async def leave(hass: HomeAssistant, home: Home, *, keeps_ledger: bool) -> None:
    (subentry,) = (
        s
        for s in home.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    flows = hass.config_entries.subentries
    menu = await flows.async_init(
        (home.entry.entry_id, SUBENTRY_PROGRAMME),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "leave"})
    assert form["description_placeholders"] == {"programme": "Evening"}
    # What is written in this moment must not come back when it was deleted.
    note(home, "last")
    result = await flows.async_configure(
        form["flow_id"], {CONF_KEEP_LEDGER: keeps_ledger}
    )
    assert result["reason"] == "left"
    await home.settle()
    await home.tick()
    assert subentry.subentry_id not in home.entry.subentries
    assert home.site.snapshot.programmes == ()


@pytest.mark.parametrize("keeps_ledger", [True, False])
async def test_owner_leaves_a_programme_and_says_what_becomes_of_the_ledger(
    hass: HomeAssistant,
    plugged: Home,
    ledgers: Path,
    keeps_ledger: bool,
) -> None:
    note(plugged, "first")
    await written(plugged, 2)
    desk = plugged.site._registry.programmes[EVENING].ledger
    assert desk is not None
    assert LEDGER in left_of(ledgers)
    assert "ledger tidy" in {task.get_name() for task in asyncio.all_tasks()}
    await leave(hass, plugged, keeps_ledger=keeps_ledger)
    desk.record(EntryKind.EVENT_REPORT, {**BODY, "event_id": "late"})
    await plugged.settle()
    assert "ledger tidy" not in {task.get_name() for task in asyncio.all_tasks()}
    kept = {f"{LEDGER}.left-1", f"{LEDGER}.left-1.seal"}
    assert left_of(ledgers) == {OTHER} | (kept if keeps_ledger else set())
    if keeps_ledger:
        lines = (ledgers / f"{LEDGER}.left-1").read_text().splitlines()
        assert ['"last"' in lines[-1], len(lines)] == [True, 3]


async def test_a_programme_that_is_joined_again_begins_a_ledger_of_its_own(
    hass: HomeAssistant, plugged: Home, ledgers: Path
) -> None:
    note(plugged, "first")
    await written(plugged, 2)
    await leave(hass, plugged, keeps_ledger=True)
    form = await add(hass, plugged, "entities")
    entered = {
        key: value
        for key, value in DATA.items()
        if key not in (CONF_PROGRAMME_ID, CONF_SIGNING_SEED, CONF_SOURCE)
    }
    await hass.config_entries.subentries.async_configure(form["flow_id"], entered)
    await plugged.settle()
    note(plugged, "anew")
    await written(plugged, 2)
    assert (await plugged.site.verify_ledger(EVENING)).break_ is None
    assert {f"{LEDGER}.left-1", LEDGER} <= left_of(ledgers)
    assert (DOMAIN, f"ledger_changed_{EVENING}") not in ir.async_get(hass).issues


async def test_the_ledger_of_a_removed_home_stays_and_nothing_writes_to_it(
    hass: HomeAssistant,
    plugged: Home,
    ledgers: Path,
) -> None:
    note(plugged, "first")
    await written(plugged, 2)
    desk = plugged.site._registry.programmes[EVENING].ledger
    assert desk is not None
    note(plugged, "last")
    await hass.config_entries.async_remove(plugged.entry.entry_id)
    lines = (ledgers / LEDGER).read_text().splitlines()
    assert ['"last"' in lines[-1], len(lines)] == [True, 3]
    (ledgers / LEDGER).unlink()
    desk.record(EntryKind.EVENT_REPORT, {**BODY, "event_id": "late"})
    desk.save_later()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert left_of(ledgers) == {OTHER, f"{LEDGER}.seal"}


class TestBeforeTheLedger:
    """A programme that was set up before programmes of entities had a ledger."""

    @pytest.fixture
    def subentries(self) -> list[ConfigSubentryData]:
        old = {key: DATA[key] for key in DATA if key != CONF_SIGNING_SEED}
        return [STATION, VEHICLE, programme_of(old)]

    async def test_gets_one_key_and_keeps_it(
        self, hass: HomeAssistant, plugged: Home, ledgers: Path
    ) -> None:
        note(plugged, "first")
        await written(plugged, 2)
        (seed,) = await seeds(plugged)
        assert len(seed) == len(DATA[CONF_SIGNING_SEED])
        assert await hass.config_entries.async_reload(plugged.entry.entry_id)
        assert await seeds(plugged) == [seed]
        site = plugged.entry.runtime_data.site
        found = await site.verify_ledger(EVENING)
        assert (found.count, found.break_) == (2, None)

    async def test_another_one_has_another_key(
        self, hass: HomeAssistant, plugged: Home
    ) -> None:
        form = await add(hass, plugged, "entities")
        entered = {
            key: value
            for key, value in DATA.items()
            if key not in (CONF_PROGRAMME_ID, CONF_SIGNING_SEED, CONF_SOURCE)
        } | {CONF_NAME: "Second"}
        await hass.config_entries.subentries.async_configure(form["flow_id"], entered)
        await plugged.settle()
        assert len(set(await seeds(plugged))) == 2


async def seeds(home: Home) -> list[str]:
    return [
        (await async_with_keys(home.hass, subentry.data))[CONF_SIGNING_SEED]
        for subentry in home.entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_PROGRAMME
    ]
