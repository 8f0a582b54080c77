"""The listener and the virtual station, built on another library, understand each other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    MeasurementReported,
    StationDisconnected,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from custom_components.v2g_vpp.virtual.config import (
    DEFAULT_EVCC_ID,
    Fault,
    VirtualStationConfig,
)
from custom_components.v2g_vpp.virtual.plant import FAST
from custom_components.v2g_vpp.virtual.station import VirtualStation
from tests.csms.peer import EVSE1, PASSWORD, STATION, Rig, SystemClock


@pytest.fixture
async def station(rig: Rig) -> AsyncIterator[VirtualStation]:
    rig.authority.allowed = {DEFAULT_EVCC_ID}
    station = VirtualStation(
        VirtualStationConfig(
            url=rig.url,
            identity=STATION,
            password=PASSWORD,
            startup_s=0.05,
            reconnect_min_s=0.05,
            plant=FAST,
        ),
        SystemClock(),
    )
    running = asyncio.create_task(station.run())
    yield station
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.slow
async def test_plug_discharge_stop_and_return(
    rig: Rig, station: VirtualStation
) -> None:
    ready = await rig.sink.wait_for(StationReady)
    assert ready.has_floor_profile
    assert ready.capability.dialect is DischargeDialect.V21_DYNAMIC
    assert ready.capability.reports_export

    station.plug()
    started = await rig.sink.wait_for(TransactionReported)
    assert (await rig.sink.wait_for(VehicleIdentified)).evcc_id == DEFAULT_EVCC_ID
    needs = await rig.sink.wait_for(ChargingNeedsReported)
    assert needs.needs.is_bidirectional

    async def write(power_w: float) -> bool:
        result = await rig.server.write_setpoint(
            SetpointWrite(
                key=EVSE1,
                power_w=power_w,
                transaction_id=started.transaction_id,
                decided_mono_s=rig.clock.monotonic(),
            )
        )
        return result.is_accepted

    def measured_below(power_w: float):  # type: ignore[no-untyped-def]
        return lambda e: (
            e.measurement.power_w is not None and e.measurement.power_w.value < power_w
        )

    assert await write(-3000.0)
    await rig.sink.wait_for(MeasurementReported, measured_below(-2500.0))
    assert await write(-2000.0)

    # The link is lost and found: the transaction is known, the floor confirmed anew.
    rig.sink.clear()
    station.set_fault(Fault.DROP_LINK, is_on=True)
    await rig.sink.wait_for(StationDisconnected)
    assert not await write(0.0)
    rig.sink.clear()
    station.set_fault(Fault.DROP_LINK, is_on=False)
    again = await rig.sink.wait_for(StationReady)
    assert again.has_floor_profile
    assert await write(0.0)

    assert (await rig.server.clear_charging_profile(EVSE1)).is_accepted
    result = await rig.server.end_transaction(EVSE1, started.transaction_id)
    assert result.is_accepted
    await rig.sink.wait_for(
        TransactionReported, lambda event: event.phase is TransactionPhase.ENDED
    )
