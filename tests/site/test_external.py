"""A charger that somebody else changed: left alone, unless it must not be."""

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.errors import DischargeNotPermitted, UnknownTarget
from custom_components.v2g_vpp.domain.events import FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


def change_beside(home: Home, power_w: float) -> None:
    """Change the charger as its own app would, and let the home hear of it."""
    station = home.station
    station.advance()
    station.command_w, station.expires_s = power_w, float("inf")
    home.site.yield_to_external(home.key)


def owner(home: Home) -> ControlOwner:
    return home.evse.setpoint.owner


def writes_since(home: Home, mono_s: float) -> list[float]:
    return [w.power_w for w in home.station.writes if w.at_mono_s >= mono_s]


async def entity_home(home: Home) -> None:
    home.station.dialect = DischargeDialect.ENTITY
    home.station.connect()
    await home.grant()


@pytest.mark.parametrize("power_w", [-3_000.0, 0.0, 4_000.0])
@in_virtual_time
async def test_what_somebody_else_set_is_not_fought(power_w: float) -> None:
    async with Home() as home:
        await entity_home(home)
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000, 60)
        began = home.clock.monotonic()
        change_beside(home, power_w)
        await home.run(600)
        assert writes_since(home, began) == []
        assert home.is_at(power_w)
        setpoint = home.evse.setpoint
        assert (setpoint.owner, setpoint.reason) == (
            ControlOwner.EXTERNAL,
            Reason.EXTERNAL,
        )
        assert home.evse.lease.ends_at is not None
        assert home.evse.faults == ()
        assert home.evse.available_discharge_w == home.evse.available_charge_w == 0
        assert home.order(-2_000.0).status is AckStatus.REJECTED


@in_virtual_time
async def test_it_ends_by_itself_after_an_hour() -> None:
    async with Home() as home:
        await entity_home(home)
        change_beside(home, 2_000.0)
        await home.run(3_590)
        assert owner(home) is ControlOwner.EXTERNAL
        began = home.clock.monotonic()
        await home.run(20)
        assert owner(home) is ControlOwner.MODE
        assert 0.0 in writes_since(home, began), "what they left is told anew"
        await home.run(60)
        assert home.is_at(0.0)
        assert home.evse.faults == ()


@in_virtual_time
async def test_the_owner_takes_it_back() -> None:
    async with Home() as home:
        await entity_home(home)
        change_beside(home, 4_000.0)
        await home.run(30)
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: home.is_at(0.0), 60)
        change_beside(home, 4_000.0)
        await home.run(30)
        await home.site.set_power(home.key, -2_000.0, 300)
        await home.until(lambda: home.is_at(-2_000.0), 60)
        assert owner(home) is ControlOwner.USER
        assert home.evse.faults == ()


@in_virtual_time
async def test_a_refused_power_of_the_owner_leaves_it_where_it_was() -> None:
    async with Home() as home:
        await entity_home(home)
        change_beside(home, 4_000.0)
        await home.run(30)
        await home.set_floors(100.0, 100.0)
        began = home.clock.monotonic()
        with pytest.raises(DischargeNotPermitted):
            await home.site.set_power(home.key, -2_000.0, 300)
        await home.run(30)
        assert owner(home) is ControlOwner.EXTERNAL
        assert writes_since(home, began) == []


@in_virtual_time
async def test_the_next_vehicle_is_ours() -> None:
    async with Home() as home:
        await entity_home(home)
        await home.set_mode(Mode.CHARGE_NOW)
        change_beside(home, 4_000.0)
        await home.run(30)
        home.station.unplug()
        await home.run(5)
        home.station.plug()
        await home.until(lambda: home.power_w > 8_000, 120)
        assert owner(home) is ControlOwner.MODE


