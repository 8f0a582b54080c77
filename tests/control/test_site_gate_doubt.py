"""The gate's own look at limits whose meters are doubted, and at those inside the home."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateVerdict
from custom_components.v2g_vpp.control.site_gate import GateHome
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.site_meters import (
    Circuit,
    PhaseMap,
    SiteWiring,
)
from tests.control.gate_breaks import CHARGE, with_power
from tests.control.given import KEY, NOW
from tests.control.test_site_gate import FINE, OTHER, THREE, home, metered, verdict

ONE = PhaseMap(phases=(1,))
ONLY_OTHER = frozenset({OTHER})
GARAGE = SiteWiring(
    circuits=(
        Circuit(circuit_id="garage", limit_a=16.0, evses=frozenset({KEY, OTHER})),
    ),
    phase_maps={KEY: ONE, OTHER: ONE},
)


def line(gain: float, offset_w: float = 0.0) -> Mapping[EvseKey, Calibration]:
    made = Calibration(
        gain=gain, offset_w=offset_w, residual_w=0.0, samples=20, made_at=""
    )
    return {KEY: made}


CASES = [
    pytest.param(
        home(
            metered(5_300.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: 2_950.0},
        ),
        2_950.0,
        FINE,
        id="as the meter shows it, it is inside",
    ),
    pytest.param(
        home(
            metered(5_300.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: 2_950.0},
            calibrations=line(1.1),
        ),
        2_950.0,
        Reason.IMPORT_LIMIT,
        id="as its calibration has it, it is not",
    ),
    pytest.param(
        home(
            metered(8_200.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: 2_950.0},
            measured_w={KEY: 2_950.0},
            calibrations=line(1.1),
        ),
        2_950.0,
        FINE,
        id="what flows already is no doubt",
    ),
    pytest.param(
        home(
            metered(8_530.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: 2_800.0},
            measured_w={KEY: 3_000.0},
            calibrations=line(0.9),
        ),
        2_800.0,
        Reason.IMPORT_LIMIT,
        id="less of it may be less than it seems",
    ),
    pytest.param(
        home(
            metered(6_000.0),
            SiteWiring(import_limit_w=8_000.0),
            asked_w={KEY: -1_000.0, OTHER: 1_900.0},
            measured_w={KEY: -3_000.0},
            calibrations=line(1.1),
        ),
        -1_000.0,
        FINE,
        id="a discharge is not cut for an import",
    ),
    pytest.param(
        home(
            metered(-1_500.0),
            SiteWiring(export_limit_w=3_200.0),
            asked_w={KEY: -1_850.0},
            calibrations=line(1.1),
        ),
        -1_850.0,
        Reason.EXPORT_LIMIT,
        id="more of a discharge may be more than it seems",
    ),
    pytest.param(
        home(
            metered(4_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=30.0, phase_maps={KEY: PhaseMap(phases=(1,))}),
            asked_w={KEY: 3_000.0},
            calibrations=line(1.1),
        ),
        3_000.0,
        Reason.FUSE,
        id="too much in through one phase, as its calibration has it",
    ),
    pytest.param(
        home(
            metered(-5_000.0, 0.0, 0.0),
            SiteWiring(fuse_a=29.0, phase_maps={KEY: PhaseMap(phases=(1,))}),
            asked_w={KEY: -1_850.0},
            calibrations=line(1.1),
        ),
        -1_850.0,
        Reason.FUSE,
        id="too much out through one phase, as its calibration has it",
    ),
    pytest.param(
        home(None, export_limit_w=1_700.0, asked_w={KEY: -1_800.0}),
        -1_800.0,
        FINE,
        id="unmeasured, as the meter shows it",
    ),
    pytest.param(
        home(
            None,
            export_limit_w=1_700.0,
            asked_w={KEY: -1_800.0},
            calibrations=line(1.0, -100.0),
        ),
        -1_800.0,
        Reason.EXPORT_LIMIT,
        id="unmeasured, with the offset of its calibration",
    ),
    pytest.param(
        home(None, GARAGE, asked_w={KEY: 2_000.0, OTHER: 2_500.0}),
        2_000.0,
        Reason.CIRCUIT,
        id="too much for a circuit",
    ),
    pytest.param(
        home(None, GARAGE, asked_w={KEY: 2_000.0, OTHER: 1_800.0}),
        2_000.0,
        FINE,
        id="inside a circuit",
    ),
    pytest.param(
        home(
            None,
            GARAGE,
            asked_w={KEY: 2_000.0, OTHER: 1_800.0},
            calibrations=line(1.05),
        ),
        2_000.0,
        Reason.CIRCUIT,
        id="too much for a circuit, as its calibration has it",
    ),
    pytest.param(
        home(
            None,
            replace(GARAGE, circuits=(replace(GARAGE.circuits[0], evses=ONLY_OTHER),)),
            asked_w={KEY: 2_000.0, OTHER: 5_000.0},
        ),
        2_000.0,
        FINE,
        id="too much for a circuit that it is not in",
    ),
    pytest.param(
        home(
            None,
            replace(GARAGE, circuits=(), imbalance_limit_w=4_600.0),
            asked_w={KEY: 3_000.0, OTHER: 2_000.0},
        ),
        3_000.0,
        Reason.IMBALANCE,
        id="too much on one phase alone",
    ),
    pytest.param(
        home(
            None,
            SiteWiring(
                imbalance_limit_w=2_500.0,
                phase_maps={KEY: THREE, OTHER: PhaseMap(phases=(2,))},
            ),
            asked_w={KEY: 9_000.0, OTHER: 2_500.0},
        ),
        9_000.0,
        FINE,
        id="what all phases take alike is no difference",
    ),
]


@pytest.mark.parametrize(("seen", "power_w", "reason"), CASES)
def test_the_gate_takes_away_what_may_be_more_than_it_seems(
    seen: GateHome, power_w: float, reason: Reason | None
) -> None:
    left_w = power_w if reason is None else 0.0
    assert verdict(seen, power_w) == GateVerdict(power_w=left_w, reason=reason)


def held(
    seconds: int, asked_w: float, flows_w: float, before_w: float = 0.0
) -> Reason | None:
    """Return the verdict on a power that was asked for so long."""
    gate = OutputGate()
    wiring = SiteWiring(import_limit_w=8_000.0)
    seen = {KEY: flows_w}
    for second in range(-60, seconds + 1):
        now_s = NOW + second
        told_w = asked_w if second >= 0 else before_w
        meters = metered(500.0 + flows_w, mono_s=now_s)
        gate.look(home(meters, wiring, asked_w={KEY: told_w}, measured_w=seen), now_s)
    inputs = replace(with_power(asked_w)(CHARGE), decided_mono_s=NOW + seconds)
    return gate.check(inputs, NOW + seconds).reason


def test_a_charger_that_takes_less_than_it_is_told_is_not_over_the_limit() -> None:
    assert held(31, 7_900.0, 7_500.0) is None
    assert held(5, 7_900.0, 7_500.0) is Reason.IMPORT_LIMIT, "it may still come"
    assert held(31, 9_000.0, 7_500.0) is Reason.IMPORT_LIMIT, "no offset is as large"
    assert held(31, 8_700.0, 8_700.0) is Reason.IMPORT_LIMIT


def test_a_clock_that_goes_back_forgets_what_was_asked() -> None:
    gate = OutputGate()
    wiring, seen = SiteWiring(import_limit_w=8_000.0), {KEY: 7_500.0}
    for second in (*range(60), 20):
        now_s = NOW + second
        meters = metered(8_000.0, mono_s=now_s)
        asked_w = {KEY: 7_900.0}
        gate.look(home(meters, wiring, asked_w=asked_w, measured_w=seen), now_s)
    inputs = replace(with_power(7_900.0)(CHARGE), decided_mono_s=NOW + 20)
    assert gate.check(inputs, NOW + 20).reason is Reason.IMPORT_LIMIT
