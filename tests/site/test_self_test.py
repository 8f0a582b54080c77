"""The supervised proof through the site, for each way to say a discharge."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    promised_end_s,
)
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.virtual.plant import SLOW
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

OVER = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}


async def _finish(home: Home) -> None:
    await home.until(lambda: home.evse.self_test.phase in OVER, 500, "the self-test")


@pytest.mark.parametrize(
    "dialect",
    [dialect for dialect in DischargeDialect if dialect is not DischargeDialect.NONE],
)
@in_virtual_time
async def test_each_dialect_is_proven_with_its_own_dead_man(
    dialect: DischargeDialect,
) -> None:
    async with Home() as home:
        home.station.dialect = dialect
        home.station.connect()
        await home.run(10)
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.phase is SelfTestPhase.PASSED
        proof, fingerprint = home.evse.proof, home.evse.fingerprint
        assert proof is not None
        assert (proof.dialect, proof.firmware) == (dialect, home.station.firmware)
        timing = DIALECT_TIMING[dialect]
        promise_s = promised_end_s(
            timing,
            fingerprint.dead_time_s,
            proof.proven_power_w,
            fingerprint.ramp_w_per_s,
        )
        assert timing.validity_s <= proof.dead_man_s <= promise_s + 2.0
        assert not home.evse.policy.is_discharge_allowed, "the owner allows it"
        await home.allow(home.key)
        await home.discharge()


@in_virtual_time
async def test_a_slow_charger_that_has_just_begun_to_charge_is_proven() -> None:
    async with Home(plants=[SLOW]) as home:
        # At once: the plug told it to charge seven seconds before it does.
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.failure is None
        assert home.evse.proof is not None


@in_virtual_time
async def test_without_a_transaction_the_self_test_starts_one() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        await home.run(10)
        station = home.station
        assert station.transaction_id is not None
        # The vehicle stays plugged in, and what it said of itself is still known.
        await station.end_transaction(station.transaction_id)
        await home.run(30)
        assert station.transaction_id is None
        await home.site.start_self_test(home.key)
        await home.until(lambda: station.started != [], 5, "a start")
        await _finish(home)
        assert home.evse.self_test.failure is None
        assert home.evse.proof is not None


@in_virtual_time
async def test_a_charger_that_starts_nothing_is_not_proven() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        await home.run(10)
        station = home.station
        assert station.transaction_id is not None
        await station.end_transaction(station.transaction_id)
        await home.run(5)
        station.start_answer = Answer.REJECT
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.failure == "no_transaction"
        assert home.evse.proof is None
        assert all(write.power_w >= 0 for write in station.writes)


@in_virtual_time
async def test_a_schedule_that_disagrees_fails_the_self_test() -> None:
    async with Home() as home:
        await home.run(10)
        home.station.plans = -1.0
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.failure is not None
        assert home.evse.proof is None
        home.station.plans = None
        await home.run(30)
        await home.site.reset_emergency_stop(home.key)
        home.station.plug()
        await home.run(30)
        if home.station.transaction_id is None:
            await home.station.start_transaction()
            await home.run(20)
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.failure is None, "refused is no lie"
        assert home.evse.proof is not None


@in_virtual_time
async def test_a_charger_that_gives_no_less_is_tested_with_more() -> None:
    async with Home() as home:
        home.station.connect()
        await home.run(10)
        told = home.evse.needs
        assert told is not None
        needs = replace(told, min_discharge_power_w=4_140.0)
        home.site.post(ChargingNeedsReported(key=home.key, needs=needs))
        await home.site.start_self_test(home.key)
        await _finish(home)
        assert home.evse.self_test.phase is SelfTestPhase.PASSED
        assert home.evse.proof is not None
        assert home.evse.proof.proven_power_w > 4_140.0


@in_virtual_time
async def test_the_end_that_the_test_waits_for_is_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Home() as home:
        await home.site.start_self_test(home.key)
        await home.until(
            lambda: home.evse.self_test.phase is SelfTestPhase.WITHHOLDING, 200
        )
        assert home.station.transaction_id is not None
        fallen = TransactionReported(
            key=home.key,
            transaction_id=home.station.transaction_id,
            phase=TransactionPhase.UPDATED,
            operation_mode="ChargingOnly",
            trigger="OperationModeChanged",
        )
        with caplog.at_level("INFO"):
            home.site.post(fallen)
            await home.run(3)
        (told,) = [r for r in caplog.records if "fell back" in r.getMessage()]
        assert told.levelname == "INFO"
        await _finish(home)
        assert home.evse.self_test.phase is SelfTestPhase.PASSED
