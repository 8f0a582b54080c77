"""Droops and curves for tests."""

from hypothesis import strategies as st

from custom_components.v2g_vpp.control.droop import profile_droop
from custom_components.v2g_vpp.domain.frequency_response import (
    Droop,
    FrequencyCurve,
    FrequencyPoint,
    FrequencyResponse,
)
from custom_components.v2g_vpp.domain.grid_profile import GridProfile

DROOP = Droop(nominal_hz=50.0, dead_band_hz=0.01, power_w_per_hz=52_631.6)
"""Reserve for the containment of frequency: 10 kW at 200 mHz."""


def curve(*points: tuple[float, float]) -> FrequencyCurve:
    """Return the curve through some points."""
    return FrequencyCurve(
        points=tuple(
            FrequencyPoint(frequency_hz=frequency_hz, power_w=power_w)
            for frequency_hz, power_w in points
        )
    )


CURVE = curve((49.8, -10_000.0), (49.99, 0.0), (50.01, 0.0), (50.2, 10_000.0))


def droop_of(profile: GridProfile, rated_w: float) -> Droop:
    """Return the droop of a profile that has a region."""
    droop = profile_droop(profile, rated_w)
    assert droop is not None
    return droop


droops = st.builds(
    Droop,
    nominal_hz=st.floats(40.0, 70.0),
    dead_band_hz=st.floats(0.0, 5.0),
    power_w_per_hz=st.floats(0.0, 1e6),
)


@st.composite
def curves(draw: st.DrawFn) -> FrequencyCurve:
    """Any curve: rising frequencies, powers that do not fall."""
    count = draw(st.integers(2, 16))
    steps = st.lists(
        st.integers(40_000, 70_000), min_size=count, max_size=count, unique=True
    )
    powers = st.lists(
        st.integers(-1_000_000, 1_000_000), min_size=count, max_size=count
    )
    pairs = zip(sorted(draw(steps)), sorted(draw(powers)), strict=True)
    return curve(*((mhz / 1000, float(power_w)) for mhz, power_w in pairs))


responses: st.SearchStrategy[FrequencyResponse] = st.one_of(droops, curves())
