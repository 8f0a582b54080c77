"""The action that shows what was said: chosen, saved, refused."""

from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.messages import (
    ConnectionNote,
    Direction,
    RecordedMessage,
    Recording,
)
from tests.shell.home import STATION_ID, Home

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)


class Log:
    """Two messages of the one station that there is."""

    def login_state(self, station_id: StationId) -> None:
        return None

    def recording(self, station_id: StationId) -> Recording | None:
        if station_id != STATION_ID:
            return None
        return Recording(
            messages=tuple(
                RecordedMessage(
                    at=AT, age_s=1.0, link=1, direction=Direction.TO_STATION, text=text
                )
                for text in ('[2,"1","Reset",{}]', '[2,"2","Heartbeat",{}]')
            ),
            connections=(ConnectionNote(at=AT, link=1, what="connected, ocpp2.1"),),
        )


@pytest.fixture
def folder(hass: HomeAssistant, home: Home, tmp_path: Path) -> Path:
    home.entry.runtime_data.message_log = Log()
    empty = tmp_path / "empty"
    empty.mkdir()
    hass.config.config_dir = str(empty)
    return empty


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def content_of(path: Path) -> bytes:
    return path.read_bytes()


async def get(home: Home, device_id: str, **data: Any) -> dict[str, Any]:
    answer = await home.hass.services.async_call(
        DOMAIN,
        "get_messages",
        {"device_id": device_id, **data},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    return dict(answer)


async def test_messages_and_connections_are_shown(home: Home, folder: Path) -> None:
    await home.connect()
    told = await get(home, home.evse_device_id)
    assert [m["frame"][2] for m in told["messages"]] == ["Reset", "Heartbeat"]
    assert told["connections"][0]["what"] == "connected, ocpp2.1"
    assert "file" not in told
    told = await get(home, home.evse_device_id, message="Reset")
    assert len(told["messages"]) == 1
    told = await get(home, home.evse_device_id, last=1)
    assert [m["frame"][2] for m in told["messages"]] == ["Heartbeat"]
    assert files(folder) == []


async def test_a_file_is_written_into_the_configuration_folder_only(
    home: Home, folder: Path
) -> None:
    await home.connect()
    for kind in ("jsonl", "pcap"):
        told = await get(home, home.evse_device_id, save_as=kind)
        path = Path(told["file"])
        assert path.parent == folder / DOMAIN
        content = content_of(path)
        if kind == "jsonl":
            assert json.loads(content.splitlines()[0])["frame"][2] == "Reset"
        else:
            assert content[:4] == bytes.fromhex("d4c3b2a1")
    # A disk that fails is said, and the next attempt works.
    taken = folder / DOMAIN
    for file in taken.iterdir():
        file.unlink()
    taken.rmdir()
    taken.write_text("a file where a folder should be")
    with pytest.raises(HomeAssistantError) as raised:
        await get(home, home.evse_device_id, save_as="pcap")
    assert raised.value.translation_key == "file_not_written"
    taken.unlink()
    assert "file" in await get(home, home.evse_device_id, save_as="pcap")


async def test_what_is_no_charger_is_refused(home: Home, folder: Path) -> None:
    await home.connect()
    with pytest.raises(ServiceValidationError) as raised:
        await get(home, home.device_id("vehicle/leaf"))
    assert raised.value.translation_key == "target_not_station"
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await get(home, home.evse_device_id, save_as="exe")
