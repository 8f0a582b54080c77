"""The page that waits for a new charger: real listener, virtual charging station."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp import station_arrival
from custom_components.v2g_vpp.const import CONF_SKIP_WAIT, SUBENTRY_STATION
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.visitor import VisitPhase
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.virtual.config import Protocol, VirtualStationConfig
from custom_components.v2g_vpp.virtual.station import VirtualStation
from tests.shell.test_subentry_flows import STATION

NEW = StationId(STATION["identity"])
AUTOMATIC = STATION | {"dialect": "automatic"}
SOON_S = 10.0
TASK = "v2g_vpp charger arrives"

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Page:
    """The dialog of one new charger, as the browser sees it."""

    def __init__(self, hass: HomeAssistant, flow_id: str) -> None:
        self.hass, self.flow_id = hass, flow_id

    @classmethod
    async def open(
        cls, hass: HomeAssistant, entry: MockConfigEntry, **changes: Any
    ) -> Page:
        form = await hass.config_entries.subentries.async_init(
            (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
        )
        page = cls(hass, form["flow_id"])
        shown = await page.submit(AUTOMATIC | changes)
        assert shown["step_id"] == "connect"
        return page

    async def submit(self, data: dict[str, Any] | None = None) -> dict[str, Any]:
        flows = self.hass.config_entries.subentries
        return dict(await flows.async_configure(self.flow_id, data))

    async def choose(self, option: str) -> dict[str, Any]:
        return await self.submit({"next_step_id": option})

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(SOON_S):
            while True:
                # As the browser does: it looks again when it is told to.
                shown = await self.submit()
                if holds(shown):
                    return shown
                await asyncio.sleep(0.02)

    async def until_step(self, step: str) -> dict[str, Any]:
        return await self.until(lambda shown: shown["step_id"] == step)

    async def until_hint(self, words: str) -> dict[str, Any]:
        return await self.until(
            lambda shown: words in shown["description_placeholders"]["hint"]
        )

    def abort(self) -> None:
        self.hass.config_entries.subentries.async_abort(self.flow_id)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station_arrival, "LOOK_S", 0.02)


@pytest.fixture
async def loaded(
    hass: HomeAssistant, entry: MockConfigEntry
) -> AsyncIterator[MockConfigEntry]:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield entry
    if entry.state.recoverable:
        assert await hass.config_entries.async_unload(entry.entry_id)


type Dial = Callable[..., asyncio.Task[None]]


@pytest.fixture
async def dial(loaded: MockConfigEntry) -> AsyncIterator[Dial]:
    """Let a virtual charging station dial in."""
    running: list[asyncio.Task[None]] = []

    def start(
        protocol: Protocol = Protocol.OCPP_2_1,
        identity: str = NEW,
        password: str = STATION["password"],
    ) -> asyncio.Task[None]:
        station = VirtualStation(
            VirtualStationConfig(
                url=f"ws://127.0.0.1:{loaded.data['ocpp_port']}/",
                identity=identity,
                password=password,
                protocols=(protocol,),
                reconnect_min_s=0.05,
                reconnect_max_s=0.2,
            ),
            SystemClock(),
        )
        running.append(asyncio.create_task(station.run()))
        return running[-1]

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def hang_up(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def visitor(entry: MockConfigEntry, identity: StationId = NEW) -> Any:
    return entry.runtime_data.site.visitor(identity)


def lookers() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if TASK in task.get_name()]


async def nothing_is_left(entry: MockConfigEntry) -> None:
    await asyncio.sleep(0)
    assert visitor(entry) is None
    assert lookers() == []
    assert entry.runtime_data.site.snapshot.station(NEW) is None


@pytest.mark.parametrize(
    ("protocol", "version", "claim"),
    [
        (Protocol.OCPP_2_1, "2.1", "It says that it can discharge"),
        (Protocol.OCPP_2_0_1, "2.0.1", "It does not tell"),
        (Protocol.OCPP_1_6, "1.6", "It does not tell"),
    ],
)
async def test_a_charger_arrives_and_is_shown_before_it_is_added(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dial: Dial,
    protocol: Protocol,
    version: str,
    claim: str,
) -> None:
    page = await Page.open(hass, loaded)
    waiting = await page.submit({})
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    assert (waiting["step_id"], waiting["progress_action"]) == ("arrive", "waiting")
    assert "Nothing has tried" in waiting["description_placeholders"]["hint"]
    dial(protocol)
    arrived = await page.until_step("arrived")
    assert arrived["type"] is FlowResultType.FORM
    told = arrived["description_placeholders"]
    assert told["charger"] == (
        f"`Virtual Bidirectional 11`, firmware `1.0.0`, OCPP {version}."
    )
    assert told["meter"] == "Its meter shows 0 W."
    assert told["discharge"].startswith(claim)
    # It is still a guest: nothing of it is in the home.
    assert loaded.runtime_data.site.snapshot.station(NEW) is None
    done = await page.submit({})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    async with asyncio.timeout(SOON_S):
        while not loaded.runtime_data.site.snapshot.station(NEW).is_connected:
            await asyncio.sleep(0.02)
    assert visitor(loaded) is None
    assert lookers() == []


async def test_each_phase_is_shown_while_it_lasts(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial
) -> None:
    page = await Page.open(hass, loaded)
    shown = [(await page.submit({}))["progress_action"]]
    dial()
    async with asyncio.timeout(SOON_S):
        while (step := await page.submit())["type"] is FlowResultType.SHOW_PROGRESS:
            if step["progress_action"] != shown[-1]:
                shown.append(step["progress_action"])
                assert "Bidirectional" in step["description_placeholders"]["charger"]
            await asyncio.sleep(0)
    order = list(VisitPhase)
    assert shown == sorted(shown, key=lambda action: order.index(VisitPhase(action)))
    assert shown[0] is VisitPhase.WAITING
    page.abort()
    await nothing_is_left(loaded)


async def test_one_that_came_while_the_address_was_shown_is_shown_at_once(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial
) -> None:
    page = await Page.open(hass, loaded)
    dial()
    async with asyncio.timeout(SOON_S):
        while not visitor(loaded).is_read:
            await asyncio.sleep(0.02)
    # A page that is loaded again adds nothing and does not turn the charger away.
    assert (await page.submit())["step_id"] == "connect"
    assert visitor(loaded).is_connected
    arrived = await page.submit({})
    assert (arrived["type"], arrived["step_id"]) == (FlowResultType.FORM, "arrived")
    assert (await page.submit())["step_id"] == "arrived"
    assert (await page.submit({}))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_wrong_password_is_told_and_then_forgotten(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial
) -> None:
    page = await Page.open(hass, loaded)
    await page.submit({})
    wrong = dial(password="a-wrong-password-0123456789")
    shown = await page.until_hint("sends another password")
    assert shown["progress_action"] == "waiting"
    assert "`127.0.0.1`" in shown["description_placeholders"]["hint"]
    await hang_up(wrong)
    stranger = dial(identity="CS-124")
    # What is surely wrong with this charger counts more than what may be.
    await asyncio.sleep(0.3)
    assert await page.until_hint("sends another password")
    await hang_up(stranger)
    # After wrong passwords the door lets nobody in for a moment.
    dial()
    arrived = await page.until_step("arrived")
    assert "Nothing has tried" in arrived["description_placeholders"]["hint"]
    page.abort()


async def test_an_unknown_identity_is_told_by_its_name(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial
) -> None:
    page = await Page.open(hass, loaded)
    await page.submit({})
    dial(identity="CS-124")
    shown = await page.until_hint("calls itself `CS-124`")
    assert "exactly `CS-2`" in shown["description_placeholders"]["hint"]
    page.abort()
    await nothing_is_left(loaded)


async def test_one_that_does_not_come_can_be_waited_for_again(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dial: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = dict(station_arrival.LIMITS_S)
    monkeypatch.setattr(station_arrival, "LIMITS_S", limits | {VisitPhase.WAITING: 0.1})
    page = await Page.open(hass, loaded)
    await page.submit({})
    menu = await page.until_step("not_here")
    assert menu["type"] is FlowResultType.MENU
    assert visitor(loaded) is not None
    address = await page.choose("address")
    assert address["step_id"] == "connect"
    await page.submit({})
    await page.until_step("not_here")
    monkeypatch.setattr(station_arrival, "LIMITS_S", limits)
    assert (await page.choose("wait_again"))["progress_action"] == "waiting"
    dial()
    await page.until_step("arrived")
    assert (await page.submit({}))["type"] is FlowResultType.CREATE_ENTRY


async def test_one_that_does_not_come_can_be_added_all_the_same(
    hass: HomeAssistant, loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        station_arrival,
        "LIMITS_S",
        {**station_arrival.LIMITS_S, VisitPhase.WAITING: 0.05},
    )
    page = await Page.open(hass, loaded)
    await page.submit({})
    await page.until_step("not_here")
    done = await page.choose("finish")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert CONF_SKIP_WAIT not in done["data"]
    assert lookers() == []


async def test_one_that_is_silent_about_itself_is_shown_after_a_while(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dial: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = {VisitPhase.CONNECTED: 0.0, VisitPhase.MEASURED: 0.0}
    monkeypatch.setattr(
        station_arrival, "LIMITS_S", {**station_arrival.LIMITS_S, **short}
    )
    page = await Page.open(hass, loaded)
    await page.submit({})
    dial()
    arrived = await page.until_step("arrived")
    told = arrived["description_placeholders"]
    assert "Virtual" in told["charger"]
    assert told["meter"]
    page.abort()
    await nothing_is_left(loaded)


@pytest.mark.parametrize("phase", list(VisitPhase))
async def test_closing_the_page_in_any_phase_leaves_nothing_behind(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial, phase: VisitPhase
) -> None:
    page = await Page.open(hass, loaded)
    await page.submit({})
    if phase is not VisitPhase.WAITING:
        dial()
    order = list(VisitPhase)
    async with asyncio.timeout(SOON_S):
        # A phase may be over within one round of the loop.
        while order.index(visitor(loaded).phase) < order.index(phase):
            await asyncio.sleep(0)
    page.abort()
    await nothing_is_left(loaded)
    with pytest.raises(UnknownFlow):
        await page.submit()


async def test_two_chargers_are_added_at_the_same_time(
    hass: HomeAssistant, loaded: MockConfigEntry, dial: Dial
) -> None:
    pages = [
        await Page.open(hass, loaded, identity=identity) for identity in ("A-1", "B-2")
    ]
    for page in pages:
        await page.submit({})
    for identity in ("B-2", "A-1"):
        dial(identity=identity)
    for page in pages:
        await page.until_step("arrived")
        assert (await page.submit({}))["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
    snapshot = loaded.runtime_data.site.snapshot
    assert {s.station_id for s in snapshot.stations} >= {"A-1", "B-2"}


async def test_who_cannot_wait_is_not_made_to(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    page = await Page.open(hass, loaded)
    done = await page.submit({CONF_SKIP_WAIT: True})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["data"] == AUTOMATIC


async def test_a_home_that_goes_away_meanwhile_is_no_trap(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    page = await Page.open(hass, loaded)
    await page.submit({})
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await page.until_step("not_here")
    assert lookers() == []
    again = await page.choose("wait_again")
    assert again["step_id"] == "not_here"
    # Once it is back, it lets the charger in again.
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert (await page.choose("wait_again"))["progress_action"] == "waiting"
    assert visitor(loaded) is not None
    page.abort()
    await nothing_is_left(loaded)


async def test_a_charger_without_a_password_is_not_waited_for(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(
        loaded, data={**loaded.data, "ocpp_networks": "127.0.0.0/8"}
    )
    await hass.async_block_till_done()
    page = await Page.open(hass, loaded, no_password=True)
    assert visitor(loaded) is None
    assert (await page.submit({}))["type"] is FlowResultType.CREATE_ENTRY
