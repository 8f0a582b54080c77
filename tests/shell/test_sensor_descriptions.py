"""Numbers that are worked out from what is known of a charger."""

from dataclasses import replace

from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.state import EvseState
from custom_components.v2g_vpp.sensor_descriptions import (
    DISPLAY_STATES,
    EVSE_SENSORS,
)
from tests.shell.home import Home

BY_KEY = {description.key: description for description in EVSE_SENSORS}


async def test_charger_without_a_proof_promises_nothing(home: Home) -> None:
    await home.connect()
    assert BY_KEY["stops_by_itself_within"].value_fn(home.evse()) is None
    assert BY_KEY["dead_time"].value_fn(home.evse()) is None


async def test_proven_charger_says_within_what_time_it_stops_by_itself(
    home: Home,
) -> None:
    await home.connect()
    proof = Proof(
        dialect=DischargeDialect.V21_DYNAMIC,
        firmware="1.2.3",
        dead_man_s=21.0,
        passed_at="2026-01-15T12:00:00+00:00",
        proven_power_w=2_000.0,
    )
    learnt = Fingerprint(dead_time_s=3.0, ramp_w_per_s=2_200.0, is_learnt=True)
    evse = replace(home.evse(), proof=proof, fingerprint=learnt)
    # 20 s validity, 2 s clock, 3 s dead time, 11 kW at 2.2 kW/s.
    assert BY_KEY["stops_by_itself_within"].value_fn(evse) == 30.0
    assert BY_KEY["dead_time"].value_fn(evse) == 3.0


async def test_a_charger_that_goes_on_by_itself_promises_nothing(home: Home) -> None:
    await home.connect()
    proof = Proof(
        dialect=DischargeDialect.ENTITY,
        firmware="1.2.3",
        dead_man_s=36.0,
        passed_at="2026-01-15T12:00:00+00:00",
        proven_power_w=2_000.0,
        validity_s=30.0,
    )
    learnt = Fingerprint(dead_time_s=3.0, ramp_w_per_s=2_200.0, is_learnt=True)
    evse = replace(home.evse(), proof=proof, fingerprint=learnt)
    # Its own 30 s instead of what the dialect assumes.
    assert BY_KEY["stops_by_itself_within"].value_fn(evse) == 40.0
    endless = replace(proof, guarantee=GuaranteeClass.B, validity_s=None)
    evse = replace(evse, proof=endless)
    assert BY_KEY["stops_by_itself_within"].value_fn(evse) is None


def test_no_state_of_an_outlet_is_a_word_that_home_assistant_keeps() -> None:
    assert set(DISPLAY_STATES) == set(EvseState)
    shown = set(DISPLAY_STATES.values())
    assert len(shown) == len(EvseState)
    assert shown.isdisjoint({"unavailable", "unknown"})
