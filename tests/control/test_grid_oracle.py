"""The grid supervision against OpenDER, in the style of the tests of IEEE 1547.1.

OpenDER is EPRI's own reading of IEEE 1547-2018. It counts discharge as positive.
"""

from collections.abc import Iterator

from opender import DER, DER_BESS
import pytest

from custom_components.v2g_vpp.control.droop import DroopFilter, support_power_w
from custom_components.v2g_vpp.control.grid import (
    GridCause,
    GridMemory,
    GridObserved,
    GridVerdict,
    GridWatch,
)
from custom_components.v2g_vpp.domain.grid_profile import IEEE1547_CAT3_60HZ
from tests.control.responses import droop_of

RATED_W = 11_000.0
NOMINAL_V = 240.0
PROFILE = IEEE1547_CAT3_60HZ


@pytest.fixture
def step_s(request: pytest.FixtureRequest) -> Iterator[float]:
    """Set the step of the oracle, s; about a millisecond of work each."""
    before, DER.t_s = DER.t_s, request.param
    yield request.param
    DER.t_s = before


def each(step_s: float) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("step_s", [step_s], indirect=True)


def oracle(*, is_in_service: bool = True, has_droop: bool = False) -> DER_BESS:
    return DER_BESS(
        NP_PHASE="SINGLE",
        NP_P_MAX=RATED_W,
        NP_VA_MAX=RATED_W,
        NP_P_MAX_CHARGE=RATED_W,
        NP_APPARENT_POWER_CHARGE_MAX=RATED_W,
        NP_Q_MAX_INJ=0.44 * RATED_W,
        NP_Q_MAX_ABS=0.44 * RATED_W,
        NP_AC_V_NOM=NOMINAL_V,
        NP_ABNORMAL_OP_CAT="CAT_III",
        NP_REACT_TIME=0,
        CONST_PF=1.0,
        PF_MODE_ENABLE="ENABLED" if has_droop else "DISABLED",
        STATUS_INIT="ON" if is_in_service else "OFF",
    )


def oracle_w(
    der: DER_BESS, wanted_w: float, frequency_hz: float, voltage_v: float = NOMINAL_V
) -> float:
    """Return the power of the oracle after a step, W; positive into the vehicle."""
    der.update_der_input(p_dem_w=-wanted_w, v=voltage_v, theta=0.0, f=frequency_hz)
    der.run()
    return -float(der.p_out_w)


@each(0.5)
@pytest.mark.parametrize(
    "frequency_hz", [57.0, 58.0, 59.0, 59.5, 59.964, 60.0, 60.036, 60.5, 61.0]
)
def test_droop_is_that_of_the_standard(step_s: float, frequency_hz: float) -> None:
    der = oracle(has_droop=True)
    for _ in range(4):
        oracle_w(der, 0.0, 60.0)
    theirs_w = [oracle_w(der, 0.0, frequency_hz) for _ in range(50)][-1]
    ours_w = support_power_w(droop_of(PROFILE, RATED_W), frequency_hz)
    assert ours_w == pytest.approx(theirs_w, abs=1.0)


@each(0.1)
def test_eleven_kilowatts_at_59_5_hz_give_1701_w_nine_tenths_of_it_at_5_s(
    step_s: float,
) -> None:
    der, answer = oracle(has_droop=True), DroopFilter()
    for _ in range(4):
        oracle_w(der, 0.0, 60.0)
    goal_w = support_power_w(droop_of(PROFILE, RATED_W), 59.5)
    assert goal_w == pytest.approx(-1_701.0, abs=0.5)
    answer.step(0.0, PROFILE, 0.0)
    theirs_w = [oracle_w(der, 0.0, 59.5) for _ in range(50)][-1]
    ours_w = 0.0
    for index in range(1, 51):
        ours_w = answer.step(goal_w, PROFILE, index * step_s)
    assert ours_w == pytest.approx(0.9 * goal_w, rel=1e-6)
    assert theirs_w == pytest.approx(ours_w, rel=0.01)


def trip_times_s(
    step_s: float, frequency_hz: float, seconds: float
) -> tuple[float | None, float | None]:
    """Return when the oracle and when we cease to energize; None: never."""
    der, watch = oracle(), GridWatch()
    oracle_w(der, -RATED_W, 60.0)
    theirs_s = ours_s = None
    for index in range(1, round(seconds / step_s) + 1):
        oracle_w(der, -RATED_W, frequency_hz)
        # The oracle counts the step in which it sees the frequency, we from its end.
        began_s = (index - 1) * step_s
        watch.step(GridObserved(frequency_hz=frequency_hz), PROFILE, began_s)
        verdict = watch.step(
            GridObserved(frequency_hz=frequency_hz), PROFILE, index * step_s
        )
        if theirs_s is None and der.der_status == "Trip":
            theirs_s = index * step_s
        if ours_s is None and verdict.discharge_share == 0.0:
            ours_s = index * step_s
    return theirs_s, ours_s


@each(1.0)
@pytest.mark.parametrize("frequency_hz", [61.3, 58.4], ids=["OF1", "UF1"])
def test_the_slow_trips_come_at_exactly_300_s(
    step_s: float, frequency_hz: float
) -> None:
    assert trip_times_s(step_s, frequency_hz, 305.0) == (300.0, 300.0)


@each(0.04)
@pytest.mark.parametrize("frequency_hz", [62.1, 56.4], ids=["OF2", "UF2"])
def test_the_quick_trips_come_at_exactly_160_ms(
    step_s: float, frequency_hz: float
) -> None:
    theirs_s, ours_s = trip_times_s(step_s, frequency_hz, 0.4)
    assert ours_s == theirs_s == pytest.approx(0.16)


@each(1.0)
@pytest.mark.parametrize("frequency_hz", [58.6, 61.1])
def test_neither_trips_in_the_ride_through_region(
    step_s: float, frequency_hz: float
) -> None:
    assert trip_times_s(step_s, frequency_hz, 310.0) == (None, None)


@each(1.0)
def test_service_is_entered_as_the_standard_has_it(step_s: float) -> None:
    der, watch = oracle(is_in_service=False), GridWatch()
    watch.restore(
        GridMemory(
            cause=GridCause.UNDER_FREQUENCY,
            steady_s=0.0,
            ramped_s=0.0,
            nominal_v=NOMINAL_V,
        )
    )
    # Outside of the window, inside, out for a moment by the voltage, inside for good.
    course = [
        *[(59.4, NOMINAL_V)] * 5,
        *[(60.0, NOMINAL_V)] * 290,
        *[(60.0, 0.9 * NOMINAL_V)] * 2,
        *[(60.05, 1.04 * NOMINAL_V)] * 610,
    ]
    shares: list[tuple[float, float]] = []
    verdict = GridVerdict()
    for index, (frequency_hz, voltage_v) in enumerate(course):
        theirs_w = oracle_w(der, -RATED_W, frequency_hz, voltage_v)
        seen = GridObserved(frequency_hz=frequency_hz, voltage_v=voltage_v)
        verdict = watch.step(seen, PROFILE, index * step_s)
        shares.append((verdict.discharge_share, -theirs_w / RATED_W))
    ours, theirs = zip(*shares, strict=True)
    assert ours[-1] == theirs[-1] == pytest.approx(1.0)
    # A step of the ramp is 1/300; the oracle counts the first look as a step, too.
    assert max(abs(a - b) for a, b in shares) <= 2.5 / 300
    began = [
        next(i for i, share in enumerate(one) if share > 0) for one in (ours, theirs)
    ]
    assert began == pytest.approx([597, 597], abs=1)
