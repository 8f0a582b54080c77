"""Which chargers end a power once nobody speaks to them, and which are at rest."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Proof,
    StationCapability,
)
from custom_components.v2g_vpp.domain.entity_station import PROTOCOL
from custom_components.v2g_vpp.domain.entity_watch import may_flow
from custom_components.v2g_vpp.domain.events import (
    StationBooted,
    StationConnected,
    StationReady,
)
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import StationLimits
from custom_components.v2g_vpp.domain.self_test import ProofLoss
from custom_components.v2g_vpp.site.proof_loss import lose_proof
from custom_components.v2g_vpp.site.registry import Registry

KEY = EvseKey(StationId("ENT1"), 1)


@pytest.mark.parametrize(
    ("protocol", "watchdog_s", "is_ended"),
    [
        (PROTOCOL, None, False),
        (PROTOCOL, 20.0, True),
        ("ocpp2.1", None, True),
        (None, None, True),
    ],
)
def test_without_a_self_test_its_owner_tells(
    protocol: str | None, watchdog_s: float | None, *, is_ended: bool
) -> None:
    registry = Registry()
    registry.add_station(KEY.station_id, StationLimits())
    record = registry.ensure_evse(KEY)
    station = registry.station_of(KEY)
    station.session = replace(
        station.session,
        protocol=protocol,
        capability=StationCapability(
            protocol=protocol or "",
            evse_ids=(1,),
            dialect=DischargeDialect.ENTITY,
            own_watchdog_s=watchdog_s,
        ),
    )
    assert registry.is_ended_by_silence(record) is is_ended


def _proof(guarantee: GuaranteeClass) -> Proof:
    return Proof(
        dialect=DischargeDialect.ENTITY,
        firmware="1",
        dead_man_s=20.0,
        passed_at="2026-12-01T00:00:00+00:00",
        proven_power_w=3_000.0,
        guarantee=guarantee,
    )


@pytest.mark.parametrize(
    ("loss", "is_kept"),
    [
        (ProofLoss.DOES_NOT_STOP, True),
        (ProofLoss.FIRMWARE_CHANGED, False),
        (ProofLoss.DIALECT_CHANGED, False),
    ],
)
@pytest.mark.parametrize("guarantee", GuaranteeClass)
def test_what_a_proof_knew_holds_for_the_charger_that_it_was_made_of(
    loss: ProofLoss, guarantee: GuaranteeClass, *, is_kept: bool
) -> None:
    registry = Registry()
    registry.add_station(KEY.station_id, StationLimits())
    record = registry.ensure_evse(KEY)
    record.proof = _proof(guarantee)
    lose_proof(record, loss)
    assert record.lost_guarantee is (guarantee if is_kept else None)


@pytest.mark.parametrize(
    ("firmware", "is_kept"), [("1", True), ("2", False)], ids=["same", "another"]
)
def test_what_a_lost_proof_knew_is_not_of_the_next_charger(
    firmware: str, *, is_kept: bool
) -> None:
    registry = Registry()
    registry.add_station(KEY.station_id, StationLimits())
    connect(registry, "1")
    record = registry.evses[KEY]
    record.proof = _proof(GuaranteeClass.A)
    lose_proof(record, ProofLoss.DOES_NOT_STOP)
    connect(registry, firmware)
    assert registry.is_ended_by_silence(record) is is_kept


def connect(registry: Registry, firmware: str) -> None:
    station_id = KEY.station_id
    capability = StationCapability(
        protocol=PROTOCOL, evse_ids=(1,), dialect=DischargeDialect.ENTITY
    )
    for event in (
        StationConnected(station_id=station_id, protocol=PROTOCOL),
        StationBooted(station_id=station_id, vendor="", model="", firmware=firmware),
        StationReady(
            station_id=station_id, capability=capability, has_floor_profile=True
        ),
    ):
        registry.apply(event, 0.0)


@pytest.mark.parametrize(
    ("power_w", "rests_at_w", "is_flowing"),
    [
        (None, 0.0, True),
        (0.0, 0.0, False),
        (-300.0, 0.0, True),
        (420.0, 0.0, False),
        (1_400.0, 0.0, True),
        (1_400.0, 1_380.0, False),
        (3_000.0, 1_380.0, True),
    ],
)
def test_a_rest_is_seen(
    power_w: float | None, rests_at_w: float, *, is_flowing: bool
) -> None:
    assert may_flow(power_w, 11_000.0, rests_at_w) is is_flowing
