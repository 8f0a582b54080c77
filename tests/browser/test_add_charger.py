"""Add a charger in the browser: the page waits, helps, and shows what came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.virtual.config import VirtualStationConfig
from custom_components.v2g_vpp.virtual.station import VirtualStation
from script.rig.browser import open_browser, open_path, sign_in, text_of
from script.rig.home_assistant import HomeAssistant
from script.rig.home_assistant_client import Flow
from script.rig.processes import Supervisor, free_port
from script.rig.waiting import until_async
from tests.browser.test_evse_page import RAW_KEY
from tests.e2e.steps import DOMAIN, complaints

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

IDENTITY = "GARAGE-1"
SEEN_MS = 30_000
"""As long as a charger may take to dial again after it was turned away."""


@pytest.fixture
async def listening_home(
    tmp_path: Path, socket_enabled: None
) -> AsyncIterator[tuple[HomeAssistant, int]]:
    port = free_port()
    async with Supervisor(tmp_path / "logs") as supervisor:
        home = HomeAssistant(supervisor, tmp_path / "home_assistant", free_port())
        try:
            await home.start()
            flow = await Flow.start(home.client, DOMAIN)
            await flow.submit({"next_step_id": "home"})
            await flow.submit({"ocpp_host": "127.0.0.1", "ocpp_port": port})
            flow.expect("create_entry")
            yield home, port
        finally:
            await home.close()


@asynccontextmanager
async def charger(port: int, identity: str, password: str) -> AsyncIterator[None]:
    station = VirtualStation(
        VirtualStationConfig(
            url=f"ws://127.0.0.1:{port}/",
            identity=identity,
            password=password,
            reconnect_max_s=2.0,
        ),
        SystemClock(),
    )
    running = asyncio.create_task(station.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).last.click()


async def shows(page: Page, words: str) -> None:
    await expect(page.get_by_text(words).last).to_be_visible(timeout=SEEN_MS)


async def test_a_charger_is_added_and_seen_to_arrive(
    listening_home: tuple[HomeAssistant, int], tmp_path: Path
) -> None:
    home, port = listening_home
    base_url = home.client.base_url
    async with open_browser() as context:
        page = await context.new_page()
        await sign_in(page, base_url)
        await open_path(page, base_url, f"/config/integrations/integration/{DOMAIN}")
        await press(page, "Add charger")
        await page.locator("input[name=identity]").fill(IDENTITY)
        password = await page.locator("input[name=password]").input_value()
        await page.screenshot(path=tmp_path / "form.png")
        await press(page, "Submit")
        await shows(page, "Enter these at the charger")
        await page.screenshot(path=tmp_path / "connect.png")
        await press(page, "Submit")
        await shows(page, "Nothing has tried to connect yet")
        await page.screenshot(path=tmp_path / "waiting.png")
        async with charger(port, "GARAGE-2", password):
            await shows(page, "calls itself")
            await page.screenshot(path=tmp_path / "unknown.png")
        async with charger(port, IDENTITY, "a-wrong-password-0123"):
            await shows(page, "sends another password")
            await page.screenshot(path=tmp_path / "wrong.png")
        async with charger(port, IDENTITY, password):
            await shows(page, "It says that it can discharge")
            await page.screenshot(path=tmp_path / "arrived.png")
            text = await text_of(page)
            for words in ("Virtual Bidirectional 11", "Its meter shows 0 W."):
                assert words in text
            assert RAW_KEY.findall(text) == []
            await press(page, "Submit")

            async def is_linked() -> bool:
                states = await home.socket.call("get_states")
                return any(
                    s["entity_id"].endswith("_link") and s["state"] == "on"
                    for s in states
                )

            await until_async(is_linked, 30.0, "the charger's link shown as on")
            await page.screenshot(path=tmp_path / "added.png")
    assert complaints(home.log_text()) == []
