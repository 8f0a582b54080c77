"""How entities appear, disappear and change, on every level."""

from datetime import timedelta
import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.const import (
    CONF_IDENTITY,
    CONF_PASSWORD,
    CONF_VIRTUAL,
    DOMAIN,
    SUBENTRY_STATION,
)
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    StationCapability,
)
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationConnected,
    StationDisconnected,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import StationId, TransactionId
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from tests.shell.conftest import STATION, VEHICLE, mapping
from tests.shell.home import KEY, Home


async def test_evse_entities_appear_when_the_station_lists_its_evses(
    home: Home,
) -> None:
    assert home.state("binary_sensor", "link", "CS-1_0").state == "off"
    assert not home.has_entity("sensor", "state")

    await home.connect()
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"
    assert home.state("sensor", "state").state == "available"
    assert not home.has_entity("sensor", "state", "CS-1_2")

    # The firmware learnt of a second outlet.
    await home.connect(evse_ids=(1, 2))
    assert home.state("sensor", "state", "CS-1_2").state == "available"


async def test_station_gets_its_maker_at_boot_and_its_evses_are_its_children(
    home: Home,
) -> None:
    registry = dr.async_get(home.hass)
    station_id = home.device_id("station/CS-1")

    def station_device() -> dr.DeviceEntry:
        device = registry.async_get(station_id)
        assert isinstance(device, dr.DeviceEntry)
        return device

    assert station_device().manufacturer is None
    await home.connect()
    station = station_device()
    assert (station.manufacturer, station.model) == ("Example", "Two-way 11")
    assert (station.serial_number, station.sw_version) == ("SN-1", "1.2.3")
    evse = registry.async_get(home.evse_device_id)
    assert isinstance(evse, dr.ChildDeviceEntry)
    assert evse.name == "Outlet 1"
    assert evse.parent_device_id == station_id


