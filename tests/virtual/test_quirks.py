"""What some chargers refuse although the text of OCPP allows it."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.config import Fault
from custom_components.v2g_vpp.virtual.quirks import (
    reason_to_dislike,
    reason_to_dislike_power,
)

MINIMUM_W = 1_380.0


def wire(limit: float, *, unit: str = "W", purpose: str = "TxProfile") -> Any:
    return {
        "chargingProfilePurpose": purpose,
        "chargingSchedule": [
            {
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("fault", "profile", "is_disliked"),
    [
        (None, wire(0.0), False),
        (Fault.REFUSE_ZERO, wire(0.0), True),
        (Fault.REFUSE_ZERO, wire(0.0, purpose="TxDefaultProfile"), False),
        (Fault.REFUSE_ZERO, wire(1.0), False),
        (Fault.REFUSE_SMALL, wire(-1_379.0), True),
        (Fault.REFUSE_SMALL, wire(-1_380.0), False),
        (Fault.REFUSE_SMALL, wire(0.0), False),
        (Fault.REFUSE_SMALL, wire(5.9, unit="A"), True),
        (Fault.REFUSE_SMALL, wire(6.0, unit="A"), False),
    ],
)
def test_profiles(fault: Fault | None, profile: Any, is_disliked: bool) -> None:
    faults = set() if fault is None else {fault}
    assert (reason_to_dislike(faults, MINIMUM_W, profile) is not None) == is_disliked


def test_updates_are_judged_by_their_setpoint() -> None:
    both = {Fault.REFUSE_ZERO, Fault.REFUSE_SMALL}
    for setpoint, is_disliked in ((0, True), (-900.0, True), (-4_000.0, False)):
        rejection = reason_to_dislike_power(both, MINIMUM_W, {"setpoint": setpoint})
        assert (rejection is not None) == is_disliked
    assert reason_to_dislike_power(both, MINIMUM_W, {}) is None
