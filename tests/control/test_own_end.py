"""How long a charger waits for the next write, as the self-test found it."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.own_end import SHORTEST_VALIDITY_S, OwnEnd
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
)

TOLD = replace(DIALECT_TIMING[DischargeDialect.ENTITY], validity_s=40.0)


@pytest.mark.parametrize(
    ("ends_s", "validity_s"), [(25.0, 25.0), (0.2, SHORTEST_VALIDITY_S), (-3.0, 1.0)]
)
def test_an_unknown_wait_is_what_was_measured_and_never_nothing(
    ends_s: float, validity_s: float
) -> None:
    unknown = OwnEnd(DischargeDialect.ENTITY, TOLD, None)
    assert unknown.validity_s(ends_s) == validity_s
    assert unknown.earliest_s == 0.0


def test_a_wait_that_was_told_counts_and_one_of_ocpp_is_its_profile() -> None:
    known = OwnEnd(DischargeDialect.ENTITY, TOLD, 40.0)
    assert (known.validity_s(25.0), known.earliest_s) == (40.0, 20.0)
    ocpp = OwnEnd(DischargeDialect.V21_DYNAMIC, TOLD, None)
    assert (ocpp.validity_s(25.0), ocpp.earliest_s) == (None, 20.0)