@pytest.mark.parametrize("who", ["owner", "emergency", "fault"])
@in_virtual_time
async def test_a_stop_reaches_it_all_the_same(who: str) -> None:
    async with Home() as home:
        await entity_home(home)
        change_beside(home, -3_000.0)
        await home.until(lambda: home.is_at(-3_000.0), 60)
        began = home.clock.monotonic()
        if who == "owner":
            await home.site.stop(home.key)
        elif who == "emergency":
            await home.site.emergency_stop(home.key)
        else:
            fault = FaultCode.GROUND_FAULT
            home.site.post(FaultReported(key=home.key, code=fault, is_active=True))
        await home.until(lambda: abs(home.power_w) < 100, 30, "a stop")
        assert set(writes_since(home, began)) == {0.0}
        # Changed again beside the home: what is stopped stays stopped.
        if home.station.transaction_id is not None:
            change_beside(home, -3_000.0)
            await home.run(30)
            assert abs(home.power_w) < 100


@in_virtual_time
async def test_a_discharge_below_a_floor_is_ended_and_nothing_else_is_said() -> None:
    async with Home() as home:
        await entity_home(home)
        change_beside(home, -3_000.0)
        await home.until(lambda: home.is_at(-3_000.0), 60)
        began = home.clock.monotonic()
        await home.set_floors(90.0, 90.0)
        await home.until(lambda: abs(home.power_w) < 100, 30, "the floor wins")
        await home.run(60)
        assert set(writes_since(home, began)) == {0.0}
        assert owner(home) is ControlOwner.EXTERNAL
        assert home.evse.faults == (), "it was not the charger that did it"
        # Whoever tries again is stopped again.
        change_beside(home, -3_000.0)
        await home.run(40)
        assert abs(home.power_w) < 100
        # Charging is nobody's business but theirs.
        began = home.clock.monotonic()
        change_beside(home, 3_000.0)
        await home.run(60)
        assert writes_since(home, began) == []
        assert home.is_at(3_000.0)


@in_virtual_time
async def test_a_discharge_without_permission_is_ended() -> None:
    async with Home() as home:
        await entity_home(home)
        await home.allow(home.key, is_allowed=False)
        change_beside(home, -3_000.0)
        await home.run(40)
        assert abs(home.power_w) < 100
        assert home.evse.faults == ()


@in_virtual_time
async def test_a_self_test_is_interrupted_by_it() -> None:
    async with Home() as home:
        await entity_home(home)
        await home.site.start_self_test(home.key)
        await home.until(
            lambda: home.evse.self_test.phase is SelfTestPhase.WITHHOLDING, 200
        )
        change_beside(home, 1_500.0)
        await home.run(5)
        assert home.evse.self_test.failure == "interrupted"
        assert home.evse.proof is not None
        assert owner(home) is ControlOwner.EXTERNAL


@in_virtual_time
async def test_a_charger_that_is_not_of_the_home_is_told_so() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            home.site.yield_to_external(EvseKey(StationId("other"), 1))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["power", "mode", "floor", "order", "claim"]),
            st.floats(-6_000, 6_000),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_under_external_nothing_but_what_makes_it_safer_is_written(
    steps: list[tuple[str, float]],
) -> None:
    @in_virtual_time
    async def play() -> None:
        async with Home() as home:
            await entity_home(home)
            change_beside(home, 0.0)
            began = home.clock.monotonic()
            for kind, value in steps:
                match kind:
                    case "power":
                        change_beside(home, value)
                    case "mode":
                        modes = list(Mode)
                        await home.set_mode(modes[int(abs(value)) % len(modes)])
                    case "floor":
                        percent = abs(value) / 60.0
                        await home.set_floors(percent, percent)
                    case "order":
                        home.order(value)
                    case _:
                        home.site.acquire_control(home.key, "x", value, 60.0)
                await home.run(20)
            assert owner(home) is ControlOwner.EXTERNAL
            assert set(writes_since(home, began)) <= {0.0}
            if home.power_w < -300 and home.evse.vehicle_id is not None:
                policy = home.vehicle.policy
                assert home.station.soc_percent > policy.reserve_percent - 1.0

    play()
