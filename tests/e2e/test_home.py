"""A home is set up over REST, in a Home Assistant that runs on its own."""

from contextlib import closing
import socket

import aiohttp
import pytest

from script.rig.entities import Entities
from script.rig.home_assistant import HomeAssistant
from script.rig.home_assistant_client import Flow
from script.rig.processes import free_port
from script.rig.waiting import until_async

from .steps import (
    DOMAIN,
    IDENTITY,
    PASSWORD,
    begin_virtual,
    complaints,
    issues_of,
    until_entry,
    virtual_answers,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

CONNECT_TIMEOUT_S = 40.0
REPAIR_TIMEOUT_S = 10.0


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen()
    return listener


async def test_virtual_car_charges_at_once_and_the_home_stops_cleanly(
    home: HomeAssistant,
) -> None:
    flow = await begin_virtual(home)
    await flow.submit(virtual_answers(free_port(), "inside"))
    flow.expect("create_entry")
    entities = Entities(home.socket)
    seen: list[str | None] = []

    async def is_charging() -> bool:
        await entities.refresh()
        seen[:] = [
            entities.state("binary_sensor", f"{IDENTITY}_0_link"),
            entities.state("sensor", f"{IDENTITY}_1_state"),
        ]
        # The state comes first, the power with the next meter values.
        return (
            seen == ["on", "charging"]
            and entities.number("sensor", f"{IDENTITY}_1_power") > 1_000
        )

    await until_async(
        is_charging, CONNECT_TIMEOUT_S, "a car that charges", lambda: seen
    )
    assert entities.state("sensor", f"{IDENTITY}_1_reason") is not None

    second = await Flow.start(home.client, DOMAIN)
    assert second.expect("abort")["reason"] == "single_instance_allowed"

    assert await home.stop() == 0
    assert complaints(home.log_text()) == []


async def test_port_that_is_taken_later_does_not_stop_home_assistant(
    home: HomeAssistant,
) -> None:
    other = free_port()
    with closing(listen(other)):
        # Asked for while the other one is held, so that they differ.
        port = free_port()
        flow = await begin_virtual(home)
        await flow.submit(virtual_answers(other, "own_process"))
        assert flow.expect("form")["errors"] == {"ocpp_port": "port_taken"}
        await flow.submit(virtual_answers(port, "own_process"))
        flow.expect("create_entry")
    await until_entry(home, "loaded")

    # The same home: starting one costs seconds.
    await turn_chargers_away(home, port)

    assert await home.stop() == 0
    with closing(listen(port)):
        await home.start()
        entry = await until_entry(home, "setup_retry")
        assert str(port) in entry["reason"]
        assert "Stop the program that uses it" in entry["reason"]
    path = f"/api/config/config_entries/entry/{entry['entry_id']}/reload"
    await home.client.request("POST", path)
    await until_entry(home, "loaded")


async def turn_chargers_away(home: HomeAssistant, port: int) -> None:
    """A charger that is turned away is a repair, which ends with its cause."""
    assert await dial(port, "CS-123", PASSWORD) == 404
    assert await dial(port, IDENTITY, "not-the-password-0001") == 401

    async def both() -> bool:
        found = await issues_of(home)
        return {"unknown_station_CS-123", f"wrong_password_{IDENTITY}"} <= set(found)

    await until_async(both, REPAIR_TIMEOUT_S, "two repairs")
    found = await issues_of(home)
    assert found["unknown_station_CS-123"]["is_fixable"]
    assert found[f"wrong_password_{IDENTITY}"]["translation_key"] == "wrong_password"

    assert await dial(port, IDENTITY, PASSWORD) == 101

    async def is_mended() -> bool:
        return f"wrong_password_{IDENTITY}" not in await issues_of(home)

    await until_async(is_mended, REPAIR_TIMEOUT_S, "no repair for the right password")
    assert "unknown_station_CS-123" in await issues_of(home)


async def dial(port: int, identity: str, password: str) -> int:
    """Return the status that a charger gets which dials in with OCPP 2.1."""
    url = f"http://127.0.0.1:{port}/{identity}"
    login = {"Authorization": aiohttp.encode_basic_auth(identity, password)}
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url, protocols=("ocpp2.1",), headers=login):
                return 101
        except aiohttp.WSServerHandshakeError as err:
            return err.status
