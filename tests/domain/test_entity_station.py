"""Which descriptions of a charger can be used, and what follows from them."""

import pytest

from custom_components.v2g_vpp.domain.entity_station import (
    EntitySpecification,
    Quirks,
    StopWay,
    Writes,
    WriteWay,
    problem_of,
    timing_of_entity,
)


def signed(**more: object) -> EntitySpecification:
    return EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("specification", "problem"),
    [
        (signed(quirks=Quirks(zero_forbidden=True)), "zero_forbidden"),
        (
            EntitySpecification(
                writes=Writes(way=WriteWay.SIGNED_NUMBER, stop=StopWay.MINIMUM_POWER)
            ),
            "minimum_needed",
        ),
        (
            EntitySpecification(
                writes=Writes(way=WriteWay.TWO_NUMBERS, charge_option="Charge")
            ),
            "direction_missing",
        ),
        (
            signed(quirks=Quirks(watchdog_s=60, min_write_interval_s=31)),
            "watchdog_too_short",
        ),
        (signed(), None),
    ],
)
def test_what_makes_a_specification_unusable(
    specification: EntitySpecification, problem: str | None
) -> None:
    assert problem_of(specification) == problem


def test_a_refresh_comes_three_times_within_the_watchdog() -> None:
    timing = timing_of_entity(Quirks(watchdog_s=45))
    assert (timing.validity_s, timing.refresh_s) == (45, 15)
    slow = timing_of_entity(Quirks(min_write_interval_s=25))
    assert (slow.validity_s, slow.refresh_s, slow.write_interval_s) == (60, 25, 25)


def test_another_way_of_being_told_is_another_fingerprint() -> None:
    plain = signed()
    turned = EntitySpecification(
        writes=Writes(way=WriteWay.SIGNED_NUMBER, is_inverted=True)
    )
    assert plain.fingerprint == signed().fingerprint
    assert plain.fingerprint != turned.fingerprint


def test_a_proof_of_other_entities_is_none() -> None:
    here = EntitySpecification(writes=signed().writes, places=("setpoint number.a",))
    there = EntitySpecification(writes=signed().writes, places=("setpoint number.b",))
    assert here.fingerprint != there.fingerprint
