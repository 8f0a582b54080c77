"""The page of actions says of each who may call it and whether it answers."""

from functools import partial

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers import service
from homeassistant.setup import async_setup_component

from custom_components.v2g_vpp.const import DOMAIN
from tests.repository import ROOT
from tests.repository.docs import sections


async def test_page_says_who_may_call_and_what_answers(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    page = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
    told = {
        name: ("*Administrators.*" in text, _answer(text))
        for name, text in sections(page).items()
    }
    known = {
        name: (_is_for_administrators(one.job.target), one.supports_response)
        for name, one in hass.services.async_services()[DOMAIN].items()
    }
    assert told == known


def _answer(text: str) -> SupportsResponse:
    if "*Returns data.*" in text:
        return SupportsResponse.ONLY
    if "*Can return data.*" in text:
        return SupportsResponse.OPTIONAL
    return SupportsResponse.NONE


def _is_for_administrators(target: object) -> bool:
    # Home Assistant wraps such a handler, and tells nobody else of it.
    return (
        isinstance(target, partial)
        and getattr(target.func, "__module__", "") == service.__name__
    )
