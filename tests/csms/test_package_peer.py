"""A station on the `ocpp` package as shipped and the listener understand each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from tests.csms.package_station import STATIONS, PackageSocket
from tests.csms.peer import EVSE1, STATION, Rig, basic

SERVED = [version.protocol for version in SERVED_VERSIONS]


@pytest.fixture(params=SERVED)
async def station(rig: Rig, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            rig.url + STATION, protocols=(request.param,), headers=basic()
        ) as socket,
    ):
        assert socket.protocol == request.param
        station = STATIONS[request.param](STATION, PackageSocket(socket), 5)
        reading = asyncio.create_task(station.start())
        yield station
        reading.cancel()
        with suppress(asyncio.CancelledError, TypeError):
            await reading
        await asyncio.gather(*getattr(station, "later", ()), return_exceptions=True)


async def test_a_session_from_boot_to_the_end(rig: Rig, station: Any) -> None:
    answer = await station.boot()
    assert answer.status == "Accepted"
    assert answer.interval >= 60
    await rig.sink.wait_for(StationReady)

    transaction_id = await station.plug()
    started = await rig.sink.wait_for(TransactionReported)
    assert started.transaction_id == transaction_id
    await station.measure()
    told = await rig.sink.wait_for(
        MeasurementReported, lambda event: event.measurement.power_w is not None
    )
    assert told.key == EVSE1
    assert told.measurement.power_w is not None
    assert told.measurement.power_w.value == -5021.4
    assert told.measurement.soc_percent is not None
    assert told.measurement.soc_percent.value == 61.5

    written = len(station.of("SetChargingProfile"))
    result = await rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=3000.0,
            transaction_id=started.transaction_id,
            decided_mono_s=rig.clock.monotonic(),
        )
    )
    assert result.is_accepted
    assert len(station.of("SetChargingProfile")) == written + 1

    assert (await rig.server.end_transaction(EVSE1, started.transaction_id)).is_accepted
    await station.finish()
    ended = await rig.sink.wait_for(
        TransactionReported, lambda event: event.phase is TransactionPhase.ENDED
    )
    assert ended.transaction_id == transaction_id


async def test_a_discharge_is_never_sent_to_a_station_that_proves_no_dialect(
    rig: Rig, station: Any
) -> None:
    await station.boot()
    await rig.sink.wait_for(StationReady)
    await station.plug()
    started = await rig.sink.wait_for(TransactionReported)
    written = len(station.of("SetChargingProfile"))
    result = await rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=-3000.0,
            transaction_id=started.transaction_id,
            decided_mono_s=rig.clock.monotonic(),
        )
    )
    assert not result.is_accepted
    assert len(station.of("SetChargingProfile")) == written
