"""What must survive a restart, and what happens when it cannot be read."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.errors import StoreNewer, V2gError
from custom_components.v2g_vpp.domain.events import ChargingNeedsReported, FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import PROGRAMME, VEHICLE, Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


async def stays_latched(home: Home, reason: Reason) -> None:
    """Show that nothing discharges, whoever asks."""
    began = home.clock.monotonic()
    home.reconnect()
    await home.run(20)
    assert home.evse.discharge_blocked_by is reason
    assert home.order(-5_000).status is AckStatus.REJECTED
    with pytest.raises(V2gError):
        await home.site.set_power(home.key, -5_000, 60)
    await home.run(20)
    assert home.station.lowest_since(began) >= -ZERO_W


async def recovers(home: Home) -> None:
    """Show that the owner's reset ends it, with a new proof where none was kept."""
    await home.site.reset_emergency_stop(home.key)
    assert home.site.snapshot.is_store_readable
    if home.evse.vehicle_id is None:
        # Who is plugged was lost as well.
        home.station.unplug()
        home.station.plug()
        await home.run(5)
    if home.evse.proof is None:
        await home.grant()
    await home.discharge()


@in_virtual_time
async def test_what_the_vehicle_said_of_itself_survives_a_restart() -> None:
    async with Home() as home:
        leaves_at = home.clock.utcnow() + timedelta(hours=9)
        needs = replace(home.station.needs, departure_at=leaves_at)
        home.site.post(
            ChargingNeedsReported(
                key=home.key, needs=needs, heard_mono_s=home.clock.monotonic()
            )
        )
        await home.run(120)
        await home.restart()
        assert home.evse.needs == needs


@in_virtual_time
async def test_an_unreadable_store_is_latched_until_the_owner_resets() -> None:
    async with Home() as home:
        await home.grant()
        home.store.is_unreadable = True
        await home.restart()
        assert not home.site.snapshot.is_store_readable
        await stays_latched(home, Reason.STORE_UNREADABLE)
        await home.run(60)
        # Saved meanwhile, so the next start can read it, and it is latched still.
        assert not home.store.is_unreadable
        await home.restart()
        assert not home.site.snapshot.is_store_readable
        await stays_latched(home, Reason.STORE_UNREADABLE)
        await recovers(home)
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert home.site.snapshot.is_store_readable
        await home.discharge()


def of_no_version(document: dict[str, Any]) -> None:
    document["version"] = "old"


def without_a_part(document: dict[str, Any]) -> None:
    del document["evses"]


def with_a_wrong_part(document: dict[str, Any]) -> None:
    document["vehicles"] = ["nonsense"]


@pytest.mark.parametrize("change", [of_no_version, without_a_part, with_a_wrong_part])
@in_virtual_time
async def test_a_document_of_another_shape_is_set_aside_whole(
    change: Callable[[dict[str, Any]], None],
) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(change)
        before = home.store.document
        await home.restart()
        await stays_latched(home, Reason.STORE_UNREADABLE)
        await home.run(60)
        await home.restart()
        await stays_latched(home, Reason.STORE_UNREADABLE)
        assert home.store.document["rejected"] == before
        await recovers(home)
        assert home.store.document["rejected"] == before


@in_virtual_time
async def test_a_document_of_a_newer_version_is_refused_and_not_written_over() -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(lambda document: document.update(version=2))
        before = home.store.text
        with pytest.raises(StoreNewer):
            await home.restart()
        await asyncio.sleep(120)
        assert home.store.text == before
        assert home.station.power_w == 0
        home.store.edit(lambda document: document.update(version=1))
        await home.restart()
        assert home.site.snapshot.is_store_readable


def wrong_mode(evse: dict[str, Any]) -> None:
    evse["policy"]["mode"] = "warp"


def no_latch(evse: dict[str, Any]) -> None:
    del evse["is_emergency_stopped"]


def power_as_text(evse: dict[str, Any]) -> None:
    evse["policy"]["max_discharge_power_w"] = "a lot"


def power_missing(evse: dict[str, Any]) -> None:
    evse["policy"]["ramp_w_per_s"] = None


def permission_as_text(evse: dict[str, Any]) -> None:
    evse["policy"]["is_discharge_allowed"] = "false"


def latch_as_text(evse: dict[str, Any]) -> None:
    evse["is_emergency_stopped"] = "no"


def fingerprint_as_list(evse: dict[str, Any]) -> None:
    evse["fingerprint"] = [1, 2]


def unknown_fault(evse: dict[str, Any]) -> None:
    evse["faults"] = ["E-999"]


def broken_proof(evse: dict[str, Any]) -> None:
    evse["proof"]["dead_man_s"] = None


@pytest.mark.parametrize(
    "change",
    [
        wrong_mode,
        no_latch,
        power_as_text,
        power_missing,
        permission_as_text,
        latch_as_text,
        fingerprint_as_list,
        unknown_fault,
        broken_proof,
    ],
)
@in_virtual_time
async def test_a_broken_part_latches_its_evse_and_is_kept(
    change: Callable[[dict[str, Any]], None],
) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        key = str(home.key)
        home.store.edit(lambda document: change(document["evses"][key]))
        broken = home.store.document["evses"][key]
        await home.restart()
        assert FaultCode.STORE_UNREADABLE in home.evse.faults
        await stays_latched(home, Reason.FAULT)
        await home.run(60)
        await home.restart()
        assert FaultCode.STORE_UNREADABLE in home.evse.faults
        await stays_latched(home, Reason.FAULT)
        assert home.store.document["rejected_parts"]["evses"][key] == broken
        await recovers(home)


