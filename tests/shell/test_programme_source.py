"""A programme that entities of Home Assistant feed, on a real core and a real site."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    ConfigSubentryData,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import (
    CONF_CALENDAR_ENTITY,
    CONF_CHARGE_POWER_W,
    CONF_CHARGE_STATES,
    CONF_DIRECTION_ENTITY,
    CONF_DISCHARGE_POWER_W,
    CONF_DISCHARGE_STATES,
    CONF_END_ENTITY,
    CONF_EVENT_POWER_W,
    CONF_NAME,
    CONF_PROGRAMME_ID,
    CONF_SIGNING_SEED,
    CONF_SOURCE,
    CONF_STALE_AFTER_MIN,
    CONF_START_ENTITY,
    SOURCE_CALENDAR,
    SOURCE_ENTITIES,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.programme_events import EventPhase
from custom_components.v2g_vpp.domain.snapshot import ProgrammeSnapshot
from custom_components.v2g_vpp.domain.source_event import SourceEvent
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import KEY, Home

PROGRAMME = ProgrammeId("local-evening")
DIRECTION, START, END = "sensor.event_type", "sensor.event_start", "sensor.event_end"
CALENDAR = "calendar.evening"
DATA: dict[str, Any] = {
    CONF_NAME: "Evening",
    CONF_PROGRAMME_ID: PROGRAMME,
    CONF_SOURCE: SOURCE_ENTITIES,
    CONF_SIGNING_SEED: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    CONF_DIRECTION_ENTITY: DIRECTION,
    CONF_DISCHARGE_STATES: "export",
    CONF_CHARGE_STATES: "Import, charge",
    CONF_START_ENTITY: START,
    CONF_END_ENTITY: END,
    CONF_DISCHARGE_POWER_W: 3_000,
    CONF_CHARGE_POWER_W: 4_000,
    CONF_STALE_AFTER_MIN: 30,
}
BY_CALENDAR: dict[str, Any] = {
    CONF_NAME: "Evening",
    CONF_PROGRAMME_ID: PROGRAMME,
    CONF_SOURCE: SOURCE_CALENDAR,
    CONF_SIGNING_SEED: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    CONF_CALENDAR_ENTITY: CALENDAR,
    CONF_EVENT_POWER_W: 4_000,
}


def programme_of(data: dict[str, Any]) -> ConfigSubentryData:
    return ConfigSubentryData(
        subentry_type=SUBENTRY_PROGRAMME,
        title="Evening",
        unique_id=f"programme_{PROGRAMME}",
        data=data,
    )


@pytest.fixture
def data() -> dict[str, Any]:
    return DATA


@pytest.fixture
def subentries(data: dict[str, Any]) -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, programme_of(data)]


def about(power_w: float) -> Any:
    """A charger is trimmed a little when its meter shows less."""
    return pytest.approx(power_w, abs=100)


class Source:
    """The entities of another integration."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    def event(
        self, word: str = "import", *, start_in_s: float = -60, end_in_s: float = 3_600
    ) -> None:
        now = dt_util.utcnow()
        self.show(
            word,
            now + timedelta(seconds=start_in_s),
            now + timedelta(seconds=end_in_s),
        )

    def show(self, word: str, start: datetime, end: datetime) -> None:
        self._hass.states.async_set(START, start.isoformat())
        self._hass.states.async_set(END, end.isoformat())
        self._hass.states.async_set(DIRECTION, word)

    def say(self, word: str) -> None:
        for entity_id in (DIRECTION, START, END):
            self._hass.states.async_set(entity_id, word)


@pytest.fixture
def source(hass: HomeAssistant) -> Source:
    made = Source(hass)
    made.say("unknown")
    return made


