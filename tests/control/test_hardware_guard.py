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
    HeatSource as Heat,
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


@given(
    st.sets(st.sampled_from([Heat.HANDLE, Heat.INLET]), min_size=1),
    st.lists(
        st.tuples(
            st.floats(0.0, 400.0),
            st.one_of(st.none(), st.floats(-20.0, HANDLE_STOP_C - 0.1)),
            st.sampled_from([None, False]),
        ),
        max_size=60,
    ),
)
def test_heat_of_a_time_before_ends_when_it_is_seen_cool_or_after_2_h(
    heat: set[Heat], steps: list[tuple[float, float | None, bool | None]]
) -> None:
    guard = HardwareGuard(heat, 1000.0)
    now, cool_since = 1000.0, None
    for wait_s, handle_c, inlet in steps:
        now += wait_s
        is_told = (handle_c is not None or Heat.HANDLE not in heat) and (
            inlet is not None or Heat.INLET not in heat
        )
        is_warm = handle_c is not None and handle_c > HANDLE_COOL_C
        if is_warm or not is_told:
            cool_since = None
        elif cool_since is None:
            cool_since = now - wait_s
        if guard.step(seen(handle_c, inlet=inlet), now) is F.HANDLE_COOL:
            was_seen = cool_since is not None and now - cool_since >= HANDLE_COOL_S
            assert was_seen or now - 1000.0 >= HANDLE_UNHEARD_COOL_S
            assert not guard.heat
            return
        assert guard.heat == heat


def test_heat_that_the_station_reported_ends_with_its_word() -> None:
    guard = HardwareGuard([Heat.REPORT], 0.0)
    reported = HardwareObserved(
        handle_c=20.0,
        is_inlet_hot=False,
        is_contactor_closed=None,
        has_transaction=False,
        is_heat_reported=True,
    )
    assert guard.step(reported, HANDLE_COOL_S) is None
    assert guard.step(seen(20.0), HANDLE_COOL_S + 1) is F.HANDLE_COOL
    guard = HardwareGuard([Heat.REPORT], 0.0)
    assert guard.step(reported, HANDLE_UNHEARD_COOL_S - 1) is None
    assert guard.step(reported, HANDLE_UNHEARD_COOL_S) is F.HANDLE_COOL


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
