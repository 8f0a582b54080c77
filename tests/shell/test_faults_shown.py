"""The faults of an outlet as entities: the worst one, its codes, and what it reported."""

from homeassistant.core import HomeAssistant

from custom_components.v2g_vpp.domain.events import FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from tests.shell.home import KEY, Home


async def report(home: Home, code: FaultCode, *, is_active: bool) -> None:
    home.site.post(FaultReported(key=KEY, code=code, is_active=is_active))
    await home.tick()


async def test_the_worst_fault_is_shown_with_all_codes(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    assert home.state("sensor", "error_code").state == "no_fault"
    assert home.state("sensor", "error_code").attributes["codes"] == []
    await report(home, FaultCode.METER_FAILURE, is_active=True)
    assert home.state("sensor", "error_code").state == "meter_failure"
    await report(home, FaultCode.GROUND_FAULT, is_active=True)
    shown = home.state("sensor", "error_code")
    assert shown.state == "ground_fault", "it stops charging, too"
    assert shown.attributes["codes"][0] == "E-61"
    assert set(shown.attributes["codes"]) == {"E-61", "METER_FAILURE"}
    for code in (FaultCode.METER_FAILURE, FaultCode.GROUND_FAULT):
        await report(home, code, is_active=False)
    await home.site.reset_emergency_stop(KEY)
    await home.tick()
    assert home.state("sensor", "error_code").state == "no_fault"


async def test_what_an_outlet_never_reported_has_no_entity_and_then_it_stays(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.plug_in()
    assert not home.has_entity("binary_sensor", "ground_fault")
    assert not home.has_entity("binary_sensor", "over_temperature")
    await report(home, FaultCode.GROUND_FAULT, is_active=True)
    assert home.state("binary_sensor", "ground_fault").state == "on"
    assert not home.has_entity("binary_sensor", "over_temperature")
    await report(home, FaultCode.GROUND_FAULT, is_active=False)
    assert home.state("binary_sensor", "ground_fault").state == "on", "latched"
    await home.site.reset_emergency_stop(KEY)
    await home.tick()
    assert home.state("binary_sensor", "ground_fault").state == "off"

    # It is there at once after a restart, fault or not, and is made once.
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    again = Home.willing(hass, home.entry)
    await again.connect()
    assert again.state("binary_sensor", "ground_fault").state == "off"
    await report(again, FaultCode.GROUND_FAULT, is_active=True)
    assert again.state("binary_sensor", "ground_fault").state == "on"
    await report(again, FaultCode.OVER_TEMPERATURE, is_active=True)
    assert again.state("binary_sensor", "over_temperature").state == "on"
