"""A meter that falls silent tells no monitor either."""

from custom_components.v2g_vpp.virtual.config import Fault
from tests.virtual.conftest import Rig
from tests.virtual.scripted_csms import settle

from .test_wire import POWER, events_of, set_one, told, wanted


async def test_mute_meter_tells_no_monitor_either(rig: Rig) -> None:
    await rig.start()
    await rig.plug()
    number = await set_one(rig, wanted(POWER, "Periodic", 5))
    await rig.clock.advance(6)
    await told(rig, number, 1)
    rig.station.set_fault(Fault.MUTE_METER, is_on=True)
    count = len(events_of(rig, number))
    for _ in range(4):
        await rig.clock.advance(6)
        await settle()
    assert len(events_of(rig, number)) == count
    rig.station.set_fault(Fault.MUTE_METER, is_on=False)
    await rig.clock.advance(6)
    await told(rig, number, count + 1)
