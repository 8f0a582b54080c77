"""What must hold for every discharge write, whatever a test is about."""

from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.setpoint import (
    MAX_WRITE_AGE_S,
    ControlOwner,
    SetpointWrite,
)
from custom_components.v2g_vpp.site import Site


def broken_laws(site: Site, write: SetpointWrite, now_mono_s: float) -> list[str]:
    """Return the laws that a write breaks as it leaves; only discharge can break any.

    Everything is looked up again in the records, on a way of its own.
    """
    if write.power_w >= 0:
        return []
    registry = site._registry
    record = registry.evses[write.key]
    session, station = record.session, registry.station_of(write.key).session
    vehicle = registry.vehicle_at(record)
    soc = session.measurement.soc_percent
    proof, capability = record.proof, station.capability
    is_permitted = (
        record.policy.is_discharge_allowed
        and proof is not None
        and capability is not None
        and proof.firmware == station.firmware
        and proof.dialect is capability.dialect
    )
    lost = [
        programme
        for programme in registry.programmes.values()
        if programme.watchdog.state is LinkState.FAILSAFE
        and write.key in programme.lost
    ]
    is_by_hand = record.setpoint.owner in {ControlOwner.USER, ControlOwner.SELF_TEST}
    is_for_another = record.setpoint.owner is ControlOwner.VPP and any(
        programme.order_for(write.key) is not None
        for programme in registry.programmes.values()
        if programme not in lost
    )
    laws = {
        "a link that was not lost": not lost or is_by_hand or is_for_another,
        "permission and proof": is_permitted or record.self_test is not None,
        "a vehicle that may": vehicle is not None
        and vehicle.policy.is_discharge_allowed,
        "charge above the reserve": vehicle is not None
        and soc is not None
        and soc.value > vehicle.policy.reserve_percent,
        "a released emergency stop": not session.is_emergency_stopped,
        "health": not session.faults,
        "a young tick": 0 <= now_mono_s - write.decided_mono_s <= MAX_WRITE_AGE_S,
        "its transaction": write.transaction_id is not None
        and write.transaction_id == session.transaction_id,
        "a plug": session.is_plugged,
        "a floor profile": station.has_floor_profile,
        "a ready station": station.is_ready and station.is_connected,
        "a trusted store": site._keeper.is_trusted,
    }
    return [
        f"{write.power_w:.0f} W without {name}"
        for name, holds in laws.items()
        if not holds
    ]
