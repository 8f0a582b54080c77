"""The room that the connection of the home leaves: signed, per phase, never exceeded."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.fuse import (
    FUSE_SHARE,
    MORE_ROOM_AFTER_S,
    Direction,
    FuseGuard,
    FuseInputs,
    Rooms,
    SiteLimit,
    total_room_w,
)
from custom_components.v2g_vpp.control.house_load import HomePowers
from custom_components.v2g_vpp.control.limits import Bound
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.site_meters import (
    Circuit,
    PhaseMap,
    SiteWiring,
)
from tests.control.given import KEY, NOW

OTHER = EvseKey(StationId("CS2"), 1)
THREE = PhaseMap(phases=(1, 2, 3))
ON_L2 = PhaseMap(phases=(2,))
FUSE_W = 25.0 * 230.0 * FUSE_SHARE
WIRED = SiteWiring(fuse_a=25.0, phase_maps={KEY: THREE, OTHER: ON_L2})


def powers(
    phases_w: tuple[float, ...] | None = None,
    evses_w: Mapping[EvseKey, float] | None = None,
    *,
    grid_w: float | None = None,
    solar_w: float | None = None,
) -> HomePowers:
    return HomePowers(
        at_mono_s=NOW,
        grid_w=sum(phases_w or ()) if grid_w is None else grid_w,
        phases_w=phases_w,
        battery_w=None,
        solar_w=solar_w,
        evses_w=evses_w or {},
    )


def room(
    wiring: SiteWiring,
    seen: HomePowers | None,
    key: EvseKey = KEY,
    direction: Direction = Direction.CHARGE,
    calibrations: Mapping[EvseKey, Calibration] | None = None,
) -> Bound | None:
    """Return what one EVSE may have when nobody else takes anything."""
    inputs = FuseInputs(
        keys=(KEY, OTHER),
        wiring=wiring,
        powers=seen,
        calibrations=calibrations or {},
    )
    return Rooms(FuseGuard().step(inputs, NOW)).bound(key, direction)


def test_the_fullest_phase_decides_over_an_evse_of_three() -> None:
    seen = powers((1_000.0, 3_000.0, 2_000.0))
    bound = room(WIRED, seen)
    assert bound is not None
    assert bound.power_w == pytest.approx(3 * (FUSE_W - 3_000.0))
    assert bound.reason is Reason.FUSE
    other = room(WIRED, seen, OTHER)
    assert other is not None
    assert other.power_w == pytest.approx(FUSE_W - 3_000.0)


def test_what_an_evse_takes_itself_is_not_taken_from_it() -> None:
    seen = powers((3_000.0, 3_000.0, 3_000.0), {KEY: 6_000.0})
    bound = room(WIRED, seen)
    assert bound is not None
    assert bound.power_w == pytest.approx(3 * (FUSE_W - 1_000.0))


def test_a_discharge_protects_no_fuse() -> None:
    """9.5 kW of load and 3 kW of discharge: without it 9.5 kW would be imported."""
    wiring = SiteWiring(phase_count=1, fuse_a=50.0, import_limit_w=11_000.0)
    seen = powers(grid_w=6_500.0, evses_w={OTHER: -3_000.0})
    bound = room(wiring, seen)
    assert bound is not None
    assert bound.power_w == pytest.approx(1_500.0)
    assert bound.reason is Reason.IMPORT_LIMIT


def test_charging_protects_from_no_export() -> None:
    wiring = SiteWiring(export_limit_w=1_000.0)
    seen = powers(grid_w=-500.0, evses_w={OTHER: 4_000.0})
    bound = room(wiring, seen, direction=Direction.DISCHARGE)
    assert bound == Bound(power_w=0.0, reason=Reason.EXPORT_LIMIT)


def test_the_load_of_the_home_adds_to_the_export_limit() -> None:
    wiring = SiteWiring(export_limit_w=1_000.0)
    seen = powers(grid_w=-900.0, evses_w={KEY: -3_000.0})
    bound = room(wiring, seen, direction=Direction.DISCHARGE)
    assert bound is not None
    assert bound.power_w == pytest.approx(3_100.0)


def test_a_fuse_carries_no_more_out_than_in() -> None:
    seen = powers((-4_000.0, 0.0, 0.0))
    bound = room(WIRED, seen, direction=Direction.DISCHARGE)
    assert bound is not None
    assert bound.power_w == pytest.approx(3 * (FUSE_W - 4_000.0))


def test_less_room_counts_at_once_and_more_only_when_it_stays() -> None:
    guard = FuseGuard()
    wiring = SiteWiring(import_limit_w=10_000.0)

    def room_w(rest_w: float, second: float) -> float:
        inputs = FuseInputs(keys=(KEY,), wiring=wiring, powers=powers(grid_w=rest_w))
        return total_room_w(guard.step(inputs, NOW + second), Direction.CHARGE)

    assert room_w(2_000.0, 0) == 8_000.0
    assert room_w(7_000.0, 1) == 3_000.0
    assert room_w(2_000.0, MORE_ROOM_AFTER_S) == 3_000.0
    assert room_w(2_000.0, MORE_ROOM_AFTER_S + 1.5) == 8_000.0


def test_a_load_beyond_the_fuse_leaves_nothing_and_forces_nothing() -> None:
    bound = room(WIRED, powers((9_000.0, 0.0, 0.0)))
    assert bound == Bound(power_w=0.0, reason=Reason.FUSE)


def test_where_only_the_sum_is_known_all_loads_may_be_on_one_phase() -> None:
    seen = powers(grid_w=-6_000.0, solar_w=8_000.0)
    bound = room(WIRED, seen)
    assert bound is not None
    assert bound.power_w == pytest.approx(3 * (FUSE_W - 2_000.0))
    out = room(WIRED, replace(seen, grid_w=-2_000.0), direction=Direction.DISCHARGE)
    assert out is not None
    assert out.power_w == pytest.approx(3 * (FUSE_W - 2_000.0))


def test_an_evse_of_unknown_phases_counts_on_each_and_comes_to_rest() -> None:
    wiring = replace(WIRED, phase_maps={})
    power_w, seen_w = 0.0, []
    for _ in range(30):
        # In truth it is on L1 alone, beside 2 kW of the house.
        seen = powers((2_000.0 + power_w, 500.0, 500.0), {KEY: power_w})
        bound = room(wiring, seen)
        assert bound is not None
        power_w = bound.power_w
        seen_w.append(2_000.0 + power_w)
    assert seen_w[-1] <= FUSE_W + 1.0
    assert seen_w[-1] == pytest.approx(seen_w[-2], abs=1.0)


def test_an_evse_on_one_phase_must_not_load_it_far_beyond_the_others() -> None:
    wiring = SiteWiring(
        imbalance_limit_w=4_600.0, phase_maps={KEY: THREE, OTHER: ON_L2}
    )
    assert room(wiring, None) is None, "all phases alike"
    for direction in Direction:
        assert room(wiring, None, OTHER, direction) == Bound(
            power_w=4_600.0, reason=Reason.IMBALANCE
        )
    unknown = replace(wiring, phase_maps={})
    bound = room(unknown, None)
    assert bound is not None
    assert bound.power_w == 4_600.0
    assert room(replace(unknown, phase_count=1), None) is None


def test_a_circuit_has_its_own_limit_in_both_directions() -> None:
    circuit = Circuit(circuit_id="garage", limit_a=16.0, evses=frozenset({OTHER}))
    wiring = SiteWiring(circuits=(circuit,), phase_maps={OTHER: ON_L2})
    for direction in Direction:
        assert room(wiring, None, KEY, direction) is None
        assert room(wiring, None, OTHER, direction) == Bound(
            power_w=3_680.0, reason=Reason.CIRCUIT
        )


def test_without_a_meter_the_evses_alone_stay_inside() -> None:
    wiring = replace(WIRED, import_limit_w=9_000.0, export_limit_w=5_000.0)
    charge = room(wiring, None)
    assert charge == Bound(power_w=9_000.0, reason=Reason.IMPORT_LIMIT)
    assert room(wiring, None, direction=Direction.DISCHARGE) == Bound(
        power_w=5_000.0, reason=Reason.EXPORT_LIMIT
    )


def test_a_home_without_limits_has_none() -> None:
    assert room(SiteWiring(), powers(grid_w=20_000.0)) is None
    assert total_room_w((), Direction.CHARGE) == inf


KEYS = [EvseKey(StationId(f"CS{number}"), 1) for number in range(4)]
MAPS = st.sampled_from([PhaseMap(), THREE, ON_L2, PhaseMap(phases=(1,))])
WIRINGS = st.builds(
    SiteWiring,
    phase_count=st.sampled_from([1, 3]),
    fuse_a=st.none() | st.floats(0, 63),
    import_limit_w=st.none() | st.floats(0, 20_000),
    export_limit_w=st.none() | st.floats(0, 20_000),
    imbalance_limit_w=st.none() | st.floats(0, 5_000),
    circuits=st.lists(
        st.builds(
            Circuit,
            circuit_id=st.just("c"),
            limit_a=st.floats(0, 40),
            evses=st.frozensets(st.sampled_from(KEYS)),
        ),
        max_size=2,
    ).map(tuple),
    phase_maps=st.dictionaries(st.sampled_from(KEYS), MAPS),
)
PHASES = st.tuples(*[st.floats(-9_000, 9_000)] * 3)
FLOWS = st.dictionaries(st.sampled_from(KEYS), st.floats(-11_000, 11_000))
WISHES = st.lists(st.floats(-11_000, 11_000), min_size=4, max_size=4)


def limits_of(
    wiring: SiteWiring, phases_w: tuple[float, ...], flows: Mapping[EvseKey, float]
) -> tuple[SiteLimit, ...]:
    measured = phases_w[: wiring.phase_count]
    inputs = FuseInputs(keys=tuple(KEYS), wiring=wiring, powers=powers(measured, flows))
    return FuseGuard().step(inputs, NOW)


def committed(
    limits: tuple[SiteLimit, ...], wishes_w: Mapping[EvseKey, float]
) -> dict[EvseKey, float]:
    """Return what is handed out when everybody takes what is left, in turn."""
    rooms, given_w = Rooms(limits), {}
    for key, wish_w in wishes_w.items():
        direction = Direction.CHARGE if wish_w > 0 else Direction.DISCHARGE
        bound = rooms.bound(key, direction)
        taken_w = abs(wish_w) if bound is None else min(abs(wish_w), bound.power_w)
        rooms.take(key, direction, taken_w)
        given_w[key] = taken_w if wish_w > 0 else -taken_w
    return given_w


@given(WIRINGS, PHASES, FLOWS, WISHES)
def test_no_limit_is_exceeded_by_what_is_committed(
    wiring: SiteWiring,
    phases_w: tuple[float, ...],
    flows: Mapping[EvseKey, float],
    wishes_w: list[float],
) -> None:
    given_w = committed(
        limits_of(wiring, phases_w, flows), dict(zip(KEYS, wishes_w, strict=True))
    )
    charge_w = {key: max(0.0, w) for key, w in given_w.items()}
    give_w = {key: max(0.0, -w) for key, w in given_w.items()}
    measured = phases_w[: wiring.phase_count]
    rest_w = sum(measured) - sum(flows.values())
    if wiring.import_limit_w is not None and sum(charge_w.values()) > 1e-6:
        assert rest_w + sum(charge_w.values()) <= wiring.import_limit_w + 1e-6
    if wiring.export_limit_w is not None and sum(give_w.values()) > 1e-6:
        assert sum(give_w.values()) - rest_w <= wiring.export_limit_w + 1e-6
    if wiring.fuse_w is None:
        return
    for phase in wiring.phases:
        # What each is on this phase at most; its own part of the reading at least.
        base_w = measured[phase - 1]
        for key, flow_w in flows.items():
            if flow_w > 0:
                phase_map = wiring.phase_map(key)
                least = phase_map.least_share_of(phase, wiring.phase_count)
                base_w -= flow_w * least
        most_w = sum(
            w * wiring.phase_map(key).share_of(phase, wiring.phase_count)
            for key, w in charge_w.items()
        )
        if most_w > 1e-6:
            assert base_w + most_w <= wiring.fuse_w + 1e-6


@given(WIRINGS, PHASES, FLOWS, WISHES, st.randoms())
def test_the_order_of_the_evses_changes_no_limit(
    wiring: SiteWiring,
    phases_w: tuple[float, ...],
    flows: Mapping[EvseKey, float],
    wishes_w: list[float],
    random: Random,
) -> None:
    shuffled = dict(random.sample(list(flows.items()), len(flows)))
    wishes = dict(zip(KEYS, wishes_w, strict=True))
    one = committed(limits_of(wiring, phases_w, flows), wishes)
    other = committed(limits_of(wiring, phases_w, shuffled), wishes)
    assert one == pytest.approx(other)


@given(WIRINGS, PHASES, FLOWS, WISHES, st.floats(0, 5_000))
def test_more_load_never_leaves_more_room_to_charge(
    wiring: SiteWiring,
    phases_w: tuple[float, ...],
    flows: Mapping[EvseKey, float],
    wishes_w: list[float],
    more_w: float,
) -> None:
    fuller_w = tuple(power_w + more_w for power_w in phases_w)
    for key in KEYS:
        rooms_w = [
            bound.power_w if bound is not None else inf
            for bound in (
                Rooms(limits_of(wiring, seen_w, flows)).bound(key, Direction.CHARGE)
                for seen_w in (phases_w, fuller_w)
            )
        ]
        assert rooms_w[1] <= rooms_w[0] + 1e-6


@given(WIRINGS, PHASES, FLOWS, WISHES)
def test_what_is_left_is_what_limits_and_takers_leave(
    wiring: SiteWiring,
    phases_w: tuple[float, ...],
    flows: Mapping[EvseKey, float],
    wishes_w: list[float],
) -> None:
    """Rooms look up once what holds for all alike; this looks each time."""
    limits = limits_of(wiring, phases_w, flows)
    rooms = Rooms(limits)
    left_w = [limit.room_w for limit in limits]
    for key, wish_w in zip(KEYS, wishes_w, strict=True):
        for direction in Direction:
            assert rooms.bound(key, direction) == _left(limits, left_w, key, direction)
        direction = Direction.CHARGE if wish_w > 0 else Direction.DISCHARGE
        bound = rooms.bound(key, direction)
        most_w = inf if bound is None else bound.power_w
        assert rooms.left_w(key, direction) == most_w
        cut_by = bound if most_w < abs(wish_w) else None
        assert rooms.bound_below(key, direction, abs(wish_w)) == cut_by
        taken_w = min(abs(wish_w), most_w)
        rooms.take(key, direction, taken_w)
        for n, limit in enumerate(limits):
            if limit.direction is direction:
                left_w[n] = max(0.0, left_w[n] - _share(limit, key) * taken_w)


def _share(limit: SiteLimit, key: EvseKey) -> float:
    return 1.0 if limit.shares is None else limit.shares.get(key, 0.0)


def _left(
    limits: tuple[SiteLimit, ...],
    left_w: list[float],
    key: EvseKey,
    direction: Direction,
) -> Bound | None:
    tightest: Bound | None = None
    for limit, room_w in zip(limits, left_w, strict=True):
        share = _share(limit, key)
        if limit.direction is not direction or share <= 0:
            continue
        if tightest is None or room_w < tightest.power_w * share:
            tightest = Bound(power_w=room_w / share, reason=limit.reason)
    return tightest
