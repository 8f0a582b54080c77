"""The gate's own look at the home: what is too much for seconds goes to no wire."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateVerdict
from custom_components.v2g_vpp.control.site_gate import KINDEST_OF_S, GateHome
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Claim, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.site_meters import (
    PhaseMap,
    SiteMeter,
    SiteMeters,
    SiteWiring,
)
from tests.control.gate_breaks import CHARGE, SOUND, setpoint, with_power
from tests.control.given import KEY, NOW, READY, reading

DISCHARGE = SOUND[0]
OTHER = EvseKey(StationId("CS2"), 1)
PHASES = (SiteMeter.GRID_L1, SiteMeter.GRID_L2, SiteMeter.GRID_L3)
THREE = PhaseMap(phases=(1, 2, 3))


def metered(*powers_w: float | None, mono_s: float = NOW) -> SiteMeters:
    """Return the total, or three phases."""
    names = PHASES if len(powers_w) == 3 else (SiteMeter.GRID,)
    meters = SiteMeters().kept(names)
    for name, power_w in zip(names, powers_w, strict=True):
        told = None if power_w is None else reading(power_w, mono_s)
        meters = meters.updated_by(name, told)
    return meters


def home(
    meters: SiteMeters | None,
    wiring: SiteWiring | None = None,
    *,
    asked_w: Mapping[EvseKey, float],
    measured_w: Mapping[EvseKey, float] | None = None,
    export_limit_w: float | None = None,
    calibrations: Mapping[EvseKey, Calibration] | None = None,
) -> GateHome:
    return GateHome(
        meters=meters,
        wiring=wiring,
        export_limit_w=export_limit_w,
        asked_w=asked_w,
        measured_w=measured_w or {},
        calibrations=calibrations or {},
    )


def verdict(seen: GateHome, power_w: float) -> GateVerdict:
    gate = OutputGate()
    gate.look(seen, NOW)
    inputs = DISCHARGE if power_w < 0 else CHARGE
    return gate.check(with_power(power_w)(inputs), NOW)


FINE = None
CASES = [
    pytest.param(
        home(None, export_limit_w=1_500.0, asked_w={KEY: -1_800.0}),
        -1_800.0,
        Reason.EXPORT_LIMIT,
        id="beyond the export limit",
    ),
    pytest.param(
        home(None, export_limit_w=3_000.0, asked_w={KEY: -1_800.0, OTHER: -1_800.0}),
        -1_800.0,
        Reason.EXPORT_LIMIT,
        id="beyond it together",
    ),
    pytest.param(
        home(
            metered(2_000.0),
            SiteWiring(export_limit_w=0.0),
            asked_w={KEY: -1_800.0},
        ),
        -1_800.0,
        FINE,
        id="the load of the home takes it",
    ),
    pytest.param(
        home(
            metered(300.0),
            SiteWiring(export_limit_w=0.0),
            asked_w={KEY: -1_800.0},
            measured_w={KEY: -1_000.0, OTHER: 2_000.0},
        ),
        -1_800.0,
        Reason.EXPORT_LIMIT,
        id="charging elsewhere is no load to count on",
    ),
    pytest.param(
        home(metered(None), asked_w={KEY: -1_800.0}),
        -1_800.0,
        Reason.SITE_METER_STALE,
        id="silent meter",
    ),
    pytest.param(
        home(metered(1.0, None, 1.0), asked_w={KEY: -1_800.0}),
        -1_800.0,
        Reason.SITE_METER_STALE,
        id="one silent phase",
    ),
    pytest.param(
        home(
            metered(-4_500.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0, phase_maps={KEY: PhaseMap(phases=(1,))}),
            asked_w={KEY: -1_800.0},
        ),
        -1_800.0,
        Reason.FUSE,
        id="too much out through one phase",
    ),
    pytest.param(
        home(
            metered(-4_500.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0, phase_maps={KEY: PhaseMap(phases=(2,))}),
            asked_w={KEY: -1_800.0},
        ),
        -1_800.0,
        FINE,
        id="out through another phase",
    ),
    pytest.param(
        home(
            metered(4_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0, phase_maps={KEY: PhaseMap(phases=(1,))}),
            asked_w={KEY: 3_000.0},
        ),
        3_000.0,
        Reason.FUSE,
        id="too much in through one phase",
    ),
    pytest.param(
        home(
            metered(4_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0, phase_maps={KEY: PhaseMap(phases=(1,))}),
            asked_w={KEY: 3_000.0},
            measured_w={KEY: 3_000.0},
        ),
        3_000.0,
        FINE,
        id="it is its own power",
    ),
    pytest.param(
        home(
            metered(4_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0, phase_maps={KEY: PhaseMap(phases=(2,))}),
            asked_w={KEY: 3_000.0},
        ),
        3_000.0,
        FINE,
        id="in through another phase",
    ),
    pytest.param(
        home(
            metered(6_000.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: 3_000.0},
            measured_w={OTHER: -2_000.0},
        ),
        3_000.0,
        Reason.IMPORT_LIMIT,
        id="beyond the import limit without the discharge elsewhere",
    ),
    pytest.param(
        home(
            metered(5_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0),
            asked_w={KEY: 6_000.0},
        ),
        6_000.0,
        Reason.FUSE,
        id="phases unknown, an equal part is too much already",
    ),
    pytest.param(
        home(
            metered(0.0, 0.0, 0.0),
            SiteWiring(fuse_a=20.0),
            asked_w={KEY: -6_000.0},
        ),
        -6_000.0,
        Reason.FUSE,
        id="phases unknown, all of it may go out through one",
    ),
    pytest.param(
        home(
            metered(4_000.0),
            SiteWiring(phase_count=1, fuse_a=63.0),
            asked_w={KEY: 3_000.0},
        ),
        3_000.0,
        FINE,
        id="a home of one phase with its sum",
    ),
]


@pytest.mark.parametrize(("seen", "power_w", "reason"), CASES)
def test_the_gate_takes_away_what_the_connection_does_not_carry(
    seen: GateHome, power_w: float, reason: Reason | None
) -> None:
    left_w = power_w if reason is None else 0.0
    assert verdict(seen, power_w) == GateVerdict(power_w=left_w, reason=reason)


def test_a_moment_in_which_the_meters_are_apart_is_no_ground() -> None:
    gate = OutputGate()
    wiring = SiteWiring(export_limit_w=0.0)
    asked_w = {KEY: -1_800.0}
    gate.look(home(metered(2_000.0), wiring, asked_w=asked_w), NOW)
    # The charger began, and the meter of the home tells it before its own does.
    for second in range(1, 10):
        now_s = NOW + second
        gate.look(home(metered(200.0, mono_s=now_s), wiring, asked_w=asked_w), now_s)
        inputs = replace(
            with_power(-1_800.0)(DISCHARGE),
            decided_mono_s=now_s,
            session=READY.session,
        )
        taken = gate.check(inputs, now_s).reason
        is_long = second > KINDEST_OF_S
        assert taken is (Reason.EXPORT_LIMIT if is_long else None)


def test_charging_is_unattended_while_a_meter_that_limits_rely_on_is_silent() -> None:
    asked_w = {KEY: 3_000.0}
    relied = home(metered(None), SiteWiring(fuse_a=25.0), asked_w=asked_w)
    assert verdict(relied, 3_000.0) == GateVerdict(
        power_w=0.0, reason=Reason.SITE_METER_STALE
    )
    not_relied = home(metered(None), SiteWiring(), asked_w=asked_w)
    assert verdict(not_relied, 3_000.0).reason is None


@pytest.mark.parametrize(
    ("owner", "changes", "is_asked"),
    [
        (ControlOwner.MODE, {"mode": Mode.SOLAR}, False),
        (ControlOwner.MODE, {"mode": Mode.SELF_CONSUMPTION}, True),
        (ControlOwner.MODE, {"mode": Mode.PEAK_SHAVING}, True),
        (ControlOwner.MODE, {"mode": Mode.PLAN}, False),
        (ControlOwner.PLAN, {"mode": Mode.PLAN}, False),
        (ControlOwner.PLAN, {"mode": Mode.PLAN, "plan_w": -2_000.0}, True),
        (ControlOwner.PLAN, {"mode": Mode.PLAN, "plan_w": 2_000.0}, False),
        (ControlOwner.PLAN, {"mode": Mode.SOLAR, "plan_w": -2_000.0}, False),
        (ControlOwner.AUTOMATION, {}, False),
        (ControlOwner.AUTOMATION, {"claim_w": -2_000.0}, True),
        (ControlOwner.AUTOMATION, {"claim_w": 2_000.0}, False),
        (ControlOwner.AUTOMATION, {"claim_w": -2_000.0, "ends": NOW}, False),
        (ControlOwner.AUTOMATION, {"claim_w": -2_000.0, "key": OTHER}, False),
    ],
)
def test_a_discharge_of_the_home_itself_was_asked_for_by_its_owner(
    owner: ControlOwner,
    changes: Mapping[str, object],
    is_asked: bool,
) -> None:
    mode, plan_w = changes.get("mode", Mode.OFF), changes.get("plan_w")
    assert isinstance(mode, Mode)
    inputs = replace(DISCHARGE, setpoint=setpoint(-1_800.0, owner))
    inputs = replace(
        inputs,
        override=None,
        order=None,
        policy=replace(inputs.policy, mode=mode),
        plan_w=plan_w if isinstance(plan_w, float) else None,
    )
    claim_w, ends, key = (changes.get(n) for n in ("claim_w", "ends", "key"))
    if isinstance(claim_w, float):
        claim = Claim(
            key=key if isinstance(key, EvseKey) else KEY,
            holder="planner",
            power_w=claim_w,
            ends_mono_s=ends if isinstance(ends, float) else NOW + 60,
        )
        inputs = replace(inputs, claim=claim)
    reason = OutputGate().check(inputs, NOW).reason
    assert reason is (None if is_asked else Reason.OUTPUT_GATE)
