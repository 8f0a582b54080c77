"""Followers and limits of real homes, for the laws and the oracle of the allocation."""

from hypothesis import strategies as st

from custom_components.v2g_vpp.control.allocation import Follower, SharedLimit
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.setpoint import Reason

PHASE_SHARES = (
    (1.0, 0.0, 0.0),
    (0.0, 1.0, 0.0),
    (0.0, 0.0, 1.0),
    (0.5, 0.5, 0.0),
    (1 / 3, 1 / 3, 1 / 3),
)
"""On one phase, on two, on all three."""


@st.composite
def follower_lists(
    draw: st.DrawFn, *, min_size: int = 0, max_size: int = 6
) -> list[Follower]:
    """Lists of followers with bounds of real chargers, some of them unable."""
    return [
        Follower(
            key=EvseKey(StationId("CS1"), number),
            minimum_w=draw(st.sampled_from([0.0, 1_380.0, 4_140.0])),
            maximum_w=draw(
                st.sampled_from([0.0, 1_000.0, 3_680.0, 7_400.0, 11_000.0])
                | st.floats(100, 22_000)
            ),
            is_running=draw(st.booleans()),
            is_ready=draw(st.booleans()),
            cents_per_kwh=draw(st.sampled_from([4.0, 8.0, 12.0]) | st.floats(3, 15)),
            switch_cents=draw(st.sampled_from([None, None, 4.0])),
        )
        for number in range(draw(st.integers(min_size, max_size)))
    ]


@st.composite
def shared_limits(draw: st.DrawFn, followers: list[Follower]) -> list[SharedLimit]:
    """No limits, or three phases, a circuit, and what the site may exchange."""
    if draw(st.booleans()):
        return []
    all_w = sum(f.maximum_w for f in followers) + 1.0
    phases = [draw(st.sampled_from(PHASE_SHARES)) for _ in followers]
    limits = [
        SharedLimit(
            reason=Reason.STATION_LIMIT,
            room_w=draw(st.floats(0.05, 0.6)) * all_w,
            shares={
                f.key: shares[phase]
                for f, shares in zip(followers, phases, strict=True)
            },
        )
        for phase in range(3)
    ]
    on_circuit = [f.key for f in followers if draw(st.booleans())]
    limits.append(
        SharedLimit(
            reason=Reason.STATION_LIMIT,
            room_w=draw(st.floats(0.05, 0.9)) * all_w,
            shares=dict.fromkeys(on_circuit, 1.0),
        )
    )
    limits.append(
        SharedLimit(
            reason=Reason.EXPORT_LIMIT, room_w=draw(st.floats(0.2, 1.1)) * all_w
        )
    )
    return limits