@pytest.fixture
async def plugged(source: Source, home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    await home.site.set_evse_policy(KEY, lambda one: replace(one, mode=Mode.OFF))
    return home


def programme(home: Home) -> ProgrammeSnapshot:
    found = home.site.snapshot.programme(PROGRAMME)
    assert found is not None
    return found


async def has_report(home: Home) -> bool:
    await home.settle()
    entries, _ = await home.site.read_ledger(PROGRAMME)
    return EntryKind.EVENT_REPORT in {entry.kind for entry in entries}


async def go_on(home: Home, freezer: FrozenDateTimeFactory, seconds: int) -> None:
    """Let time pass in the steps in which the home looks and the meter reports."""
    for _ in range(0, seconds, 2):
        await home.pass_time(freezer, 2)
        await home.measure(home.evse().setpoint.power_w)


async def test_event_of_the_entities_is_dispatched_and_ends_at_its_time(
    freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    await go_on(plugged, freezer, 4)
    assert programme(plugged).link is LinkState.HEALTHY
    source.event("IMPORT", start_in_s=30, end_in_s=90)
    await go_on(plugged, freezer, 4)
    assert programme(plugged).order is None
    (announced,) = programme(plugged).book.events
    assert announced.phase is EventPhase.ANNOUNCED
    await go_on(plugged, freezer, 50)
    order = programme(plugged).order
    assert order is not None
    assert order.power_w == 4_000
    assert plugged.state("sensor", "control_owner").state == "vpp"
    assert plugged.evse().setpoint.power_w == about(4_000)
    prefix = f"programme_{PROGRAMME}"
    assert plugged.state("binary_sensor", "event_active", prefix).state == "on"
    assert not plugged.has_entity("sensor", "certificate_days_left", prefix)
    await go_on(plugged, freezer, 40)
    assert programme(plugged).order is None
    assert plugged.evse().setpoint.power_w == 0
    (over,) = programme(plugged).book.events
    assert over.phase is EventPhase.FINISHED
    await go_on(plugged, freezer, 40)
    assert await has_report(plugged)


async def test_unavailable_entity_ends_the_dispatch_within_30_s_and_it_comes_back(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event()
    await go_on(plugged, freezer, 30)
    assert plugged.evse().setpoint.power_w == about(4_000)
    before = hass.states.get(DIRECTION)
    assert before is not None
    hass.states.async_set(DIRECTION, "unavailable")
    took_s = 0
    while plugged.evse().setpoint.power_w != 0:
        await go_on(plugged, freezer, 2)
        took_s += 2
        assert took_s <= 30
    assert programme(plugged).link in (LinkState.FAILSAFE, LinkState.DOWN)
    await go_on(plugged, freezer, 60)
    assert programme(plugged).order is None
    hass.states.async_set(DIRECTION, before.state)
    await go_on(plugged, freezer, 60)
    assert programme(plugged).link is LinkState.HEALTHY
    assert plugged.evse().setpoint.power_w == about(4_000)


@pytest.mark.parametrize("word", ["unknown", "none of mine"])
async def test_event_that_is_withdrawn_ends(
    freezer: FrozenDateTimeFactory, plugged: Home, source: Source, word: str
) -> None:
    source.event()
    await go_on(plugged, freezer, 30)
    assert programme(plugged).order is not None
    source.say(word)
    await plugged.tick()
    assert programme(plugged).order is None
    assert plugged.evse().setpoint.power_w == 0
    assert programme(plugged).link is LinkState.HEALTHY


async def test_entity_that_reports_nothing_any_more_is_not_believed(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event(end_in_s=4 * 3_600 - 120)
    await go_on(plugged, freezer, 10)
    assert programme(plugged).order is not None
    await plugged.pass_time(freezer, 31 * 60)
    await go_on(plugged, freezer, 40)
    assert programme(plugged).order is None
    assert programme(plugged).link is not LinkState.HEALTHY
    # Another report of the same is enough to be believed again.
    for entity_id in (DIRECTION, START, END):
        state = hass.states.get(entity_id)
        assert state is not None
        hass.states.async_set(entity_id, state.state)
    await go_on(plugged, freezer, 60)
    assert programme(plugged).order is not None


async def test_clock_that_is_set_back_lengthens_no_event(
    freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event(end_in_s=60)
    await go_on(plugged, freezer, 10)
    order = programme(plugged).order
    assert order is not None
    stepped = plugged.entry.runtime_data.site._clock
    real = stepped.utcnow
    hour = timedelta(hours=1)
    # Only the wall clock goes back; freezegun moves the monotonic one with it.
    type(stepped).utcnow, saved = (lambda _self: real() - hour), type(stepped).utcnow
    try:
        await go_on(plugged, freezer, 70)
        assert programme(plugged).order is None
    finally:
        type(stepped).utcnow = saved


async def test_no_event_is_longer_than_four_hours(
    plugged: Home, source: Source
) -> None:
    source.event(start_in_s=0, end_in_s=9 * 3_600)
    await plugged.tick()
    order = programme(plugged).order
    assert order is not None
    assert order.ends_mono_s - order.start_mono_s == pytest.approx(4 * 3_600, abs=2)


async def test_vehicle_that_comes_late_serves_the_rest(
    freezer: FrozenDateTimeFactory, home: Home, source: Source
) -> None:
    await home.connect()
    source.event()
    await home.pass_time(freezer, 2)
    assert programme(home).order is None
    await home.plug_in()
    await go_on(home, freezer, 30)
    assert home.evse().setpoint.power_w == about(4_000)


async def test_discharge_asks_for_the_permission_of_the_owner(
    freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event("export")
    await go_on(plugged, freezer, 20)
    prefix = f"programme_{PROGRAMME}"
    assert plugged.state("sensor", "last_answer", prefix).state == "not_permitted"
    assert programme(plugged).order is None
    assert plugged.evse().setpoint.power_w == 0


async def test_participation_is_the_owners_switch(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event()
    await go_on(plugged, freezer, 30)
    switch = plugged.entity_id("switch", "participation", f"programme_{PROGRAMME}")
    for service, power_w in (("turn_off", 0), ("turn_on", 4_000)):
        await hass.services.async_call(
            "switch", service, {"entity_id": switch}, blocking=True
        )
        await go_on(plugged, freezer, 40)
        assert plugged.evse().setpoint.power_w == about(power_w)


async def test_removal_ends_the_dispatch(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event()
    await go_on(plugged, freezer, 30)
    (subentry,) = (
        s
        for s in plugged.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    hass.config_entries.async_remove_subentry(plugged.entry, subentry.subentry_id)
    await plugged.settle()
    await plugged.tick()
    assert plugged.site.snapshot.programmes == ()
    assert plugged.state("sensor", "control_owner").state != "vpp"
    source.event("import", end_in_s=7_200)
    await go_on(plugged, freezer, 10)
    assert plugged.state("sensor", "control_owner").state != "vpp"


async def test_restart_in_an_event_goes_on_with_the_rest_of_it(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    source.event(end_in_s=600)
    await go_on(plugged, freezer, 30)
    assert await hass.config_entries.async_reload(plugged.entry.entry_id)
    await plugged.settle()
    again = Home.willing(hass, plugged.entry)
    assert programme(again).order is None
    await again.connect()
    await again.plug_in()
    await go_on(again, freezer, 40)
    order = programme(again).order
    assert order is not None
    left_s = (order.end_at - dt_util.utcnow()).total_seconds()
    assert left_s < 570
    await go_on(again, freezer, int(left_s) + 4)
    assert programme(again).order is None


@pytest.mark.parametrize("data", [BY_CALENDAR])
async def test_running_event_of_a_calendar_is_a_dispatch(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plugged: Home
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")

    def show(state: str, start_in_s: float, end_in_s: float) -> None:
        now = dt_util.now()
        hass.states.async_set(
            CALENDAR,
            state,
            {
                "message": "Evening peak",
                "start_time": _wall(now + timedelta(seconds=start_in_s)),
                "end_time": _wall(now + timedelta(seconds=end_in_s)),
            },
        )

    show("off", 600, 1_200)
    await go_on(plugged, freezer, 10)
    assert programme(plugged).link is LinkState.HEALTHY
    assert programme(plugged).order is None
    show("on", -5, 60)
    await go_on(plugged, freezer, 40)
    assert plugged.evse().setpoint.power_w == about(4_000)
    # The calendar does not move, and still it ends.
    await go_on(plugged, freezer, 40)
    assert programme(plugged).order is None


def _wall(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def test_budget_of_the_day_ends_discharges_until_tomorrow(
    freezer: FrozenDateTimeFactory, plugged: Home, source: Source
) -> None:
    record = plugged.site._registry.programmes[PROGRAMME]
    port: Any = record.port
    port._budget._budget_wh = 1_000.0
    now = dt_util.utcnow()
    event = SourceEvent(power_w=-3_000.0, start_at=now, end_at=now + timedelta(hours=1))
    port._delivered_wh = 500.0
    assert not port._is_spent(event)
    port._delivered_wh = 1_499.0
    assert not port._is_spent(event)
    port._delivered_wh = 1_500.0
    assert port._is_spent(event)
    assert not port._is_spent(replace(event, power_w=3_000.0))
    freezer.tick(86_400)
    assert not port._is_spent(event)
