"""Who changed what we had set: the charger, an echo, or somebody else."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.entity_station import Quirks
from custom_components.v2g_vpp.domain.entity_watch import Expected, is_foreign

QUIRKS = Quirks(settle_s=10)
WRITTEN_S = 100.0


def foreign(
    shown: str,
    value: float | str | bool,
    *,
    after_s: float = 60.0,
    step: float = 0.0,
    quirks: Quirks = QUIRKS,
    has_user: bool = False,
) -> bool:
    expected = Expected(value=value, written_mono_s=WRITTEN_S, step=step)
    return is_foreign(shown, expected, quirks, WRITTEN_S + after_s, has_user=has_user)


@pytest.mark.parametrize(
    ("shown", "value", "step", "expected"),
    [
        ("-3000", -3_000.0, 0.0, False),
        ("-2950", -3_000.0, 0.0, False),
        ("-2900", -3_000.0, 0.0, True),
        ("-6", -6.5, 1.0, False),
        ("-8", -6.5, 1.0, True),
        ("0", 0.0, 0.0, False),
        ("1", 0.0, 0.0, True),
        ("nan", -3_000.0, 0.0, True),
        ("much", -3_000.0, 0.0, True),
        ("Give", "Give", 0.0, False),
        ("Rest", "Give", 0.0, True),
        ("on", True, 0.0, False),
        ("off", True, 0.0, True),
        ("off", False, 0.0, False),
    ],
)
def test_another_value_that_lasts_is_somebody_elses(
    shown: str, value: float | str | bool, step: float, expected: bool
) -> None:
    assert foreign(shown, value, step=step) is expected


@given(st.text(max_size=8), st.floats(-20_000, 20_000), st.floats(0, 9.9))
def test_until_it_settled_only_a_person_is_somebody_else(
    shown: str, value: float, after_s: float
) -> None:
    assert not foreign(shown, value, after_s=after_s)


def test_a_person_is_believed_at_once() -> None:
    assert foreign("5000", -3_000.0, after_s=0.1, has_user=True)
    assert not foreign("-3000", -3_000.0, after_s=0.1, has_user=True)


@pytest.mark.parametrize("shown", ["unavailable", "unknown", "Unavailable", ""])
def test_silence_is_nobody(shown: str) -> None:
    assert not foreign(shown, -3_000.0, has_user=True)


def test_a_charger_that_returns_to_a_value_of_its_own_is_no_stranger() -> None:
    reverting = Quirks(settle_s=10, reverts=True)
    assert not foreign("6", -3_000.0, quirks=reverting)
    assert foreign("6", -3_000.0, quirks=reverting, has_user=True)


@pytest.mark.parametrize(
    ("shown", "value", "after_s", "expected"),
    [
        ("0", -3_000.0, 15.0, False),
        ("0", -3_000.0, 14.9, True),
        ("-1500", -3_000.0, 60.0, True),
        ("3000", 0.0, 60.0, True),
        ("off", True, 60.0, True),
        ("Rest", "Give", 60.0, True),
    ],
)
def test_only_a_rest_after_a_silence_is_the_own_end_of_a_charger(
    shown: str, value: float | str | bool, after_s: float, expected: bool
) -> None:
    quirks = Quirks(settle_s=5, watchdog_s=30)
    assert foreign(shown, value, after_s=after_s, quirks=quirks) is expected
    assert foreign(shown, value, after_s=after_s, quirks=quirks, has_user=True)
