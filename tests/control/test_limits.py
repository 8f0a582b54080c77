"""The envelope of an EVSE and the limit that is named."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
)
from custom_components.v2g_vpp.domain.capability import DischargeDialect, Fingerprint
from custom_components.v2g_vpp.domain.policy import Mode, StationLimits
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.given import (
    CAPABILITY,
    LEARNT,
    NEEDS,
    NOW,
    READY,
    VEHICLE_POLICY,
    at,
    order,
    override,
    with_policy,
    with_session,
    with_station,
)
from tests.control.steps import DISPATCHED, TRIM_W, first_step, settled

SHORT = replace(LEARNT, offset_discharge_w=700.0, offset_charge_w=-480.0)
"""A charger that gives and takes less than it is told."""


@pytest.mark.parametrize(
    ("evse", "power_w", "reason"),
    [
        pytest.param(
            replace(DISPATCHED, limits=StationLimits(max_discharge_power_w=3_000.0)),
            -3_000.0,
            Reason.STATION_LIMIT,
            id="installation",
        ),
        pytest.param(
            with_station(
                DISPATCHED,
                capability=replace(CAPABILITY, max_discharge_power_w=2_500.0),
            ),
            -2_500.0,
            Reason.STATION_LIMIT,
            id="station",
        ),
        pytest.param(
            with_session(
                DISPATCHED, needs=replace(NEEDS, max_discharge_power_w=4_000.0)
            ),
            -4_000.0,
            Reason.VEHICLE_LIMIT,
            id="vehicle",
        ),
        pytest.param(
            with_policy(DISPATCHED, max_discharge_power_w=2_000.0),
            -2_000.0,
            Reason.OWNER_LIMIT,
            id="owner",
        ),
        pytest.param(
            replace(DISPATCHED, order=order(-1_000.0)),
            0.0,
            Reason.MINIMUM_POWER,
            id="nothing flows below the minimum power",
        ),
        pytest.param(
            replace(DISPATCHED, fingerprint=SHORT, order=order(-700.0)),
            -1_400.0,
            Reason.AS_REQUESTED,
            id="a charger that gives less than told gives less than its minimum",
        ),
        pytest.param(
            replace(DISPATCHED, fingerprint=SHORT, order=order(900.0)),
            1_380.0,
            Reason.AS_REQUESTED,
            id="when charging as well",
        ),
        pytest.param(
            replace(DISPATCHED, fingerprint=SHORT, order=order(-600.0)),
            0.0,
            Reason.MINIMUM_POWER,
            id="but not less than that",
        ),
        pytest.param(
            with_policy(
                replace(DISPATCHED, fingerprint=SHORT), max_discharge_power_w=1_000.0
            ),
            0.0,
            Reason.OWNER_LIMIT,
            id="nor when it would have to be told more than a limit",
        ),
        pytest.param(
            with_policy(
                replace(READY, fingerprint=SHORT),
                mode=Mode.DISCHARGE_NOW,
                max_discharge_power_w=1_000.0,
            ),
            0.0,
            Reason.MINIMUM_POWER,
            id="nor when as much as there is was asked for",
        ),
        pytest.param(
            with_session(
                replace(DISPATCHED, fingerprint=SHORT, order=order(-900.0)),
                needs=replace(NEEDS, min_discharge_power_w=1_000.0),
            ),
            0.0,
            Reason.MINIMUM_POWER,
            id="nor when the vehicle's own minimum is higher",
        ),
        pytest.param(
            with_session(
                replace(DISPATCHED, order=order(-2_000.0)),
                needs=replace(NEEDS, min_discharge_power_w=2_500.0),
            ),
            0.0,
            Reason.MINIMUM_POWER,
            id="the vehicle has a minimum of its own",
        ),
        pytest.param(
            with_policy(DISPATCHED, max_discharge_power_w=1_000.0),
            0.0,
            Reason.OWNER_LIMIT,
            id="a limit below the minimum power is named",
        ),
        pytest.param(
            with_policy(DISPATCHED, max_discharge_power_w=-5.0),
            0.0,
            Reason.OWNER_LIMIT,
            id="a senseless limit forbids",
        ),
        pytest.param(
            replace(
                READY,
                override=override(9_000.0),
                limits=StationLimits(max_charge_power_w=7_000.0),
            ),
            7_000.0,
            Reason.STATION_LIMIT,
            id="charging has limits too",
        ),
        pytest.param(
            replace(DISPATCHED, fingerprint=Fingerprint(dead_time_s=22.0)),
            0.0,
            Reason.STATION_LIMIT,
            id="a charger too slow for the link's promise gets no dispatch",
        ),
    ],
)
def test_the_binding_limit_is_named(
    evse: EvseInputs, power_w: float, reason: Reason
) -> None:
    setpoint = settled(evse).setpoint
    assert setpoint.power_w == pytest.approx(power_w, abs=TRIM_W)
    assert setpoint.reason is reason


def test_a_dead_man_beyond_the_longest_promise_forbids_all_but_the_self_test() -> None:
    capability = replace(CAPABILITY, dialect=DischargeDialect.V21_SCHEDULE)
    slow = with_station(
        replace(
            READY,
            override=override(-5_000.0),
            fingerprint=Fingerprint(dead_time_s=28.0, is_learnt=True),
        ),
        capability=capability,
    )
    assert settled(slow).setpoint.reason is Reason.STATION_LIMIT
    tested = replace(slow, override=None, self_test_w=-1_800.0)
    assert settled(tested).setpoint.power_w == -1_800.0


def test_charging_ends_at_the_maximum_of_the_owner() -> None:
    policy = replace(VEHICLE_POLICY, max_soc_percent=70.0)
    full = replace(READY, vehicle_policy=policy)
    assert first_step(full).setpoint.reason is Reason.MAX_SOC
    assert first_step(full).setpoint.power_w == 0.0
    assert first_step(at(full, NOW, 0.0, 60.0)).setpoint.power_w > 0.0
