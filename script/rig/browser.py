"""Debian's Chromium, driven by Playwright, kept to the loopback interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import shutil
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    Page,
    Route,
    TimeoutError as PlaywrightTimeoutError,
    async_playwright,
)

from .home_assistant_client import USER_NAME, USER_PASSWORD
from .processes import RigError

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LOOPBACK = frozenset({"127.0.0.1", "localhost"})

LOAD_TIMEOUT_MS = 30_000
"""The first load of the web interface parses 2 MB of script on a small machine."""


def find_chromium() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@asynccontextmanager
async def open_browser(
    *, width: int = 1280, height: int = 1000, is_dark: bool = False, scale: float = 1.0
) -> AsyncIterator[BrowserContext]:
    """Start a browser that reaches nothing but this machine.

    Args:
        width: of the window, CSS pixels.
        height: of the window, CSS pixels.
        is_dark: what the page hears of the machine's color scheme.
        scale: device pixels per CSS pixel.

    Raises:
        RigError: when there is no Chromium.
    """
    executable = find_chromium()
    if executable is None:
        raise RigError("Chromium is missing: run script/setup --browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, headless=True, args=list(ARGUMENTS)
        )
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            device_scale_factor=scale,
            locale="en-US",
            timezone_id="UTC",
            # The interface's service worker would answer instead of the server.
            service_workers="block",
        )
        context.set_default_timeout(LOAD_TIMEOUT_MS)
        await context.route("**/*", _only_loopback)
        try:
            yield context
        finally:
            await browser.close()


async def sign_in(page: Page, base_url: str) -> None:
    """Open Home Assistant and log in as the user of the rig."""
    await page.goto(f"{base_url}/", wait_until="domcontentloaded")
    await page.locator("input[name=username]").fill(USER_NAME)
    await page.locator("input[name=password]").fill(USER_PASSWORD)
    await page.locator("input[name=password]").press("Enter")
    # The page of the login has no launch screen: without this it counts as drawn.
    await page.locator("home-assistant-main").first.wait_for(state="attached")
    await wait_until_drawn(page)


async def open_path(page: Page, base_url: str, path: str) -> None:
    """Open a page of Home Assistant where one is logged in already."""
    await page.goto(f"{base_url}{path}", wait_until="domcontentloaded")
    await wait_until_drawn(page)


async def wait_until_drawn(page: Page) -> None:
    """Return once the launch screen is gone and nothing more is loaded."""
    await page.locator("#ha-launch-screen").wait_for(state="detached")
    try:
        await page.wait_for_load_state("networkidle", timeout=5_000)
    except PlaywrightTimeoutError:
        # A page with live data may never be idle; what it shows is there by now.
        return


async def text_of(page: Page) -> str:
    """Return all text of a page, what is inside its components included."""
    text: str = await page.evaluate(
        """() => {
          const words = [];
          const walk = (node) => {
            if (node.nodeType === Node.TEXT_NODE) {
              const parent = node.parentNode?.nodeName;
              if (parent !== "STYLE" && parent !== "SCRIPT") words.push(node.data);
            }
            if (node.shadowRoot) walk(node.shadowRoot);
            for (const child of node.childNodes) walk(child);
          };
          walk(document.body);
          return words.join(" ").replace(/\\s+/g, " ");
        }"""
    )
    return text


async def _only_loopback(route: Route) -> None:
    url = urlsplit(route.request.url)
    if url.hostname in LOOPBACK or url.scheme in {"data", "blob"}:
        await route.continue_()
    else:
        await route.abort()
