"""The action that lets a charger dial another address."""

from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.v2g_vpp.domain.requests import NOT_SENT, MoveStation
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from custom_components.v2g_vpp.text_keys import NOT_SENT as TEXTS
from tests.shell.home import Home
from tests.shell.test_services_station import call

URL = "wss://home.example:8443/"


async def test_it_asks_for_what_its_fields_say(home: Home) -> None:
    await home.connect()
    station = home.device_id("station/CS-1")
    home.stations.told = {"slot": 2, "priority": [2, 1]}
    answer = await call(
        home, "set_network_profile", station, url=URL, security_profile=2
    )
    assert answer == {"slot": 2, "priority": [2, 1]}
    await call(
        home, "set_network_profile", station, url=URL, security_profile="3", slot=4
    )
    assert home.stations.asked == [
        MoveStation(url=URL, security_profile=2),
        MoveStation(url=URL, security_profile=3, slot=4),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://x/", "security_profile": 1},
        {"url": "wss://a b/", "security_profile": 1},
        {"url": URL, "security_profile": 0},
        {"url": URL, "security_profile": 4},
    ],
)
async def test_what_is_no_address_or_profile_is_refused(
    home: Home, fields: dict[str, Any]
) -> None:
    await home.connect()
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await call(
            home, "set_network_profile", home.device_id("station/CS-1"), **fields
        )
    assert home.stations.asked == []


@pytest.mark.parametrize("reason", sorted(NOT_SENT))
async def test_what_was_not_sent_is_not_blamed_on_the_charger(
    home: Home, reason: str
) -> None:
    await home.connect()
    home.stations.answer = WriteResult(status=WriteStatus.REJECTED, detail=reason)
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "reset_station", home.device_id("station/CS-1"))
    assert caught.value.translation_key == TEXTS[reason]