async def test_loss_of_a_station_takes_its_readings_and_keeps_its_switches(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await home.connect()
    await home.plug_in()
    await home.measure(3_000)
    assert home.state("sensor", "power").state == "3000"

    await home.disconnect()
    assert home.state("binary_sensor", "link", "CS-1_0").state == "off"
    assert home.state("sensor", "power").state == STATE_UNAVAILABLE
    assert home.state("binary_sensor", "plugged").state == STATE_UNAVAILABLE
    # An owner must be able to latch a charger that is away for a moment.
    assert home.state("button", "emergency_stop").state == STATE_UNKNOWN
    assert home.state("switch", "discharge_allowed").state == "off"
    assert home.state("sensor", "energy_charged").state == "12.34"
    await home.pass_time(freezer, 61)
    assert home.state("sensor", "state").state == "not_available"

    await home.connect()
    await home.plug_in()
    await home.measure(2_000)
    assert home.state("sensor", "power").state == "2000"
    assert home.state("binary_sensor", "plugged").state == "on"


async def test_last_of_a_visit_shows_when_it_ends(home: Home) -> None:
    await home.connect()
    await home.plug_in()

    def read(energy_wh: float) -> None:
        now = dt_util.utcnow()
        reading = Reading(
            value=energy_wh, received_mono_s=time.monotonic(), taken_at=now
        )
        measured = Measurement(energy_charged_wh=reading)
        home.site.post(MeasurementReported(key=KEY, measurement=measured))

    read(12_347.0)
    await home.tick()
    # Too little to write a state for, while more is to come.
    assert home.state("sensor", "energy_charged").state == "12.34"
    read(12_348.0)
    home.site.post(
        TransactionReported(
            key=KEY,
            transaction_id=TransactionId("tx-1"),
            phase=TransactionPhase.ENDED,
        )
    )
    await home.tick()
    assert home.state("sensor", "energy_charged").state == "12.348"


async def test_meter_that_fell_silent_shows_no_power(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await home.connect()
    await home.plug_in()
    await home.measure(3_000)
    await home.pass_time(freezer, 60)
    assert home.state("sensor", "power").state == STATE_UNKNOWN
    await home.measure(3_000)
    assert home.state("sensor", "power").state == "3000"


async def test_state_is_written_only_when_it_shows_differently(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await home.connect()
    await home.plug_in()
    await home.measure(1_400)
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        written.append(state.state if state is not None else "gone")

    entity_id = home.entity_id("sensor", "power")
    remove = async_track_state_change_event(home.hass, entity_id, note)
    reported = home.state("sensor", "power").last_reported
    for watts in (1_410, 1_390, 1_449, 1_400):
        await home.pass_time(freezer, 6)
        await home.measure(watts)
    assert written == []
    assert home.state("sensor", "power").last_reported == reported

    await home.pass_time(freezer, 6)
    await home.measure(1_500)
    assert written == ["1500"]
    # Too soon for another one: it is shown when its time has come, by itself.
    await home.measure(1_700)
    await home.pass_time(freezer, 1.5)
    assert written == ["1500"]
    home.site._listeners.clear()
    for seconds, shown in ((1.1, ["1500"]), (3, ["1500", "1700"])):
        freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(home.hass, dt_util.utcnow())
        await home.settle()
        assert written == shown
    remove()


async def test_setpoint_shows_what_was_asked_for_beside_it(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    await home.measure(0)
    setpoint = home.state("sensor", "setpoint")
    assert setpoint.attributes["requested"] == 11_000.0
    assert 0 < float(setpoint.state) <= 11_000
    assert home.state("sensor", "control_owner").state == "mode"


async def test_station_that_comes_later_gets_entities_without_a_reload(
    home: Home,
) -> None:
    await home.connect()
    home.hass.config_entries.async_add_subentry(
        home.entry,
        ConfigSubentry(
            data=mapping({CONF_IDENTITY: "CS-2", CONF_PASSWORD: "f" * 20}),
            subentry_type=SUBENTRY_STATION,
            title="Yard",
            unique_id="station_CS-2",
        ),
    )
    await home.settle()
    assert home.state("binary_sensor", "link", "CS-2_0").state == "off"
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"


async def test_a_station_that_is_lost_takes_nothing_of_another_one(home: Home) -> None:
    other = StationId("CS-2")
    home.hass.config_entries.async_add_subentry(
        home.entry,
        ConfigSubentry(
            data=mapping({CONF_IDENTITY: other, CONF_PASSWORD: "f" * 20}),
            subentry_type=SUBENTRY_STATION,
            title="Yard",
            unique_id=f"station_{other}",
        ),
    )
    await home.settle()
    await home.connect()
    await home.plug_in()
    await home.measure(3_000)
    home.site.post(StationConnected(station_id=other, protocol="ocpp2.1"))
    capability = StationCapability(
        protocol="ocpp2.1", evse_ids=(1,), dialect=DischargeDialect.NONE
    )
    home.site.post(
        StationReady(station_id=other, capability=capability, has_floor_profile=True)
    )
    await home.tick()
    assert home.state("binary_sensor", "plugged", "CS-2_1").state == "off"

    home.site.post(StationDisconnected(station_id=other, cause="closed"))
    await home.tick()
    lost, kept = (
        {
            entity.unique_id
            for entity in er.async_entries_for_config_entry(
                er.async_get(home.hass), home.entry.entry_id
            )
            if entity.unique_id.startswith(prefix)
            and (state := home.hass.states.get(entity.entity_id)) is not None
            and state.state == STATE_UNAVAILABLE
        }
        for prefix in ("CS-2_", "CS-1_")
    )
    assert {"CS-2_1_plugged", "CS-2_1_power"} <= lost
    assert kept == set()
    assert home.state("sensor", "power").state == "3000"


async def test_station_that_is_removed_takes_its_devices_and_can_come_back(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    await home.connect()
    subentry = next(
        s for s in home.entry.subentries.values() if s.subentry_type == SUBENTRY_STATION
    )
    home.hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
    await home.settle()
    registry = dr.async_get(home.hass)
    identifier = (DOMAIN, "station/CS-1")
    entry_id = home.entry.entry_id
    assert registry.async_get_device_by_identifier(identifier, entry_id) is None
    assert not dr.async_child_entries_for_config_entry(registry, entry_id)
    assert home.hass.states.get("sensor.garage_outlet_1_state") is None

    home.hass.config_entries.async_add_subentry(
        home.entry,
        ConfigSubentry(
            data=mapping(dict(STATION["data"])),
            subentry_type=SUBENTRY_STATION,
            title="Garage",
            unique_id="station_CS-1",
        ),
    )
    await home.settle()
    await home.connect()
    assert home.state("sensor", "state").state == "available"
    # An outlet that only its second life has belongs to that one.
    await home.connect(evse_ids=(1, 2))
    assert home.state("sensor", "state", "CS-1_2").state == "available"
    outlets = dr.async_child_entries_for_config_entry(registry, entry_id)
    assert {o.config_subentry_id for o in outlets} <= set(home.entry.subentries)
    assert len(outlets) == 2
    assert "Error" not in caplog.text


class TestVirtual:
    """What exists only in a program stays out of the statistics."""

    @pytest.fixture
    def subentries(self) -> list[ConfigSubentryData]:
        return [
            ConfigSubentryData(
                subentry_type=part["subentry_type"],
                title=part["title"],
                unique_id=part["unique_id"],
                data={**part["data"], CONF_VIRTUAL: "own_process"},
            )
            for part in (STATION, VEHICLE)
        ]

    async def test_virtual_car_never_pollutes_statistics(self, home: Home) -> None:
        await home.connect()
        await home.plug_in()
        numbers = [
            state
            for state in home.hass.states.async_all("sensor")
            if "unit_of_measurement" in state.attributes
        ]
        assert len(numbers) > 6
        assert all("state_class" not in state.attributes for state in numbers)


async def test_real_energy_is_a_total_and_power_a_measurement(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    energy = home.state("sensor", "energy_discharged").attributes
    assert (energy["state_class"], energy["device_class"]) == ("total", "energy")
    assert home.state("sensor", "power").attributes["state_class"] == "measurement"


async def test_entities_end_with_the_entry(hass: HomeAssistant, home: Home) -> None:
    await home.connect()
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    assert home.state("sensor", "state").state == STATE_UNAVAILABLE
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    # Known from before, without a word of the station.
    assert home.state("sensor", "state").state == "not_available"
    assert home.state("binary_sensor", "link", "CS-1_0").state == "off"
