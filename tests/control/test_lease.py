"""Who holds the control lease, and what it asks for."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    NOW,
    READY,
    at,
    order,
    override,
    with_policy,
)
from tests.control.steps import DISPATCHED, TRIM_W, first_step, settled


def at_the_button(evse: EvseInputs) -> EvseInputs:
    return replace(evse, session=replace(evse.session, is_priority_charging=True))


@pytest.mark.parametrize(
    ("evse", "owner", "power_w", "reason"),
    [
        pytest.param(
            replace(DISPATCHED, override=override(3_000.0), self_test_w=-1_800.0),
            ControlOwner.USER,
            3_000.0,
            Reason.AS_REQUESTED,
            id="the user beats everyone",
        ),
        pytest.param(
            at_the_button(replace(DISPATCHED, override=override(-3_000.0))),
            ControlOwner.USER,
            11_000.0,
            Reason.PRIORITY_CHARGING,
            id="the button at the charger beats a discharge of the user",
        ),
        pytest.param(
            at_the_button(replace(DISPATCHED, override=override(0.0))),
            ControlOwner.USER,
            0.0,
            Reason.AS_REQUESTED,
            id="the user's stop beats the button",
        ),
        pytest.param(
            at_the_button(DISPATCHED),
            ControlOwner.USER,
            11_000.0,
            Reason.PRIORITY_CHARGING,
            id="the button beats a dispatch",
        ),
        pytest.param(
            replace(DISPATCHED, self_test_w=-1_800.0),
            ControlOwner.SELF_TEST,
            -1_800.0,
            Reason.AS_REQUESTED,
            id="the self-test beats a dispatch",
        ),
        pytest.param(
            DISPATCHED,
            ControlOwner.VPP,
            -5_000.0,
            Reason.AS_REQUESTED,
            id="a dispatch beats the mode",
        ),
        pytest.param(
            replace(READY, order=order(4_000.0)),
            ControlOwner.VPP,
            4_000.0,
            Reason.AS_REQUESTED,
            id="a dispatch may charge",
        ),
        pytest.param(
            READY,
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="charge now",
        ),
        pytest.param(
            with_policy(READY, mode=Mode.DISCHARGE_NOW, max_discharge_power_w=7_000.0),
            ControlOwner.MODE,
            -7_000.0,
            Reason.AS_REQUESTED,
            id="discharge now",
        ),
        pytest.param(
            with_policy(READY, mode=Mode.OFF),
            ControlOwner.MODE,
            0.0,
            Reason.MODE_OFF,
            id="off",
        ),
        pytest.param(
            replace(READY, order=order(0.0, kind=CommandKind.RELEASE)),
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="a release hands back",
        ),
        pytest.param(
            replace(READY, order=order(4_000.0, kind=CommandKind.LIMIT)),
            ControlOwner.VPP,
            4_000.0,
            Reason.AS_REQUESTED,
            id="a limit caps charging",
        ),
        pytest.param(
            replace(READY, order=order(-4_000.0, kind=CommandKind.LIMIT)),
            ControlOwner.VPP,
            0.0,
            Reason.AS_REQUESTED,
            id="a limit below zero forces no discharge",
        ),
        pytest.param(
            with_policy(
                replace(READY, order=order(4_000.0, kind=CommandKind.LIMIT)),
                max_charge_power_w=3_000.0,
            ),
            ControlOwner.MODE,
            3_000.0,
            Reason.AS_REQUESTED,
            id="a limit that does not bind leaves the mode",
        ),
        pytest.param(
            replace(READY, override=override(0.0, ends_mono_s=NOW)),
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="an override ends",
        ),
        pytest.param(
            replace(READY, order=order(-5_000.0, ends_mono_s=NOW)),
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="an order ends",
        ),
        pytest.param(
            replace(READY, order=order(-5_000.0, start_mono_s=NOW + 60.0)),
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="an order has not begun",
        ),
        pytest.param(
            replace(
                READY,
                order=order(-5_000.0, resource=EvseKey(StationId("OTHER"), 1)),
                override=replace(
                    override(-3_000.0), key=EvseKey(StationId("OTHER"), 1)
                ),
            ),
            ControlOwner.MODE,
            11_000.0,
            Reason.AS_REQUESTED,
            id="what is meant for another EVSE is not followed",
        ),
    ],
)
def test_the_strongest_owner_is_followed(
    evse: EvseInputs, owner: ControlOwner, power_w: float, reason: Reason
) -> None:
    setpoint = settled(evse).setpoint
    assert (setpoint.owner, setpoint.reason) == (owner, reason)
    assert setpoint.power_w == pytest.approx(power_w, abs=TRIM_W)


def test_the_self_test_needs_neither_switch_nor_proof_but_every_floor() -> None:
    testing = with_policy(
        replace(READY, self_test_w=-1_800.0, proof=None), is_discharge_allowed=False
    )
    assert first_step(testing).setpoint.power_w == -1_800.0
    floor = first_step(at(testing, NOW, 0.0, 30.0)).setpoint
    assert (floor.power_w, floor.reason) == (0.0, Reason.RESERVE_FLOOR)
    # Below the floor of a dispatch the owner's own test may run.
    assert first_step(at(testing, NOW, 0.0, 45.0)).setpoint.power_w == -1_800.0
    guest = replace(testing, vehicle=None)
    assert first_step(guest).setpoint.reason is Reason.VEHICLE_UNKNOWN


def test_a_dispatch_gets_nothing_while_the_user_holds_the_lease() -> None:
    held = first_step(replace(DISPATCHED, override=override(0.0)))
    assert (held.available_charge_w, held.available_discharge_w) == (0.0, 0.0)
    free = first_step(DISPATCHED)
    assert (free.available_charge_w, free.available_discharge_w) == (11_000, 11_000)
