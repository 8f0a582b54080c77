"""Why a proof of discharge is gone is kept until there is one again."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.errors import UnknownTarget
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.self_test import LOSS_OF_FAULT, ProofLoss
from custom_components.v2g_vpp.site.flow_desk import GUARD_FAULTS, SCHEDULE_FAULTS
from custom_components.v2g_vpp.site.stop_desk import latch
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


async def dial_in_anew(home: Home, **change: Any) -> None:
    """Let the station come back as another one."""
    home.station.disconnect()
    for name, value in change.items():
        setattr(home.station, name, value)
    await home.run(5)
    home.station.connect()
    await home.run(5)


@pytest.mark.parametrize(
    ("change", "loss"),
    [
        ({"firmware": "2.0"}, ProofLoss.FIRMWARE_CHANGED),
        ({"dialect": DischargeDialect.V21_SCHEDULE}, ProofLoss.DIALECT_CHANGED),
    ],
    ids=["firmware", "dialect"],
)
@in_virtual_time
async def test_a_lost_proof_is_told_until_a_new_self_test_passes(
    change: dict[str, Any], loss: ProofLoss
) -> None:
    async with Home() as home:
        await home.grant()
        assert home.evse.lost_proof is None
        await dial_in_anew(home, **change)
        assert home.evse.proof is None
        assert home.evse.lost_proof is loss

        await home.restart()
        assert home.evse.lost_proof is loss, "at once, before any station is there"
        home.reconnect()
        await home.run(20)
        assert home.evse.lost_proof is loss

        await home.prove()
        assert home.evse.proof is not None
        assert home.evse.lost_proof is None
        await home.restart()
        assert home.evse.lost_proof is None


@in_virtual_time
async def test_what_was_never_proven_is_not_lost() -> None:
    async with Home() as home:
        await dial_in_anew(home, firmware="2.0")
        assert home.evse.proof is None
        assert home.evse.lost_proof is None


@in_virtual_time
async def test_the_owner_may_leave_it_so_and_is_told_of_the_next_loss() -> None:
    async with Home() as home:
        await home.grant()
        await dial_in_anew(home, firmware="2.0")
        await home.site.acknowledge_lost_proof(home.key)
        assert home.evse.lost_proof is None
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert home.evse.lost_proof is None
        assert home.evse.proof is None
        assert not home.evse.policy.is_discharge_allowed

        await home.grant()
        await dial_in_anew(home, firmware="3.0")
        assert home.evse.lost_proof is ProofLoss.FIRMWARE_CHANGED
        with pytest.raises(UnknownTarget):
            await home.site.acknowledge_lost_proof(EvseKey(StationId("no"), 1))


@pytest.mark.parametrize("code", sorted(LOSS_OF_FAULT))
@in_virtual_time
async def test_each_fault_that_is_found_here_takes_the_proof_and_says_so(
    code: FaultCode,
) -> None:
    async with Home() as home:
        await home.grant()
        record = home.site._registry.evses[home.key]
        latch(record, code)
        await home.run(2)
        assert record.proof is None
        assert not home.evse.policy.is_discharge_allowed
        assert home.evse.lost_proof is LOSS_OF_FAULT[code]
        # The first cause stays: with the second there was nothing left to lose.
        latch(record, FaultCode.CONTACTOR_WELDED)
        await home.run(2)
        assert home.evse.lost_proof is LOSS_OF_FAULT[code]


def test_every_fault_that_is_latched_here_has_its_loss() -> None:
    assert {*GUARD_FAULTS.values(), *SCHEDULE_FAULTS.values()} <= LOSS_OF_FAULT.keys()


@pytest.mark.parametrize("is_proven", [True, False])
@in_virtual_time
async def test_a_proof_that_cannot_be_read_is_a_lost_one(*, is_proven: bool) -> None:
    async with Home() as home:
        if is_proven:
            await home.grant()
        await home.run(60)
        await home.crash()

        def spoil(document: dict[str, Any]) -> None:
            document["evses"][str(home.key)]["faults"] = ["E-999"]

        home.store.edit(spoil)
        await home.restart()
        lost = ProofLoss.STORE_UNREADABLE if is_proven else None
        assert home.evse.lost_proof is lost
