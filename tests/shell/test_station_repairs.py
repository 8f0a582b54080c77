"""What a charger was found to do is a repair until the owner has looked at it."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    StationCapability,
)
from custom_components.v2g_vpp.domain.events import (
    FaultReported,
    StationClockReported,
    StationReady,
)
from custom_components.v2g_vpp.domain.faults import FaultCode, SizeHint
from custom_components.v2g_vpp.domain.state import ClockState
from tests.shell.home import KEY, STATION_ID, Home


def _issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    registry = ir.async_get(hass)
    return {
        name: one for (domain, name), one in registry.issues.items() if domain == DOMAIN
    }


@pytest.mark.parametrize(
    ("code", "hint", "key"),
    [
        (FaultCode.STATION_DOES_NOT_STOP, SizeHint.UNKNOWN, "station_does_not_stop"),
        (FaultCode.WRONG_DIRECTION, SizeHint.UNKNOWN, "wrong_direction"),
        (FaultCode.WRONG_SIZE, SizeHint.THRICE, "wrong_size_thrice"),
        (FaultCode.WRONG_SIZE, SizeHint.UNKNOWN, "wrong_size"),
        (FaultCode.UNCOMMANDED_DISCHARGE, SizeHint.UNKNOWN, "uncommanded_discharge"),
    ],
)
async def test_a_finding_says_what_to_check_until_it_is_acknowledged(
    hass: HomeAssistant, home: Home, code: FaultCode, hint: SizeHint, key: str
) -> None:
    await home.connect()
    await home.plug_in()
    record = home.site._registry.evses[KEY]
    record.size_hint = hint
    for is_active in (True, False):
        home.site.post(FaultReported(key=KEY, code=code, is_active=is_active))
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == key
    assert issue.translation_placeholders == {"station": STATION_ID, "evse": "1"}
    is_worst = code is FaultCode.STATION_DOES_NOT_STOP
    assert (issue.severity is ir.IssueSeverity.CRITICAL) is is_worst

    await home.site.reset_emergency_stop(KEY)
    await home.tick()
    assert _issues(hass) == {}


async def test_a_bad_clock_is_named_with_its_offset_and_its_recovery_is_an_event(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    capability = StationCapability(
        protocol="ocpp2.1", evse_ids=(1,), dialect=DischargeDialect.V21_SCHEDULE
    )
    ready = StationReady(
        station_id=STATION_ID, capability=capability, has_floor_profile=True
    )
    home.site.post(ready)
    await home.tick()

    def tell(state: ClockState, offset_s: float) -> None:
        home.site.post(
            StationClockReported(station_id=STATION_ID, state=state, offset_s=offset_s)
        )

    tell(ClockState.WRONG, 3_600.4)
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == "clock_wrong"
    assert issue.translation_placeholders == {"station": STATION_ID, "offset": "3600"}
    event = home.state("event", "station_clock")
    assert event.attributes["event_type"] == "clock_not_trusted"

    tell(ClockState.UNSTEADY, 3.0)
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == "clock_unsteady"

    tell(ClockState.TRUSTED, 0.0)
    await home.tick()
    assert _issues(hass) == {}
    event = home.state("event", "station_clock")
    assert event.attributes["event_type"] == "clock_trusted"

    # A dialect whose end is a duration does not need the clock.
    dynamic = replace(capability, dialect=DischargeDialect.V21_DYNAMIC)
    home.site.post(replace(ready, capability=dynamic))
    tell(ClockState.WRONG, 9_999.0)
    await home.tick()
    assert _issues(hass) == {}
