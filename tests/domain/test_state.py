"""The state of an EVSE and its legal transitions."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.state import (
    LEGAL_TRANSITIONS,
    ConnectorStatus,
    EvseState,
    StateInputs,
    derive_state,
    flow_threshold_w,
    path_between,
)

PLUGGED = StateInputs(
    is_emergency_stopped=False,
    has_fault=False,
    is_reachable=True,
    status=ConnectorStatus.OCCUPIED,
    has_transaction=True,
    is_plugged=True,
    power_w=0.0,
    rating_w=11_000.0,
)
INPUTS = st.builds(
    StateInputs,
    is_emergency_stopped=st.booleans(),
    has_fault=st.booleans(),
    is_reachable=st.booleans(),
    status=st.none() | st.sampled_from(ConnectorStatus),
    has_transaction=st.booleans(),
    is_plugged=st.booleans(),
    power_w=st.none() | st.floats(-22_000, 22_000),
    rating_w=st.sampled_from([3_700.0, 11_000.0, 22_000.0]),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, EvseState.IDLE, id="nothing flows"),
        pytest.param({"power_w": 221.0}, EvseState.CHARGING, id="charges"),
        pytest.param({"power_w": -221.0}, EvseState.DISCHARGING, id="discharges"),
        pytest.param({"power_w": -219.0}, EvseState.IDLE, id="below the threshold"),
        pytest.param({"power_w": None}, EvseState.IDLE, id="silent meter"),
        pytest.param(
            {"power_w": -5_000.0, "has_transaction": False},
            EvseState.IDLE,
            id="without a transaction",
        ),
        pytest.param(
            {"has_transaction": False, "status": ConnectorStatus.AVAILABLE},
            EvseState.IDLE,
            id="plugged although it says available",
        ),
        pytest.param(
            {"has_transaction": False, "is_plugged": False},
            EvseState.IDLE,
            id="occupied",
        ),
        pytest.param(
            {"has_transaction": False, "is_plugged": False, "status": None},
            EvseState.AVAILABLE,
            id="nothing there",
        ),
        pytest.param(
            {"status": ConnectorStatus.RESERVED}, EvseState.RESERVED, id="reserved"
        ),
        pytest.param(
            {"status": ConnectorStatus.UNAVAILABLE},
            EvseState.UNAVAILABLE,
            id="unavailable",
        ),
        pytest.param({"is_reachable": False}, EvseState.UNAVAILABLE, id="offline"),
        pytest.param(
            {"status": ConnectorStatus.FAULTED}, EvseState.FAULTED, id="faulted"
        ),
        pytest.param(
            {"has_fault": True, "is_reachable": False}, EvseState.FAULTED, id="fault"
        ),
        pytest.param(
            {"is_emergency_stopped": True, "has_fault": True, "is_reachable": False},
            EvseState.EMERGENCY_STOP,
            id="emergency stop",
        ),
    ],
)
def test_derive_state(changes: dict[str, object], expected: EvseState) -> None:
    assert derive_state(replace(PLUGGED, **changes)) is expected  # type: ignore[arg-type]  # any field


@given(INPUTS)
def test_the_direction_comes_from_the_meter_alone(inputs: StateInputs) -> None:
    state = derive_state(inputs)
    if state is EvseState.DISCHARGING:
        assert inputs.power_w is not None
        assert inputs.power_w < -flow_threshold_w(inputs.rating_w)
    if state is EvseState.CHARGING:
        assert inputs.power_w is not None
        assert inputs.power_w > flow_threshold_w(inputs.rating_w)


@given(INPUTS)
def test_an_emergency_stop_is_always_seen(inputs: StateInputs) -> None:
    stopped = replace(inputs, is_emergency_stopped=True)
    assert derive_state(stopped) is EvseState.EMERGENCY_STOP


@pytest.mark.parametrize("before", EvseState)
@pytest.mark.parametrize("after", EvseState)
def test_every_way_is_legal_step_by_step(before: EvseState, after: EvseState) -> None:
    path = path_between(before, after)
    if before is after:
        assert path == ()
        return
    assert path[-1] is after
    here = before
    for step in path:
        assert step in LEGAL_TRANSITIONS[here]
        here = step


def test_power_starts_from_idle_alone() -> None:
    path = path_between(EvseState.AVAILABLE, EvseState.DISCHARGING)
    assert path == (EvseState.IDLE, EvseState.DISCHARGING)


def test_the_threshold_grows_with_the_rating() -> None:
    assert flow_threshold_w(3_700.0) == 100.0
    assert flow_threshold_w(22_000.0) == 440.0
