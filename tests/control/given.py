"""An EVSE at which everything allows discharge; each test breaks what it is about."""

from dataclasses import replace
from datetime import UTC, datetime

from custom_components.v2g_vpp.control.inputs import EvseInputs
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    EvCapability,
    Fingerprint,
    Proof,
    StationCapability,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.ids import (
    EvseKey,
    ProgrammeId,
    StationId,
    TransactionId,
    VehicleId,
)
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.policy import (
    EvsePolicy,
    Mode,
    Override,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.session import EvseSession
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from custom_components.v2g_vpp.domain.station_session import StationSession

NOW = 1_000.0
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
KEY = EvseKey(StationId("CS1"), 1)

LEARNT = Fingerprint(dead_time_s=4.0, ramp_w_per_s=3300.0, is_learnt=True)

VEHICLE = VehicleSpec(vehicle_id=VehicleId("ev"), name="EV", capacity_wh=60_000.0)
VEHICLE_POLICY = VehiclePolicy(
    reserve_percent=30.0, vpp_reserve_percent=50.0, is_discharge_allowed=True
)
CAPABILITY = StationCapability(
    protocol="ocpp2.1",
    evse_ids=(1,),
    dialect=DischargeDialect.V21_DYNAMIC,
    max_charge_power_w=11_000.0,
    max_discharge_power_w=11_000.0,
)
NEEDS = EvCapability(
    is_bidirectional=True, max_charge_power_w=11_000.0, max_discharge_power_w=11_000.0
)
PROOF = Proof(
    dialect=DischargeDialect.V21_DYNAMIC,
    firmware="1.0",
    dead_man_s=24.0,
    passed_at="2026-01-01T00:00:00+00:00",
    proven_power_w=1_800.0,
)
ENTITY = StationCapability(
    protocol="entity",
    evse_ids=(1,),
    dialect=DischargeDialect.ENTITY,
    max_charge_power_w=11_000.0,
    max_discharge_power_w=11_000.0,
)
"""A charger that is known through entities, and of which nobody knows a watchdog."""

PROOF_A = Proof(
    dialect=DischargeDialect.ENTITY,
    firmware="1.0",
    dead_man_s=36.0,
    passed_at="2026-01-01T00:00:00+00:00",
    proven_power_w=1_800.0,
    validity_s=30.0,
)
PROOF_B = Proof(
    dialect=DischargeDialect.ENTITY,
    firmware="1.0",
    dead_man_s=70.0,
    passed_at="2026-01-01T00:00:00+00:00",
    proven_power_w=1_800.0,
    guarantee=GuaranteeClass.B,
)
POLICY = EvsePolicy(mode=Mode.CHARGE_NOW, is_discharge_allowed=True)
STATION = StationSession(
    station_id=KEY.station_id,
    is_connected=True,
    protocol="ocpp2.1",
    firmware="1.0",
    capability=CAPABILITY,
    has_floor_profile=True,
    is_ready=True,
)


def reading(value: float, mono_s: float = NOW) -> Reading:
    """Return a reading that reached us at ``mono_s``."""
    return Reading(value=value, received_mono_s=mono_s, taken_at=AT)


def measured(
    power_w: float = 0.0, soc_percent: float = 70.0, mono_s: float = NOW
) -> Measurement:
    """Return what meter and vehicle said at ``mono_s``."""
    return Measurement(
        power_w=reading(power_w, mono_s), soc_percent=reading(soc_percent, mono_s)
    )


SESSION = EvseSession(
    key=KEY,
    status=ConnectorStatus.OCCUPIED,
    is_plugged=True,
    transaction_id=TransactionId("tx"),
    needs=NEEDS,
    measurement=measured(),
)

READY = EvseInputs(
    session=SESSION,
    station=STATION,
    limits=StationLimits(),
    policy=POLICY,
    vehicle=VEHICLE,
    vehicle_policy=VEHICLE_POLICY,
    fingerprint=LEARNT,
    proof=PROOF,
    override=None,
    order=None,
    self_test_w=None,
    is_first_write_pending=False,
)
"""Plugged, proven, allowed, at 70 %; charging is what its mode wants."""


def order(
    power_w: float,
    *,
    kind: CommandKind = CommandKind.SETPOINT,
    resource: EvseKey | None = KEY,
    start_mono_s: float = NOW - 1.0,
    ends_mono_s: float = NOW + 3_600.0,
    order_id: str = "order",
) -> DispatchOrder:
    """Return an order that runs at ``NOW``."""
    return DispatchOrder(
        order_id=order_id,
        programme_id=ProgrammeId("programme"),
        kind=kind,
        resource=resource,
        power_w=power_w,
        start_at=AT,
        end_at=AT,
        start_mono_s=start_mono_s,
        ends_mono_s=ends_mono_s,
    )


def override(power_w: float, *, ends_mono_s: float = NOW + 3_600.0) -> Override:
    """Return what the user asked for by hand."""
    return Override(key=KEY, power_w=power_w, ends_mono_s=ends_mono_s)


def at(evse: EvseInputs, mono_s: float, power_w: float, soc: float) -> EvseInputs:
    """Return the EVSE with readings of ``mono_s``."""
    session = replace(evse.session, measurement=measured(power_w, soc, mono_s))
    return replace(evse, session=session)


def with_session(evse: EvseInputs, **changes: object) -> EvseInputs:
    """Return the EVSE with fields of its session changed."""
    return replace(evse, session=replace(evse.session, **changes))  # type: ignore[arg-type]  # any field


def with_station(evse: EvseInputs, **changes: object) -> EvseInputs:
    """Return the EVSE with fields of its station changed."""
    return replace(evse, station=replace(evse.station, **changes))  # type: ignore[arg-type]  # any field


def with_policy(evse: EvseInputs, **changes: object) -> EvseInputs:
    """Return the EVSE with knobs of its owner changed."""
    return replace(evse, policy=replace(evse.policy, **changes))  # type: ignore[arg-type]  # any field


def with_vehicle_policy(evse: EvseInputs, **changes: object) -> EvseInputs:
    """Return inputs with other wishes of the owner for the vehicle."""
    assert evse.vehicle_policy is not None
    policy = replace(evse.vehicle_policy, **changes)  # type: ignore[arg-type]
    return replace(evse, vehicle_policy=policy)


def with_key(evse: EvseInputs, key: EvseKey) -> EvseInputs:
    """Return the same EVSE under another key."""
    return replace(
        evse,
        session=replace(evse.session, key=key),
        station=replace(evse.station, station_id=key.station_id),
    )
