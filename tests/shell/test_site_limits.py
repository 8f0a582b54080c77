"""Limits of the operator of the grid, by hand and by the action, with one writer."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from tests.shell.home import Home


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


def shown(home: Home, name: str) -> tuple[str, object]:
    state = home.state("number", name, prefix="site")
    return state.state, state.attributes["until"]


async def act(home: Home, **data: Any) -> None:
    home_id = home.device_id("site")
    await home.hass.services.async_call(
        DOMAIN, "set_site_limit", {"device_id": home_id, **data}, blocking=True
    )
    await home.settle()


async def set_number(home: Home, name: str, value: float) -> None:
    entity_id = home.entity_id("number", name, prefix="site")
    await home.hass.services.async_call(
        "number", "set_value", {"entity_id": entity_id, "value": value}, blocking=True
    )
    await home.settle()


async def test_a_limit_with_an_end_shows_and_ends(
    freezer: FrozenDateTimeFactory, plugged: Home
) -> None:
    assert shown(plugged, "import_limit") == ("unknown", None)
    until = dt_util.utcnow() + timedelta(hours=1)
    await act(plugged, import_limit=4_200, until=until.isoformat())
    assert shown(plugged, "import_limit") == ("4200.0", until.isoformat())
    assert shown(plugged, "export_limit") == ("unknown", None)
    await plugged.pass_time(freezer, 3_601)
    assert shown(plugged, "import_limit") == ("unknown", None)


async def test_what_is_set_by_hand_binds_until_it_is_changed(
    freezer: FrozenDateTimeFactory, plugged: Home
) -> None:
    until = dt_util.utcnow() + timedelta(hours=1)
    await act(plugged, export_limit=2_000, import_limit=9_000, until=until.isoformat())
    await set_number(plugged, "import_limit", 4_200)
    for _ in range(4):
        await plugged.pass_time(freezer, 1)
        await plugged.measure(0)
    assert plugged.evse().setpoint.power_w == 4_200
    assert plugged.state("sensor", "reason").state == "import_limit"
    # The other direction keeps its own end.
    assert shown(plugged, "import_limit") == ("4200.0", None)
    assert shown(plugged, "export_limit") == ("2000.0", until.isoformat())
    await plugged.pass_time(freezer, 3_601)
    assert shown(plugged, "import_limit") == ("4200.0", None)
    assert shown(plugged, "export_limit") == ("unknown", None)
    await act(plugged)
    assert shown(plugged, "import_limit") == ("unknown", None)


async def test_a_limit_survives_a_restart(plugged: Home) -> None:
    await set_number(plugged, "export_limit", 1_500)
    assert await plugged.hass.config_entries.async_reload(plugged.entry.entry_id)
    await plugged.settle()
    assert shown(plugged, "export_limit") == ("1500.0", None)
