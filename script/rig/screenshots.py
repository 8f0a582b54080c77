"""Take the documentation's pictures from the real interface, during a real dispatch."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
import tempfile

from playwright.async_api import Page

from .board import BOARD, make_board
from .browser import open_browser, open_path, sign_in
from .dispatching import DISPATCH_W, dispatch
from .play import evse_page
from .processes import ROOT, RigError, free_port
from .report import Report
from .scenario import bring_up
from .scenario_dispatch import follow_dispatch, prove
from .world import World, open_world

DESK = (1280, 2600)
PHONE = (412, 3600)
"""Taller than the page: what scrolls inside it could not be taken otherwise."""

BOARD_DESK = (1400, 860)
BOARD_PHONE = (412, 1900)
"""As much as the views of the dashboard need."""

MARGIN_PX = 16
OPERATOR = (1280, 900)

END_OF_CARD = """(element) => {
  let node = element;
  while (node && node.nodeName !== "HA-CARD") node = node.parentNode ?? node.host;
  return (node ?? element).getBoundingClientRect().bottom;
}"""
"""Where the card that holds an element ends, also from inside its components."""

SCALE = 1.5
"""Device pixels per CSS pixel: sharp on today's screens, half a megabyte at most."""

SETTLE_S = 2.0
"""Icons and fonts are drawn after the page."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring a home up, dispatch it, and take the pictures; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m script.rig.screenshots", description=__doc__
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        default=ROOT / "docs" / "images",
        help="where the pictures go (default: docs/images)",
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="v2g_vpp_pictures_") as directory:
        try:
            return asyncio.run(_take_all(Path(directory), options.to))
        except RigError as err:
            print(f"error: {err}", file=sys.stderr)
            return 2


async def _take_all(directory: Path, to: Path) -> int:
    report = Report(lambda line: print(line, flush=True))
    async with open_world(directory, http_port=free_port()) as world:
        is_set_up = await bring_up(world, report)
        is_proven = is_set_up and await report.run("self-test", lambda: prove(world))
        if not is_proven:
            return 1
        await report.run("dispatch", lambda: follow_dispatch(world, report))
        await asyncio.to_thread(to.mkdir, parents=True, exist_ok=True)
        for name, size, is_dark, last_card in (
            ("evse_device", DESK, False, "Sensors"),
            ("evse_device_dark", DESK, True, "Sensors"),
            ("evse_device_phone", PHONE, False, "Diagnostic"),
        ):
            await dispatch(world, "setpoint", DISPATCH_W)
            picture = Picture(to / f"{name}.png", size, is_dark, last_card)
            await take_evse(world, picture)
        await make_board(world.home)
        for name, size, is_dark in (
            ("dashboard", BOARD_DESK, False),
            ("dashboard_phone_dark", BOARD_PHONE, True),
        ):
            await dispatch(world, "setpoint", DISPATCH_W)
            await take_board(world, to / f"{name}.png", size, is_dark=is_dark)
        await take_operator(world, to / "operator_page.png")
    return 0


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page."""

    path: Path
    size: tuple[int, int]
    is_dark: bool
    last_card: str
    """Title of the card that the picture ends with."""


async def take_evse(world: World, picture: Picture) -> None:
    """Take a picture of the EVSE's device page."""
    base_url = world.home.client.base_url
    width, height = picture.size
    async with open_browser(
        width=width, height=height, is_dark=picture.is_dark, scale=SCALE
    ) as context:
        page = await context.new_page()
        await sign_in(page, base_url)
        await open_path(page, base_url, await evse_page(world))
        await asyncio.sleep(SETTLE_S)
        title = page.get_by_text(picture.last_card, exact=True).first
        end: float = await title.evaluate(END_OF_CARD)
        bottom = min(height, end + MARGIN_PX)
        # The side bar's last lines stick to the bottom of the window.
        await page.set_viewport_size({"width": width, "height": round(bottom)})
        await _save(page, picture.path)


async def take_board(
    world: World, path: Path, size: tuple[int, int], *, is_dark: bool
) -> None:
    """Take a picture of the first view of the dashboard."""
    base_url = world.home.client.base_url
    width, height = size
    async with open_browser(
        width=width, height=height, is_dark=is_dark, scale=SCALE
    ) as context:
        page = await context.new_page()
        await sign_in(page, base_url)
        await open_path(page, base_url, f"/{BOARD}/overview")
        await page.locator("hui-section").first.wait_for()
        await _save(page, path)


async def take_operator(world: World, path: Path) -> None:
    """Take a picture of the aggregator's page."""
    width, height = OPERATOR
    async with open_browser(width=width, height=height, scale=SCALE) as context:
        page = await context.new_page()
        await page.goto(world.aggregator.base_url, wait_until="domcontentloaded")
        await _save(page, path)


async def _save(page: Page, path: Path) -> None:
    await asyncio.sleep(SETTLE_S)
    await page.screenshot(path=path)
    print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
