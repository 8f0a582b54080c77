"""A commissioned charger that follows the frequency, in a closed loop."""

import pytest

from custom_components.v2g_vpp.control.frequency_meter import LONGEST_RESPONSE_S
from custom_components.v2g_vpp.domain.frequency_response import SupportRefusal
from script.benches.closed_loop.frequency import answer
from script.benches.closed_loop.plants import PLANTS


@pytest.mark.parametrize(
    ("name", "rise_s", "fall_s"), [("fast", 6.0, 3.0), ("typical", 9.5, 6.5)]
)
def test_who_offers_it_answers_within_ten_seconds(
    name: str, rise_s: float, fall_s: float
) -> None:
    found = answer(PLANTS[name])
    assert found.refusal is None
    assert found.rise_s <= rise_s <= LONGEST_RESPONSE_S
    assert found.fall_s <= fall_s
    assert found.steady_writes <= 2


def test_a_slow_charger_is_refused_and_would_have_been_too_late() -> None:
    found = answer(PLANTS["slow"])
    assert found.refusal is SupportRefusal.TOO_SLOW
    assert found.expected_s > LONGEST_RESPONSE_S
    assert found.rise_s > LONGEST_RESPONSE_S
