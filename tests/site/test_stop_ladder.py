"""The stop ladder, rung by rung, on a station that obeys the last one only."""

from collections.abc import Callable

import pytest

from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import EvseState
from tests.site.home import Home
from tests.site.station import SimulatedStation
from tests.site.virtual_time import in_virtual_time

NEVER = FaultCode.STATION_DOES_NOT_STOP
REST_W = 250.0


async def _disobey(home: Home, *, until: str) -> float:
    """Ignore every way to stop before the named one; return when the stop began."""
    await home.grant()
    await home.discharge()
    home.station.obey(is_obeying=False)
    if until:
        setattr(home.station, until, False)
    began_s = home.clock.monotonic()
    await home.site.stop(home.key)
    return began_s


@in_virtual_time
async def test_every_rung_comes_in_its_time() -> None:
    async with Home() as home:
        began_s = await _disobey(home, until="")
        station = home.station
        fingerprint = home.evse.fingerprint
        own_s = fingerprint.dead_time_s + 5_000.0 / fingerprint.ramp_w_per_s
        await home.until(lambda: station.closed != [], 90, "the link is closed")
        renewal = next(
            w for w in station.writes if w.at_mono_s >= began_s and w.is_renewal
        )
        rungs_s = [
            renewal.at_mono_s,
            station.ended[0],
            station.availability[0][0],
            station.resets[0],
        ]
        waits_s = [at_s - began_s for at_s in rungs_s]
        due_s = [own_s + 3.0, own_s + 8.0, own_s + 13.0, own_s + 23.0]
        # A control tick runs once a second.
        assert waits_s == pytest.approx(due_s, abs=2.0)
        assert station.closed[0] >= station.resets[0]
        assert station.availability[0][1] is False
        assert NEVER in home.evse.faults
        assert not home.evse.policy.is_discharge_allowed
        assert home.evse.proof is None

        # Nothing is written to it any more, so its own dead-man ends the flow.
        count, resets = len(station.writes), len(station.resets)
        station.connect()
        station.expires_s = home.clock.monotonic() + 20.0
        await home.until(lambda: abs(home.power_w) <= REST_W, 60, "the dead-man")
        await home.run(5)
        assert len(station.writes) == count
        assert len(station.resets) == resets, "one reset is enough"

        # The owner has looked at it: back in operation, and still no discharge.
        station.obey(is_obeying=True)
        await home.site.reset_emergency_stop(home.key)
        await home.until(lambda: station.availability[-1][1], 20, "operative")
        assert NEVER not in home.evse.faults
        assert home.evse.discharge_blocked_by is not None


@pytest.mark.parametrize(
    ("until", "is_done"),
    [
        ("ignores_end", lambda s: len(s.ended) >= 1),
        ("ignores_inoperative", lambda s: s.availability != []),
    ],
    ids=["the end of the transaction", "taken out of operation"],
)
@in_virtual_time
async def test_a_rung_that_helps_is_the_last(
    until: str, is_done: Callable[[SimulatedStation], bool]
) -> None:
    async with Home() as home:
        await _disobey(home, until=until)
        station = home.station
        await home.until(lambda: abs(home.power_w) <= REST_W, 60, "rest")
        await home.run(60)
        assert is_done(station)
        assert station.resets == []
        # The meter showed a discharge that nobody asked for: that needs its owner.
        assert home.evse.faults == (FaultCode.UNCOMMANDED_DISCHARGE,)
        assert home.evse.proof is None
        station.obey(is_obeying=True)
        await home.site.reset_emergency_stop(home.key)
        await home.until(lambda: station.is_operative, 20, "put back")


@in_virtual_time
async def test_a_charge_that_no_zero_ends_takes_the_permission_to_discharge_too() -> (
    None
):
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 10_000, 60, "a charge")
        home.station.obey(is_obeying=False)
        home.station.ignores_inoperative = False
        await home.site.stop(home.key)
        await home.until(lambda: home.station.availability != [], 60, "inoperative")
        await home.run(5)
        assert home.evse.faults == ()
        assert home.evse.proof is None
        assert not home.evse.policy.is_discharge_allowed


@in_virtual_time
async def test_an_evse_taken_out_of_operation_is_put_back_after_a_restart() -> None:
    async with Home() as home:
        await _disobey(home, until="")
        await home.until(lambda: home.station.availability != [], 60, "inoperative")
        await home.restart()
        home.station.obey(is_obeying=True)
        home.station.unplug()
        home.reconnect()
        await home.run(20)
        assert not home.station.availability[-1][1], "its latch is not acknowledged"
        await home.site.reset_emergency_stop(home.key)
        await home.until(lambda: home.station.availability[-1][1], 60, "operative")


@in_virtual_time
async def test_a_connector_that_goes_out_of_operation_stops_and_arms_nothing() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        station = home.station
        # The owner switched it off at the charger; the station lets the power run on.
        station.is_operative = False
        station.tell_status()
        await home.until(lambda: abs(home.power_w) <= REST_W, 20, "stopped")
        assert home.evse.state is EvseState.UNAVAILABLE
        assert home.evse.discharge_blocked_by is Reason.OUT_OF_OPERATION
        count = len(station.writes)
        await home.run(60)
        assert all(write.power_w == 0 for write in station.writes[count:])
        assert home.evse.available_discharge_w == 0
        assert home.evse.available_charge_w == 0

        station.is_operative = True
        station.tell_status()
        await home.discharge()