@in_virtual_time
async def test_an_evse_part_that_is_no_mapping_latches_too() -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(lambda d: d["evses"].update({str(home.key): 5}))
        await home.restart()
        await stays_latched(home, Reason.FAULT)
        await recovers(home)


@in_virtual_time
async def test_a_broken_count_of_wear_is_set_aside_and_begins_anew() -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(
            lambda d: d["vehicles"][VEHICLE]["wear"].update(discharged_wh=-1.0)
        )
        broken = home.store.document["vehicles"][VEHICLE]
        await home.restart()
        await stays_latched(home, Reason.VEHICLE_NOT_ALLOWED)
        await home.run(60)
        assert home.store.document["rejected_parts"]["vehicles"][VEHICLE] == broken
        assert home.store.document["vehicles"][VEHICLE]["wear"]["discharged_wh"] == 0.0


@pytest.mark.parametrize("value", [None, "much", True, {}])
@in_virtual_time
async def test_a_broken_vehicle_may_not_discharge_until_the_owner_says_so(
    value: Any,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(
            lambda d: d["vehicles"][VEHICLE]["policy"].update(reserve_percent=value)
        )
        broken = home.store.document["vehicles"][VEHICLE]
        await home.restart()
        await stays_latched(home, Reason.VEHICLE_NOT_ALLOWED)
        await home.run(60)
        assert home.store.document["rejected_parts"]["vehicles"][VEHICLE] == broken
        await home.site.set_vehicle_policy(VEHICLE, lambda _: home.initial)
        await home.discharge()


@in_virtual_time
async def test_a_broken_programme_is_not_joined_until_the_owner_says_so() -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(
            lambda d: d["programmes"][PROGRAMME].update(is_participating="yes")
        )
        await home.restart()
        home.reconnect()
        await home.run(10)
        assert home.order(-5_000).status is AckStatus.REJECTED
        await home.site.set_participation(PROGRAMME, is_participating=True)
        await home.discharge()


@in_virtual_time
async def test_a_field_that_an_older_version_did_not_write_has_its_default() -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(
            lambda d: d["evses"][str(home.key)]["policy"].pop("ramp_w_per_s")
        )
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.policy.ramp_w_per_s == 5_000
        await home.discharge()


@pytest.mark.parametrize(
    ("dialect", "guarantee"),
    [
        (DischargeDialect.V21_DYNAMIC, GuaranteeClass.A),
        (DischargeDialect.ENTITY, GuaranteeClass.B),
    ],
)
@in_virtual_time
async def test_a_proof_of_before_there_were_classes_is_one_of_its_dialect(
    dialect: DischargeDialect, guarantee: GuaranteeClass
) -> None:
    async with Home() as home:
        home.station.dialect = dialect
        home.station.connect()
        await home.grant()
        await home.crash()

        def make_older(document: dict[str, Any]) -> None:
            proof = document["evses"][str(home.key)]["proof"]
            del proof["guarantee"], proof["validity_s"]

        home.store.edit(make_older)
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.proof is not None
        assert home.evse.proof.guarantee is guarantee


@in_virtual_time
async def test_only_latched_faults_are_remembered() -> None:
    async with Home() as home:
        await home.grant()
        for code in (FaultCode.OCPP_MSG_TIMEOUT, FaultCode.GROUND_FAULT):
            home.site.post(FaultReported(key=home.key, code=code, is_active=True))
        await home.run(1)
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.faults == (FaultCode.GROUND_FAULT,)
        await recovers(home)


@in_virtual_time
async def test_a_transaction_that_the_store_did_not_know_begins_with_0_w() -> None:
    async with Home() as home:
        await home.until(lambda: home.power_w > 10_000, 30)
        await home.crash()
        home.store.text = None
        count = len(home.station.writes)
        await home.restart()
        home.reconnect()
        await home.run(10)
        powers = [w.power_w for w in home.station.writes[count:]]
        assert powers[0] == 0
        assert max(powers) > 10_000


@in_virtual_time
async def test_what_left_the_home_is_forgotten_and_what_is_only_closed_is_kept() -> (
    None
):
    async with Home() as home:
        await home.grant()
        home.site.remove_programme(PROGRAMME, is_removed=False)
        await home.site.emergency_stop(home.key)
        assert PROGRAMME in home.store.document["programmes"]
        home.site.add_programme(PROGRAMME, home.programme)
        home.site.remove_programme(PROGRAMME, is_removed=True)
        home.site.remove_vehicle(VEHICLE)
        await home.site.emergency_stop(None)
        assert home.store.document["programmes"] == {}
        assert home.store.document["vehicles"] == {}
        home.site.remove_station(home.key.station_id)
        await home.run(2)
        await home.site.emergency_stop(None)
        assert home.store.document["evses"] == {}
        assert home.site.snapshot.evses == ()
        # Added again it is new: no proof, no permission.
        home.site.add_station(home.key.station_id, home.limits)
        home.reconnect()
        await home.run(2)
        assert not home.evse.policy.is_discharge_allowed
        assert home.evse.proof is None
        assert not home.evse.is_emergency_stopped
