"""A home learns its charger while it does what it does anyway."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import Confidence, Fingerprint
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.site.records import EvseRecord
from custom_components.v2g_vpp.virtual.plant import (
    MEASURED_2019,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.site.home import Home
from tests.site.stores import MemoryStore
from tests.site.virtual_time import in_virtual_time


def _record(home: Home, key: EvseKey | None = None) -> EvseRecord:
    return home.site._registry.evses[key or home.key]


async def _live_a_day(home: Home) -> None:
    """Follow orders up and down, as an aggregator gives them."""
    for duration_s in (60.0, 60.0, 180.0):
        for power_w in (-5_000.0, -2_500.0, -7_000.0, 0.0):
            home.order(power_w, duration_s=duration_s)
            await home.run(duration_s)


@pytest.mark.parametrize("parameters", [TYPICAL, SLOW, MEASURED_2019])
def test_dispatches_teach_the_charger(parameters: PlantParameters) -> None:
    @in_virtual_time
    async def live() -> None:
        home = Home(plants=[parameters])
        async with home:
            await home.grant()
            _record(home).learner.adopt(Fingerprint())
            assert _record(home).fingerprint.dead_time_s == 15.0
            await _live_a_day(home)
            known = home.evse.fingerprint
            assert known.is_learnt
            assert 0.0 <= known.dead_time_s - parameters.dead_time_s <= 2.0
            assert known.typical_dead_time_s == pytest.approx(
                parameters.dead_time_s, abs=0.8
            )
            # Meter and control keep step here, so that no sample ever falls elsewhere
            # on the ramp.
            assert known.ramp_down_w_per_s is not None
            assert 1_650.0 <= known.ramp_down_w_per_s <= 6_600.0
            assert known.ramp_w_per_s <= 3_300.0
            assert known.offset_discharge_w == pytest.approx(
                parameters.offset_discharge_w, abs=60.0
            )
            assert home.evse.confidence.dead_time >= 0.5
        assert home.violations == []

    live()


@in_virtual_time
async def test_what_was_learnt_survives_a_restart() -> None:
    home = Home(store=MemoryStore())
    async with home:
        await home.grant()
        await _live_a_day(home)
        before, confidence = home.evse.fingerprint, home.evse.confidence
        assert confidence.dead_time > 0.0
        await home.site.stand_down()
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.fingerprint == before
        assert home.evse.confidence == confidence


@in_virtual_time
async def test_another_firmware_forgets_the_numbers_with_the_proof() -> None:
    home = Home()
    async with home:
        await home.grant()
        await _live_a_day(home)
        assert home.evse.fingerprint.is_learnt
        home.station.disconnect()
        home.station.firmware = "2.0"
        home.station.connect()
        await home.run(5)
        assert home.evse.proof is None
        assert home.evse.fingerprint == Fingerprint()
        assert home.evse.confidence == Confidence()


@in_virtual_time
async def test_numbers_of_a_version_that_measured_once_are_of_what_was_proven() -> None:
    home = Home(store=MemoryStore())
    async with home:
        await home.grant()
        await home.site.stand_down()

        def as_before(document: dict[str, Any]) -> None:
            evse = document["evses"][str(home.key)]
            del evse["learnt"]
            del evse["fingerprint"]["typical_dead_time_s"]

        home.store.edit(as_before)
        known = home.evse.fingerprint
        await home.restart()
        home.station.firmware = "2.0"
        home.reconnect()
        assert _record(home).fingerprint in (known, Fingerprint())
        await home.run(5)
        assert home.evse.fingerprint == Fingerprint()


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param([1, 2], id="a list"),
        pytest.param({"known": {}}, id="half of it"),
        pytest.param({"known": {"ramp_w_per_s": 0.0}}, id="no ramp"),
    ],
)
def test_what_cannot_be_read_is_forgotten_and_latches_nothing(torn: object) -> None:
    @in_virtual_time
    async def live() -> None:
        home = Home(store=MemoryStore())
        async with home:
            await home.grant()
            await home.site.stand_down()

            def tear(document: dict[str, Any]) -> None:
                document["evses"][str(home.key)]["learnt"] = torn

            home.store.edit(tear)
            await home.restart()
            home.reconnect()
            await home.run(5)
            assert home.evse.fingerprint == Fingerprint()
            assert home.evse.faults == ()
            assert home.evse.proof is not None

    live()


@in_virtual_time
async def test_a_power_that_a_limit_decides_is_no_offset() -> None:
    """Charging "as much as there is" says what the vehicle takes, not an offset."""
    home = Home(plants=[MEASURED_2019])
    async with home:
        await home.set_mode(Mode.CHARGE_NOW)
        for limit_w in (11_000.0, 6_000.0, 11_000.0, 7_000.0):
            home.station.parameters = replace(
                MEASURED_2019, max_charge_power_w=limit_w - 700.0
            )
            home.station.plant.parameters = home.station.parameters
            await home.run(150)
        assert home.evse.confidence.offset_charge == 0.0
