"""The forms of a programme that entities feed."""

from collections.abc import Iterator
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
    CONF_SOURCE,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home
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
        if key not in (CONF_NAME, CONF_PROGRAMME_ID, CONF_SOURCE)
    }
    result = await flows.async_configure(
        form["flow_id"], {**entered, CONF_CHARGE_POWER_W: 2_500}
    )
    assert result["type"] is FlowResultType.ABORT
    await plugged.settle()
    await go_on(plugged, freezer, 30)
    assert plugged.evse().setpoint.power_w == about(2_500)


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
        if key not in (CONF_PROGRAMME_ID, CONF_SOURCE)
    } | {CONF_NAME: "Second", CONF_DAY_BUDGET_KWH: 4.5}
    flows = hass.config_entries.subentries
    result = await flows.async_configure(form["flow_id"], good | changes)
    assert result["errors"] == errors
    result = await flows.async_configure(form["flow_id"], good)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await plugged.settle()
    assert plugged.site.snapshot.programme(ProgrammeId("local-second")) is not None


LEDGER = {
    f"v2g_vpp.ledger.local-evening.jsonl{part}" for part in ("", ".seal", ".torn")
}
OTHER = "v2g_vpp.ledger.local-evening-2.jsonl"


def left_of(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("v2g_vpp.ledger.*.jsonl*")}


@pytest.fixture
def ledgers(hass: HomeAssistant) -> Iterator[Path]:
    folder = Path(hass.config.path(STORAGE_DIR))
    folder.mkdir(exist_ok=True)
    for name in (*LEDGER, OTHER):
        (folder / name).touch()
    yield folder
    for name in left_of(folder):
        (folder / name).unlink()


@pytest.mark.parametrize("keeps_ledger", [True, False])
async def test_owner_leaves_a_programme_and_says_what_becomes_of_the_ledger(
    hass: HomeAssistant, plugged: Home, ledgers: Path, keeps_ledger: bool
) -> None:
    (subentry,) = (
        s
        for s in plugged.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    flows = hass.config_entries.subentries
    menu = await flows.async_init(
        (plugged.entry.entry_id, SUBENTRY_PROGRAMME),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "leave"})
    assert form["description_placeholders"] == {"programme": "Evening"}
    result = await flows.async_configure(
        form["flow_id"], {CONF_KEEP_LEDGER: keeps_ledger}
    )
    assert result["reason"] == "left"
    await plugged.settle()
    await plugged.tick()
    assert subentry.subentry_id not in plugged.entry.subentries
    assert plugged.site.snapshot.programmes == ()
    assert left_of(ledgers) == {OTHER} | (LEDGER if keeps_ledger else set())
