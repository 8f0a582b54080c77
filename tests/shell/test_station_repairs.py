"""What a charger was found to do is a repair until the owner has looked at it."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    EvCapability,
    Proof,
    StationCapability,
)
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    FaultReported,
    StationClockReported,
    StationReady,
)
from custom_components.v2g_vpp.domain.faults import FaultCode, SizeHint
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.self_test import (
    ProofLoss,
    SelfTestPhase,
    SelfTestStatus,
)
from custom_components.v2g_vpp.domain.state import ClockState
from custom_components.v2g_vpp.domain.wiring import WiringFault, WiringFinding
from custom_components.v2g_vpp.site.stop_desk import latch
from custom_components.v2g_vpp.station_repairs import PROOF_ISSUES
from tests.shell.home import KEY, STATION_ID, VEHICLE_ID, Home


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
        (FaultCode.METERS_CONTRADICT, SizeHint.UNKNOWN, "meters_contradict"),
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


SIGN, PHASE, SIZE = WiringFault
CLAMP = WiringFinding(fault=SIGN, share=0.33, phases=(2,))


@pytest.mark.parametrize(
    ("finding", "kind", "phases", "percent"),
    [
        (WiringFinding(fault=SIGN, share=-1.0), "sign", "-", "-100"),
        (CLAMP, "clamp", "L2", "33"),
        (
            WiringFinding(fault=PHASE, share=1.0, phases=(1, 3)),
            "phase",
            "L1 + L3",
            "100",
        ),
        (WiringFinding(fault=SIZE, share=0.0), "size", "-", "0"),
    ],
)
async def test_meters_that_contradict_are_named_with_what_to_do(
    hass: HomeAssistant,
    home: Home,
    finding: WiringFinding,
    kind: str,
    phases: str,
    percent: str,
) -> None:
    await home.connect()
    await home.plug_in()
    values = {
        "station": STATION_ID,
        "evse": "1",
        "phases": phases,
        "percent": percent,
    }
    record = home.site._registry.evses[KEY]
    record.self_test_status = SelfTestStatus(
        phase=SelfTestPhase.FAILED, failure=f"wiring_{finding.fault}", wiring=finding
    )
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == f"self_test_wiring_{kind}"
    assert issue.translation_placeholders == values
    assert home.state("sensor", "wiring").state == "contradicted"
    record.self_test_status = SelfTestStatus(
        phase=SelfTestPhase.FAILED, failure="wiring_unclear"
    )
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == "self_test_wiring_unclear"
    record.self_test_status = SelfTestStatus()
    await home.tick()
    assert _issues(hass) == {}
    assert home.state("sensor", "wiring").state == "not_proven"

    record.wiring_finding = finding
    for is_active in (True, False):
        home.site.post(
            FaultReported(
                key=KEY, code=FaultCode.METERS_CONTRADICT, is_active=is_active
            )
        )
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == f"meters_contradict_{kind}"
    assert issue.translation_placeholders == values
    assert home.state("sensor", "wiring").state == "contradicted"
    await home.site.reset_emergency_stop(KEY)
    await home.tick()
    assert _issues(hass) == {}
    assert home.state("sensor", "wiring").state == "not_proven"


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

    # One that is behind makes readings old, which stops more than a discharge.
    behind = StationClockReported(
        station_id=STATION_ID,
        state=ClockState.WRONG,
        offset_s=-3_600.4,
        makes_old=True,
    )
    home.site.post(behind)
    await home.tick()
    (issue,) = _issues(hass).values()
    assert issue.translation_key == "clock_behind"
    assert issue.translation_placeholders == {"station": STATION_ID, "behind": "3600"}
    tell(ClockState.TRUSTED, 0.0)
    await home.tick()
    assert _issues(hass) == {}

    # A dialect whose end is a duration does not need the clock.
    dynamic = replace(capability, dialect=DischargeDialect.V21_DYNAMIC)
    home.site.post(replace(ready, capability=dynamic))
    tell(ClockState.WRONG, 9_999.0)
    await home.tick()
    assert _issues(hass) == {}


CHANGED = f"proof_lost_{STATION_ID}_1"


async def _lose_a_proof(home: Home) -> None:
    """A charger that was proven comes back with other firmware."""
    await home.connect()
    record = home.site._registry.evses[KEY]
    record.proof = Proof(
        dialect=DischargeDialect.V21_DYNAMIC,
        firmware="of before",
        dead_man_s=25.0,
        passed_at="2026-01-01T00:00:00Z",
        proven_power_w=1_800.0,
    )
    record.policy = replace(record.policy, is_discharge_allowed=True)
    await home.connect()


async def test_a_lost_proof_is_a_repair_across_a_restart_until_it_is_made_again(
    hass: HomeAssistant, home: Home
) -> None:
    await _lose_a_proof(home)
    assert home.state("switch", "discharge_allowed").state == "off"
    issue = _issues(hass)[CHANGED]
    assert issue.translation_key == "proof_lost_firmware_changed"
    assert issue.translation_placeholders == {"station": STATION_ID, "evse": "1"}
    assert issue.is_fixable

    assert await hass.config_entries.async_unload(home.entry.entry_id)
    # What a new start of Home Assistant knows of it is what was saved.
    ir.async_delete_issue(hass, DOMAIN, CHANGED)
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    again = Home.willing(hass, home.entry)
    await again.settle()
    assert CHANGED in _issues(hass)

    await again.connect()
    record = again.site._registry.evses[KEY]
    assert record.lost_proof is ProofLoss.FIRMWARE_CHANGED
    record.lost_proof = None  # As a self-test does that passes (tests of the site).
    await again.tick()
    assert _issues(hass) == {}


async def test_what_locks_an_outlet_is_told_before_what_comes_of_it(
    hass: HomeAssistant, home: Home
) -> None:
    await _lose_a_proof(home)
    record = home.site._registry.evses[KEY]
    latch(record, FaultCode.WRONG_DIRECTION)
    await home.tick()
    assert [one.translation_key for one in _issues(hass).values()] == [
        "wrong_direction"
    ]
    await home.site.reset_emergency_stop(KEY)
    await home.tick()
    assert list(_issues(hass)) == [CHANGED]


def test_every_loss_has_its_repair() -> None:
    assert PROOF_ISSUES.keys() == set(ProofLoss)


async def test_a_charger_without_a_guarantee_is_told_until_it_has_one(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.plug_in()
    station = home.site.snapshot.station(STATION_ID)
    assert station is not None
    assert station.capability is not None
    record = home.site._registry.evses[KEY]
    record.proof = Proof(
        dialect=station.capability.dialect,
        firmware=station.firmware,
        dead_man_s=70.0,
        passed_at="2026-01-15T12:00:00+00:00",
        proven_power_w=2_000.0,
        guarantee=GuaranteeClass.B,
    )
    await home.tick()
    issue = _issues(hass)["no_guarantee_CS-1_1"]
    assert issue.translation_key == "no_guarantee"
    assert issue.translation_placeholders == {
        "station": "CS-1",
        "evse": "1",
        "minutes": "15",
    }
    state = hass.states.get("sensor.garage_outlet_1_guarantee")
    assert state is not None
    assert state.state == "b"
    record.proof = replace(record.proof, guarantee=GuaranteeClass.A)
    await home.tick()
    assert "no_guarantee_CS-1_1" not in _issues(hass)
    state = hass.states.get("sensor.garage_outlet_1_guarantee")
    assert state is not None
    assert state.state == "a"


async def test_a_car_that_may_discharge_and_offers_none_is_named_with_where_to_look(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.plug_in()

    async def offer(*, is_bidirectional: bool) -> None:
        needs = EvCapability(is_bidirectional=is_bidirectional)
        home.site.post(ChargingNeedsReported(key=KEY, needs=needs))
        await home.tick()

    async def allow(*, is_allowed: bool) -> None:
        await home.site.set_vehicle_policy(
            VEHICLE_ID, lambda policy: replace(policy, is_discharge_allowed=is_allowed)
        )
        await home.tick()

    await offer(is_bidirectional=False)
    assert _issues(hass) == {}, "nobody asked it to"
    await allow(is_allowed=True)
    (issue,) = _issues(hass).values()
    assert issue.translation_key == "vehicle_not_bidirectional"
    assert issue.translation_placeholders == {"vehicle": "Leaf"}
    await offer(is_bidirectional=True)
    assert _issues(hass) == {}
    await offer(is_bidirectional=False)
    assert len(_issues(hass)) == 1
    await allow(is_allowed=False)
    assert _issues(hass) == {}
