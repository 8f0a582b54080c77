"""A clock that is behind makes every reading seem old, until an answer proves it."""

import asyncio
import json

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.virtual.link import Link
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import VirtualHome

HOUR_S = 3_600.0
BACK_S = 60.0


def _opened(home: VirtualHome) -> int:
    return home.truth.cold_opens + home.truth.hot_opens


@in_loopback_time
async def test_a_discharge_comes_back_while_the_clock_is_an_hour_behind(
    socket_enabled: None,
) -> None:
    async with VirtualHome(Protocol.OCPP_2_1) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        home.station.step_clock(-HOUR_S)
        await home.until(lambda: home.is_at_rest, 30, "rest")
        (station,) = home.site.snapshot.stations
        assert station.is_clock_behind
        await home.until(lambda: home.power_w < -4_000, BACK_S, "again")
        (station,) = home.site.snapshot.stations
        assert not station.is_clock_behind
        opened = _opened(home)
        for _ in range(30):
            await home.run(10)
            assert home.power_w < -4_000
        home.station.step_clock(HOUR_S)
        await home.until(lambda: home.power_w < -4_000, BACK_S, "set right")
        for _ in range(30):
            await home.run(10)
            assert home.power_w < -4_000
        assert _opened(home) == opened <= 1


@pytest.mark.parametrize("offset_s", [-HOUR_S, -5 * HOUR_S - 1_800.0])
@in_loopback_time
async def test_a_charger_that_writes_local_time_discharges(
    offset_s: float, socket_enabled: None
) -> None:
    async with VirtualHome(Protocol.OCPP_2_1, clock_offset_s=offset_s) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        await home.run(120)
        assert home.power_w < -4_000


@pytest.mark.parametrize("protocol", [Protocol.OCPP_2_0_1, Protocol.OCPP_1_6], ids=str)
@in_loopback_time
async def test_one_that_discharges_by_its_clock_charges(
    protocol: Protocol, socket_enabled: None
) -> None:
    dialect = DischargeDialect.NEG_LIMIT_W
    async with VirtualHome(protocol, dialect, clock_offset_s=-HOUR_S) as home:
        await home.plug()
        await home.policy(mode=Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 10_000, BACK_S, "a charge")
        for _ in range(30):
            await home.run(10)
            assert home.power_w > 10_000


@pytest.mark.parametrize("late_s", [4.0, 9.0])
@in_loopback_time
async def test_an_answer_that_was_queued_for_seconds_tells_the_clock_as_well(
    late_s: float, socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Link.send

    async def send_late(link: Link, message: str) -> None:
        frame = json.loads(message)
        is_call = frame[0] == 2 and frame[2] == "TransactionEvent"
        if is_call and frame[3]["eventType"] in ("Started", "Ended"):
            await asyncio.sleep(late_s)
        await send(link, message)

    monkeypatch.setattr(Link, "send", send_late)
    async with VirtualHome(Protocol.OCPP_2_1, clock_offset_s=-HOUR_S) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        opened = _opened(home)
        for _ in range(120):
            await home.run(5)
            assert home.power_w < -4_000
        assert _opened(home) == opened


@in_loopback_time
async def test_a_clock_ahead_that_is_set_right_interrupts_nothing(
    socket_enabled: None,
) -> None:
    async with VirtualHome(Protocol.OCPP_2_1, clock_offset_s=2 * HOUR_S) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        running = home.truth.transaction_id
        assert running is not None
        await home.server.end_transaction(home.evse.key, TransactionId(running))
        await home.until(lambda: home.is_at_rest, 30, "rest")
        await home.discharge()
        home.station.step_clock(-HOUR_S)
        for _ in range(60):
            await home.run(5)
            assert home.power_w < -4_000
