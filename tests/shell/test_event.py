"""Events of an outlet: once when something begins, never at a start."""

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event

from custom_components.v2g_vpp.domain.events import FaultReported, SecurityReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.security import SecurityEvent
from custom_components.v2g_vpp.text_keys import FAULT_TYPES
from tests.shell.home import KEY, STATION_ID, TAKEN_AT, Home


def fault(home: Home, code: FaultCode, *, is_active: bool) -> None:
    home.site.post(FaultReported(key=KEY, code=code, is_active=is_active))


async def test_fault_is_an_event_once_each_time_it_begins(home: Home) -> None:
    await home.connect()
    assert home.state("event", "fault").state == STATE_UNKNOWN
    seen: list[str] = []
    for is_active in (True, False, True):
        fault(home, FaultCode.METER_FAILURE, is_active=is_active)
        await home.tick()
        seen.append(home.state("event", "fault").state)
        assert home.state("event", "fault").attributes["event_type"] == "meter_failure"
    assert seen[0] == seen[1] != seen[2]


async def test_two_faults_in_one_moment_are_two_events(home: Home) -> None:
    await home.connect()
    types: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        types.append(state.attributes["event_type"] if state is not None else "gone")

    entity_id = home.entity_id("event", "fault")
    remove = async_track_state_change_event(home.hass, entity_id, note)
    fault(home, FaultCode.GROUND_FAULT, is_active=True)
    fault(home, FaultCode.OVER_CURRENT, is_active=True)
    await home.tick()
    assert types == ["ground_fault", "over_current"]
    remove()


async def test_emergency_stop_and_its_reset_are_events(home: Home) -> None:
    await home.connect()
    await home.site.emergency_stop(KEY)
    await home.settle()
    shown = home.state("event", "safety").attributes
    assert shown["event_type"] == "emergency_stop"
    await home.site.reset_emergency_stop(KEY)
    await home.settle()
    shown = home.state("event", "safety").attributes
    assert shown["event_type"] == "emergency_stop_reset"


async def test_latch_from_before_the_start_is_no_event(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.site.emergency_stop(KEY)
    await home.settle()
    before = home.state("event", "safety").state
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.evse().is_emergency_stopped
    assert home.state("event", "safety").state == before


def test_every_code_is_a_slug_of_its_own() -> None:
    assert set(FAULT_TYPES) == set(FaultCode)
    assert len(set(FAULT_TYPES.values())) == len(FaultCode)


def security(home: Home, kind: SecurityEvent, detail: str = "") -> None:
    home.site.post(
        SecurityReported(
            station_id=STATION_ID, kind=kind, occurred_at=TAKEN_AT, detail=detail
        )
    )


async def test_each_line_of_the_security_log_is_an_event(home: Home) -> None:
    seen: list[tuple[str, bool, str]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        told = state.attributes
        seen.append((told["event_type"], told["critical"], told["detail"]))

    entity_id = home.entity_id("event", "security", "CS-1_0")
    assert home.state("event", "security", "CS-1_0").state == STATE_UNKNOWN
    remove = async_track_state_change_event(home.hass, entity_id, note)
    # Also of a charger that is not there: that is when somebody else may try.
    security(home, SecurityEvent.LOGIN_WRONG_PASSWORD, "192.168.1.5")
    security(home, SecurityEvent.TAMPERING_DETECTED)
    await home.tick()
    security(home, SecurityEvent.TAMPERING_DETECTED)
    await home.tick()
    assert seen == [
        ("login_wrong_password", False, "192.168.1.5"),
        ("tampering_detected", True, ""),
        ("tampering_detected", True, ""),
    ]
    at = home.state("event", "security", "CS-1_0").attributes["occurred_at"]
    assert at == TAKEN_AT.isoformat()
    remove()


async def test_the_security_log_of_before_a_reload_is_no_event(
    hass: HomeAssistant, home: Home
) -> None:
    security(home, SecurityEvent.TAMPERING_DETECTED)
    await home.tick()
    before = home.state("event", "security", "CS-1_0").state
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.state("event", "security", "CS-1_0").state == before
