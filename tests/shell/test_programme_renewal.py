"""A certificate that came over the link waits for the end of a dispatch."""

import asyncio

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp import programme_renewal
from custom_components.v2g_vpp.const import (
    CONF_CLIENT_CERTIFICATE_PEM,
    SUBENTRY_PROGRAMME,
)
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home
from tests.shell.test_programme_entities import unreachable_programme


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, unreachable_programme()]


@pytest.mark.parametrize("is_left", [True, False], ids=["left", "kept"])
async def test_a_programme_that_is_left_meanwhile_takes_no_certificate(
    home: Home, monkeypatch: pytest.MonkeyPatch, *, is_left: bool
) -> None:
    runs = True
    monkeypatch.setattr(programme_renewal, "EVENT_PAUSE_S", 0.01)
    # No broker is there to take it, and no aggregator to dispatch.
    monkeypatch.setattr(
        programme_renewal,
        "check_certificate",
        lambda *_: dt_util.utcnow().isoformat(),
    )
    monkeypatch.setattr(programme_renewal, "_is_dispatched", lambda *_: runs)
    (subentry,) = home.entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    coming = asyncio.ensure_future(
        programme_renewal.take_over(home.hass, home.entry, subentry, "next")
    )
    await asyncio.sleep(0.02)
    if is_left:
        home.hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
        await home.hass.async_block_till_done()
    runs = False
    await coming
    await home.settle()
    certificates = [
        one.data[CONF_CLIENT_CERTIFICATE_PEM]
        for one in home.entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    ]
    assert certificates == ([] if is_left else ["next"])
