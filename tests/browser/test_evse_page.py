"""The page of an EVSE reads well: everything has its words."""

from collections.abc import AsyncIterator
from pathlib import Path
import re

from playwright.async_api import Page
import pytest

from script.rig.browser import open_browser, open_path, sign_in, text_of
from script.rig.entities import Entities
from script.rig.home_assistant import HomeAssistant
from script.rig.processes import Supervisor, free_port
from script.rig.waiting import until_async
from tests.e2e.steps import IDENTITY, begin_virtual, virtual_answers

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

EVSE = f"{IDENTITY}_1"

RAW_KEY = re.compile(r"component\.v2g_vpp[\w.]*|state_attributes\.[\w.]+")
"""What the interface shows where a translation is missing."""

RAW_SLUG = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"""What it shows of a state without one, such as discharge_not_allowed."""

CHARGING_TIMEOUT_S = 40.0


@pytest.fixture
async def charging_home(
    tmp_path: Path, socket_enabled: None
) -> AsyncIterator[HomeAssistant]:
    async with Supervisor(tmp_path / "logs") as supervisor:
        home = HomeAssistant(supervisor, tmp_path / "home_assistant", free_port())
        try:
            await home.start()
            flow = await begin_virtual(home)
            await flow.submit(virtual_answers(free_port(), "inside"))
            flow.expect("create_entry")
            entities = Entities(home.socket)

            async def is_charging() -> bool:
                await entities.refresh()
                return entities.state("sensor", f"{EVSE}_state") == "charging"

            await until_async(is_charging, CHARGING_TIMEOUT_S, "a car that charges")
            yield home
        finally:
            await home.close()


async def open_evse(page: Page, home: HomeAssistant) -> str:
    entities = Entities(home.socket)
    await entities.refresh()
    entity = await home.socket.call(
        "config/entity_registry/get", entity_id=entities.id("sensor", f"{EVSE}_state")
    )
    await sign_in(page, home.client.base_url)
    await open_path(
        page, home.client.base_url, f"/config/devices/device/{entity['device_id']}"
    )
    await page.get_by_text("Controls", exact=True).first.wait_for()
    await page.get_by_text("Charging", exact=True).first.wait_for()
    return await text_of(page)


async def test_evse_page_shows_words_and_its_emergency_stop_works(
    charging_home: HomeAssistant, tmp_path: Path
) -> None:
    async with open_browser() as context:
        page = await context.new_page()
        text = await open_evse(page, charging_home)
        await page.screenshot(path=tmp_path / "evse.png")
        for word in ("Emergency stop", "Power", "Reason", "State", "Setpoint", "Plug"):
            assert word in text, f"{word!r} is not on the page: {text}"
        assert RAW_KEY.findall(text) == []
        assert RAW_SLUG.findall(text) == []
        assert (tmp_path / "evse.png").stat().st_size > 10_000

        # The first button of the controls is the emergency stop.
        await page.get_by_text("Press", exact=True).first.click()
        await page.get_by_text("Emergency stop", exact=True).first.wait_for()
    entities = Entities(charging_home.socket)
    await entities.refresh()
    assert entities.state("sensor", f"{EVSE}_state") == "emergency_stop"
    assert entities.state("binary_sensor", f"{EVSE}_emergency_stop") == "on"
