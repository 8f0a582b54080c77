"""What a write may claim, and how identities are shown."""

import pytest

from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.setpoint import (
    ControlOwner,
    WriteResult,
    WriteStatus,
)


@pytest.mark.parametrize("status", WriteStatus)
def test_only_accepted_is_accepted(status: WriteStatus) -> None:
    is_accepted = WriteResult(status=status).is_accepted
    assert is_accepted is (status is WriteStatus.ACCEPTED)


def test_owners_are_listed_strongest_first() -> None:
    assert list(ControlOwner) == [
        "user",
        "external",
        "trip",
        "self_test",
        "vpp",
        "automation",
        "plan",
        "mode",
        "grid",
        "none",
    ]


def test_an_evse_is_shown_by_station_and_number() -> None:
    assert str(EvseKey(StationId("CS1"), 2)) == "CS1/2"


def test_evses_sort_by_station_and_number() -> None:
    keys = [EvseKey(StationId(s), n) for s, n in (("b", 1), ("a", 10), ("a", 2))]
    assert [str(key) for key in sorted(keys)] == ["a/2", "a/10", "b/1"]
