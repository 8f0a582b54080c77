"""What is promised while only a transaction is missing that the home can start."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    KEY,
    NEEDS,
    NOW,
    READY,
    VEHICLE_POLICY,
    order,
    reading,
    with_key,
    with_policy,
    with_session,
)

OTHER = EvseKey(StationId("CS0"), 1)
AT_REST = with_session(
    replace(READY, can_start_transaction=True),
    transaction_id=None,
    # Silent since the last transaction ended, half an hour ago.
    measurement=Measurement(
        power_w=reading(0.0, NOW - 1_800), soc_percent=reading(70.0, NOW - 1_800)
    ),
)


def decide(evse: EvseInputs, site: SiteInputs | None = None) -> EvseDecision:
    return DischargeCoordinator().step([evse], site or SiteInputs(), NOW)[evse.key]


def test_what_can_be_started_is_offered_and_nothing_flows() -> None:
    decision = decide(replace(AT_REST, order=order(-5_000.0)))
    assert decision.available_discharge_w >= 5_000.0
    assert decision.available_charge_w == 11_000.0
    assert decision.dispatch_blocked_by is None
    assert decision.wants_transaction
    assert not decision.wants_to_be_told
    assert decision.setpoint.power_w == 0
    assert decision.setpoint.requested_w == -5_000.0
    assert decision.setpoint.reason is Reason.NO_TRANSACTION
    assert decision.discharge_blocked_by is Reason.NO_TRANSACTION


def test_what_cannot_be_started_is_not_offered() -> None:
    evse = replace(AT_REST, can_start_transaction=False, order=order(-5_000.0))
    decision = decide(evse)
    assert decision.available_discharge_w == 0
    assert decision.available_charge_w == 0
    assert decision.dispatch_blocked_by is Reason.NO_TRANSACTION
    assert not decision.wants_transaction


UNTOLD = [
    (
        replace(
            with_session(AT_REST, evcc_id=None, needs=None, measurement=Measurement()),
            vehicle=None,
            vehicle_policy=None,
        ),
        Reason.VEHICLE_UNKNOWN,
    ),
    (with_session(AT_REST, measurement=Measurement()), Reason.SOC_UNKNOWN),
    (with_session(AT_REST, needs=None), Reason.VEHICLE_NOT_BIDIRECTIONAL),
    (
        with_session(
            AT_REST,
            needs=replace(NEEDS, v2x_floor_wh=-20_000.0),
            needs_soc_percent=None,
        ),
        Reason.VEHICLE_LIMIT,
    ),
]
"""What a vehicle tells only in a transaction."""


@pytest.mark.parametrize(
    ("evse", "reason"),
    [
        (
            replace(
                AT_REST,
                vehicle_policy=replace(VEHICLE_POLICY, vpp_reserve_percent=75.0),
            ),
            Reason.VPP_FLOOR,
        ),
        (with_session(AT_REST, is_plugged=False), Reason.NOT_PLUGGED),
        (replace(AT_REST, proof=None), Reason.NOT_PROVEN),
        (
            replace(
                with_session(AT_REST, evcc_id="a guest"),
                vehicle=None,
                vehicle_policy=None,
            ),
            Reason.VEHICLE_UNKNOWN,
        ),
        (
            with_session(AT_REST, needs=replace(NEEDS, is_bidirectional=False)),
            Reason.VEHICLE_NOT_BIDIRECTIONAL,
        ),
        (
            with_session(
                AT_REST,
                needs=replace(NEEDS, v2x_floor_wh=400.0),
                needs_soc_percent=70.0,
            ),
            Reason.VEHICLE_LIMIT,
        ),
    ],
)
def test_every_other_gate_still_counts(evse: EvseInputs, reason: Reason) -> None:
    decision = decide(replace(evse, order=order(-5_000.0)))
    assert decision.dispatch_blocked_by is reason
    assert decision.available_discharge_w == 0
    assert not decision.wants_transaction
    assert not decision.wants_to_be_told


@pytest.mark.parametrize(("evse", "reason"), UNTOLD)
def test_what_only_a_transaction_tells_is_not_offered_but_asked_for(
    evse: EvseInputs, reason: Reason
) -> None:
    waiting = replace(evse, order=order(-5_000.0))
    decision = decide(waiting)
    assert decision.dispatch_blocked_by is reason
    assert decision.available_discharge_w == 0
    assert decision.wants_to_be_told
    assert not decision.wants_transaction
    assert decision.setpoint.power_w == 0
    off = with_policy(evse, mode=Mode.OFF)
    assert not decide(off).wants_to_be_told, "nobody wants a discharge"
    assert not decide(replace(waiting, can_start_transaction=False)).wants_to_be_told
    least = replace(evse.fingerprint, minimum_power_w=1_400.0)
    for blocked in (
        replace(waiting, proof=None),
        with_policy(waiting, is_discharge_allowed=False),
        with_policy(waiting, max_discharge_power_w=0.0),
        replace(waiting, limits=replace(evse.limits, max_discharge_power_w=0.0)),
        replace(waiting, fingerprint=least, order=order(-5.0)),
        replace(
            waiting,
            vehicle=READY.vehicle,
            vehicle_policy=replace(VEHICLE_POLICY, is_discharge_allowed=False),
        ),
    ):
        assert not decide(blocked).wants_to_be_told, "something else is in the way"


@pytest.mark.parametrize(("evse", "reason"), UNTOLD)
def test_a_released_mode_asks_for_nothing_untold(
    evse: EvseInputs, reason: Reason
) -> None:
    evse = with_policy(evse, mode=Mode.DISCHARGE_NOW)
    coordinator = DischargeCoordinator()
    coordinator.step([replace(evse, order=order(-5_000.0))], SiteInputs(), NOW)
    lost = SiteInputs(is_failsafe=True)
    assert not coordinator.step([evse], lost, NOW + 1)[KEY].wants_to_be_told
    decision = coordinator.step([evse], SiteInputs(), NOW + 2)[KEY]
    assert decision.wants_to_be_told
    assert decision.dispatch_blocked_by is reason


def test_a_vehicle_that_said_no_is_not_asked_again() -> None:
    needs = replace(NEEDS, v2x_floor_wh=400.0, is_below_v2x_window=True)
    evse = with_session(AT_REST, needs=needs, needs_soc_percent=None)
    assert not decide(replace(evse, order=order(-5_000.0))).wants_to_be_told


def test_a_released_mode_wants_no_transaction() -> None:
    evse = with_policy(AT_REST, mode=Mode.DISCHARGE_NOW)
    coordinator = DischargeCoordinator()
    coordinator.step([replace(evse, order=order(-5_000.0))], SiteInputs(), NOW)
    lost = SiteInputs(is_failsafe=True)
    assert not coordinator.step([evse], lost, NOW + 1)[KEY].wants_transaction
    assert coordinator.step([evse], SiteInputs(), NOW + 2)[KEY].wants_transaction


def test_with_a_transaction_an_old_state_of_charge_is_unknown() -> None:
    evse = with_session(AT_REST, transaction_id=READY.session.transaction_id)
    evse = with_session(
        evse,
        measurement=replace(evse.session.measurement, power_w=reading(0.0)),
    )
    decision = decide(evse)
    assert decision.discharge_blocked_by is Reason.SOC_UNKNOWN
    assert decision.available_discharge_w == 0


def test_an_order_goes_to_who_has_a_transaction_first() -> None:
    whole = order(-5_000.0, resource=None)
    # The one at rest comes first by name.
    waiting = replace(with_key(AT_REST, OTHER), order=whole)
    ready = replace(READY, order=whole)
    shares = DischargeCoordinator().step([waiting, ready], SiteInputs(), NOW)
    assert shares[KEY].setpoint.requested_w == -5_000.0
    assert shares[OTHER].setpoint.requested_w == 0
    assert not shares[OTHER].wants_transaction
    more = order(-15_000.0, resource=None)
    both = [replace(evse, order=more) for evse in (waiting, ready)]
    shares = DischargeCoordinator().step(both, SiteInputs(), NOW)
    assert shares[OTHER].wants_transaction
    assert shares[OTHER].setpoint.owner is ControlOwner.VPP
