"""Every call reaches the port of its station, and no other."""

from collections.abc import Sized

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.requests import Unlock
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite, WriteStatus
from custom_components.v2g_vpp.site.station_router import StationRouter
from tests.fakes import FakeClock
from tests.site.router import Router
from tests.site.station import SimulatedStation
from tests.site.station_words import Answer

TX = TransactionId("none")


def _station(name: str) -> SimulatedStation:
    station = SimulatedStation(
        clock=FakeClock(),
        post=lambda _: None,
        key=EvseKey(StationId(name), 1),
        answer_s=0.0,
        start_answer=Answer.REJECT,
    )
    station.is_connected = True
    return station


def _write(station: SimulatedStation) -> SetpointWrite:
    return SetpointWrite(
        key=station.key, power_w=0.0, transaction_id=None, decided_mono_s=100.0
    )


async def _call_all(router: StationRouter, station: SimulatedStation) -> set[str]:
    """Ask for everything at one station and return how it was answered."""
    key = station.key
    results = [
        await router.write_setpoint(_write(station)),
        await router.end_transaction(key, TX),
        await router.start_transaction(key),
        await router.allow_energy_transfer(key, TX, may_discharge=True),
        await router.clear_charging_profile(key),
        await router.change_availability(key, is_operative=True),
        await router.reset(key),
        (await router.ask(key.station_id, Unlock(evse_id=1, connector_id=1))).result,
    ]
    await router.read_schedule(key)
    await router.close_link(key.station_id)
    return {result.status for result in results}


def _heard(station: SimulatedStation) -> int:
    heard: tuple[Sized, ...] = (
        station.writes,
        station.ended,
        station.started,
        station.allowed,
        station.availability,
        station.resets,
        station.requests,
        station.asked,
        station.closed,
    )
    return sum(len(one) for one in heard)


async def test_without_a_port_every_station_is_offline() -> None:
    router, station = StationRouter(), _station("CS1")
    assert await _call_all(router, station) == {WriteStatus.OFFLINE}
    assert await router.read_schedule(station.key) is None
    assert router.visitor(station.key.station_id) is None
    router.admit_provisionally(station.key.station_id, "secret", 1.0)
    router.end_provisional(station.key.station_id)


async def test_a_station_with_a_port_of_its_own_is_reached_by_it_alone() -> None:
    router, common, own = StationRouter(), _station("CS1"), _station("CS2")
    router.use(Router([common], lambda _: None))
    forget = router.use_for(own.key.station_id, Router([own], lambda _: None))
    assert WriteStatus.OFFLINE not in await _call_all(router, own)
    assert (_heard(common), _heard(own)) == (0, 9)
    assert WriteStatus.OFFLINE not in await _call_all(router, common)
    assert (_heard(common), _heard(own)) == (9, 9)
    forget()
    with pytest.raises(RuntimeError):
        # The common port knows nothing of it.
        await router.reset(own.key)


@given(st.lists(st.booleans(), max_size=12))
async def test_an_older_port_takes_no_newer_one_away(is_told: list[bool]) -> None:
    router, station = StationRouter(), _station("CS1")
    forgets = []
    is_there = False
    for is_new in is_told:
        if is_new:
            port = Router([station], lambda _: None)
            forgets.append(router.use_for(station.key.station_id, port))
            is_there = True
        elif forgets:
            forgets.pop(0)()
            is_there = is_there and bool(forgets)
        answer = await router.change_availability(station.key, is_operative=True)
        assert (answer.status is not WriteStatus.OFFLINE) == is_there
