"""A hot handle stops, with hysteresis; a contactor that sticks is found."""

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.control.hardware_guard import (
    CONTACTOR_OPENS_WITHIN_S,
    HANDLE_COOL_C,
    HANDLE_COOL_S,
    HANDLE_UNHEARD_COOL_S,
    HardwareFinding as F,
    HardwareGuard,
    HardwareObserved,
)
from custom_components.v2g_vpp.domain.heat import HANDLE_STOP_C


def seen(
    handle_c: float | None = None,
    *,
    inlet: bool | None = None,
    closed: bool | None = None,
    transaction: bool = False,
) -> HardwareObserved:
    return HardwareObserved(
        handle_c=handle_c,
        is_inlet_hot=inlet,
        is_contactor_closed=closed,
        has_transaction=transaction,
    )


def test_a_hot_handle_is_told_once_and_cools_slowly() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(HANDLE_STOP_C - 0.1), 0.0) is None
    assert guard.step(seen(HANDLE_STOP_C), 1.0) is F.HANDLE_HOT
    assert guard.step(seen(HANDLE_STOP_C + 5), 2.0) is None, "once"
    assert guard.step(seen(HANDLE_COOL_C + 0.1), 700.0) is None, "not 10 K yet"
    assert guard.step(seen(HANDLE_COOL_C), 701.0) is None
    assert guard.step(seen(HANDLE_COOL_C), 700.0 + HANDLE_COOL_S) is F.HANDLE_COOL
    assert guard.step(seen(HANDLE_STOP_C), 1400.0) is F.HANDLE_HOT, "and again"


def test_a_silent_sensor_is_not_a_cool_one() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(95.0), 0.0) is F.HANDLE_HOT
    assert guard.step(seen(None), HANDLE_COOL_S) is None
    assert guard.step(seen(HANDLE_COOL_C), HANDLE_COOL_S + 1) is None
    heard_s = 2 * HANDLE_COOL_S
    assert guard.step(seen(None), heard_s) is None, "heard for 599 s only"
    assert guard.step(seen(HANDLE_COOL_C), heard_s + 1) is None, "it counts anew"
    cool_s = heard_s + HANDLE_COOL_S
    assert guard.step(seen(HANDLE_COOL_C), cool_s) is F.HANDLE_COOL


def test_a_sensor_lost_for_good_does_not_hold_the_fault_for_ever() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(95.0), 0.0) is F.HANDLE_HOT
    assert guard.step(seen(None), HANDLE_UNHEARD_COOL_S - 1) is None
    assert guard.step(seen(None), HANDLE_UNHEARD_COOL_S) is F.HANDLE_COOL


def test_a_cool_handle_does_not_speak_for_a_silent_inlet() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(30.0, inlet=True), 0.0) is F.HANDLE_HOT
    assert guard.step(seen(30.0, inlet=None), HANDLE_COOL_S) is None
    assert guard.step(seen(30.0, inlet=False), HANDLE_COOL_S + 1) is None
    assert guard.step(seen(30.0, inlet=False), 2 * HANDLE_COOL_S) is F.HANDLE_COOL


def test_a_hot_inlet_counts_as_the_handle() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(30.0, inlet=False), 0.0) is None
    assert guard.step(seen(30.0, inlet=True), 1.0) is F.HANDLE_HOT


def test_a_contactor_that_sticks_after_the_transaction_is_welded() -> None:
    guard = HardwareGuard()
    assert guard.step(seen(closed=True, transaction=True), 0.0) is None
    assert guard.step(seen(closed=True, transaction=True), 1e4) is None
    assert guard.step(seen(closed=True), 1e4 + 1) is None, "it may still open"
    late = 1e4 + 1 + CONTACTOR_OPENS_WITHIN_S + 0.1
    assert guard.step(seen(closed=True), late) is F.CONTACTOR_WELDED
    assert guard.step(seen(closed=True), late + 100) is None, "once"
    assert guard.step(seen(closed=False), late + 101) is None
    assert guard.step(seen(closed=True), late + 102) is None, "it begins anew"


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, HANDLE_STOP_C - 0.1),
            st.sampled_from([None, False]),
            st.sampled_from([None, False]),
            st.booleans(),
        )
    )
)
def test_nothing_is_found_where_nothing_is(
    steps: list[tuple[float | None, bool | None, bool | None, bool]],
) -> None:
    guard = HardwareGuard()
    for number, (handle_c, inlet, closed, transaction) in enumerate(steps):
        observed = seen(handle_c, inlet=inlet, closed=closed, transaction=transaction)
        assert guard.step(observed, 60.0 * number) is None
