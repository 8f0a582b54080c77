"""From an empty Home Assistant to a car on a dashboard, by hand, in a real browser."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from playwright.async_api import Page
import pytest

from script.rig.board import BOARD, VIEWS, make_board
from script.rig.browser import open_browser, open_path, sign_in, text_of
from script.rig.entities import Entities
from script.rig.home_assistant import HomeAssistant
from script.rig.processes import Supervisor, free_port
from script.rig.waiting import until_async
from tests.browser.test_evse_page import RAW_KEY, RAW_SLUG
from tests.e2e.steps import IDENTITY

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

EVSE = f"{IDENTITY}_1"
DRAWN_MS = 1_500


@pytest.fixture
async def empty_home(
    tmp_path: Path, socket_enabled: None
) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant in which nothing is set up."""
    async with Supervisor(tmp_path / "logs") as supervisor:
        home = HomeAssistant(supervisor, tmp_path / "home_assistant", free_port())
        try:
            await home.start()
            yield home
        finally:
            await home.close()


async def set_up_virtual_car(page: Page, home: HomeAssistant) -> None:
    """Add the integration and choose the virtual car, by clicks."""
    base_url = home.client.base_url
    await sign_in(page, base_url)
    await open_path(page, base_url, "/config/integrations/dashboard/add?domain=v2g_vpp")
    await page.get_by_text("OK", exact=True).first.click()
    await page.get_by_text("Try it with a virtual car").first.click()
    await page.get_by_text("Submit", exact=True).first.click()
    # The port that the form offers is a free one.
    await page.get_by_text("Skip and finish", exact=True).first.click()


async def look(page: Page, home: HomeAssistant, to: Path, name: str) -> str:
    """Look at every view of the board and take its picture; return all words."""
    words = []
    for view in VIEWS:
        await open_path(page, home.client.base_url, f"/{BOARD}/{view}")
        await page.locator("hui-section").first.wait_for()
        await page.wait_for_timeout(DRAWN_MS)
        await page.screenshot(path=to / f"{name}_{view}.png")
        words.append(await text_of(page))
    return " ".join(words)


async def touch(page: Page, name: str) -> None:
    """Touch the tile with a name; what lies over its text takes the touch."""
    await page.get_by_text(name, exact=True).first.click(force=True)


async def choose(page: Page, option: str) -> None:
    """Choose a mode of the outlet on the board."""
    await page.locator("hui-select-options-card-feature").first.click()
    await (
        page.get_by_role("menuitem", name=option)
        .or_(page.get_by_role("option", name=option))
        .first.click()
    )


async def test_new_user_sets_a_virtual_car_up_and_rules_it_from_the_dashboard(
    empty_home: HomeAssistant, tmp_path: Path
) -> None:
    home, entities = empty_home, Entities(empty_home.socket)

    async def power_w() -> float:
        await entities.refresh()
        return entities.number("sensor", f"{EVSE}_power")

    async def until_power(is_so: Callable[[float], bool], what: str) -> None:
        """Wait for what the station's own meter shows."""

        async def check() -> bool:
            return is_so(await power_w())

        await until_async(check, 90.0, what)

    async with open_browser(width=1400, height=1400) as context:
        page = await context.new_page()
        await set_up_virtual_car(page, home)
        await until_power(lambda w: w > 5_000, "a car that charges")
        await make_board(home)
        text = await look(page, home, tmp_path, "desk")
        for word in ("Reserve", "Power", "Emergency stop", "State of charge"):
            assert word in text, f"{word!r} is not on the dashboard: {text}"
        assert RAW_KEY.findall(text) == []
        assert RAW_SLUG.findall(text) == []

        # The proof comes first, by the button of the board: where one looks first.
        await open_path(page, home.client.base_url, f"/{BOARD}/overview")
        await touch(page, "Start self-test")
        await page.get_by_text("discharges the car a little").first.wait_for()
        await page.get_by_text("OK", exact=True).first.click()
        await until_state(entities, "sensor", f"{EVSE}_self_test", "passed", 240.0)
        await open_path(page, home.client.base_url, f"/{BOARD}/overview")
        await touch(page, "Discharging allowed")
        await page.locator("ha-more-info-dialog ha-control-switch").first.click()
        await until_state(entities, "switch", f"{EVSE}_discharge_allowed", "on")
        assert await page.get_by_text("Start self-test", exact=True).count() == 0
        await page.keyboard.press("Escape")
        await choose(page, "Discharge now")
        await until_power(lambda w: w < -2_000, "a car that discharges")

        # The reserve goes above what the car holds: the station stops.
        slider = page.get_by_role("slider").first
        await slider.focus()
        await slider.press("End")
        await until_power(lambda w: abs(w) < 200, "rest at the reserve")
        await until_state(
            entities, "sensor", f"{EVSE}_discharge_blocked_by", "reserve_floor"
        )
        await slider.press("Home")
        await until_power(lambda w: w < -2_000, "a car that discharges again")

        await touch(page, "Emergency stop")
        await until_power(lambda w: abs(w) < 200, "rest after the emergency stop")
        await until_state(entities, "binary_sensor", f"{EVSE}_emergency_stop", "on")
        await page.get_by_text("Emergency stop", exact=True).first.wait_for()
        # The way out is where the stop is, and says what comes then.
        await choose(page, "Off")
        await touch(page, "Reset emergency stop")
        await page.get_by_text("The chosen mode goes on").first.wait_for()
        await page.get_by_text("OK", exact=True).first.click()
        await until_state(entities, "binary_sensor", f"{EVSE}_emergency_stop", "off")
        await page.get_by_text("Reset emergency stop", exact=True).first.wait_for(
            state="detached"
        )

    async with open_browser(width=412, height=2_000, is_dark=True) as context:
        page = await context.new_page()
        await sign_in(page, home.client.base_url)
        text = await look(page, home, tmp_path, "phone")
        assert RAW_SLUG.findall(text) == []


async def until_state(
    entities: Entities, domain: str, key: str, wanted: str, within_s: float = 60.0
) -> None:
    async def is_so() -> bool:
        await entities.refresh()
        return entities.state(domain, key) == wanted

    await until_async(is_so, within_s, f"{domain} {key} is {wanted}")
