"""A 1.6 charge point, the listener and the site: a discharge by negative limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.times import format_time
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import (
    Mode,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.site import Site
from tests.csms.charge_point import ChargePoint
from tests.csms.peer import EVSE1, STATION, Dialler, MemoryStore, Rig, config

VEHICLE = VehicleId("leaf")
LIMITS = StationLimits(max_charge_power_w=7_400.0, max_discharge_power_w=5_000.0)


class Charger(ChargePoint):
    """Does at once what its profile says, and tells it three times a second."""

    soc_percent = 70.0

    def power_w(self) -> float:
        running = self._of("TxProfile") or self._of("TxDefaultProfile")
        if running is None or self.number < 0:
            return 0.0
        period = running["chargingSchedule"]["chargingSchedulePeriod"][0]
        return float(period["limit"])

    async def meter(self, rig: Rig) -> None:
        while True:
            power_w = self.power_w()
            values = {
                "Power.Active.Import": max(0.0, power_w),
                "Power.Active.Export": max(0.0, -power_w),
                "SoC": self.soc_percent,
            }
            samples = [{"measurand": m, "value": f"{v}"} for m, v in values.items()]
            stamp = format_time(rig.clock.utcnow())
            await self.peer.call(
                "MeterValues",
                {
                    "connectorId": 1,
                    "transactionId": self.number,
                    "meterValue": [{"timestamp": stamp, "sampledValue": samples}],
                },
            )
            await asyncio.sleep(0.3)


class World:
    """The site in front of a real listener."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.site = Site(
            store=MemoryStore(),
            clock=rig.clock,
            spawn=rig._spawn,
            export_limit_w=None,
        )
        rig.sink.post = self.site.post  # type: ignore[method-assign]
        self.site.use_stations(rig.server)
        self.site.add_station(STATION, LIMITS)
        self.site.add_vehicle(
            VehicleSpec(vehicle_id=VEHICLE, name="Leaf", capacity_wh=40_000.0),
            VehiclePolicy(is_discharge_allowed=True),
        )

    async def until(self, accept: Any, what: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not accept():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}: {self.site.snapshot.evses}") from None

    def evse(self) -> Any:
        return self.site.snapshot.evses[0] if self.site.snapshot.evses else None

    async def set_policy(self, **changes: Any) -> None:
        await self.site.set_evse_policy(EVSE1, lambda p: replace(p, **changes))


@pytest.fixture
async def world(socket_enabled: None) -> AsyncIterator[World]:
    async with Rig(config(limits=LIMITS)) as rig:
        rig.server.adopt(config(limits=LIMITS, dialect=DischargeDialect.NEG_LIMIT_W))
        made = World(rig)
        running = asyncio.create_task(made.site.run())
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.slow
async def test_nothing_discharges_unproven_and_a_floor_ends_what_runs(
    world: World,
) -> None:
    rig = world.rig
    async with Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(("ocpp1.6",)))
        await charger.boot()
        await charger.status("Preparing")
        await world.until(lambda: world.evse() is not None, "an EVSE")
        await charger.plug(format_time(rig.clock.utcnow()))
        await charger.status("Charging")
        dialler.spawn(charger.meter(rig))
        await world.until(lambda: charger.power_w() > 0, "charging as a plain one")

        await world.set_policy(vehicle_id=VEHICLE, mode=Mode.DISCHARGE_NOW)
        await world.until(
            lambda: world.evse().discharge_blocked_by is Reason.DISCHARGE_NOT_ALLOWED,
            "blocked: not allowed",
        )
        assert charger.power_w() >= 0
        record = world.site._registry.evses[EVSE1]
        record.proof = Proof(
            dialect=DischargeDialect.NEG_LIMIT_W,
            firmware="1.0",
            dead_man_s=60.0,
            passed_at=rig.clock.utcnow().isoformat(),
            proven_power_w=1_800.0,
        )
        record.learner.adopt(
            Fingerprint(dead_time_s=0.5, ramp_w_per_s=20_000.0, is_learnt=True)
        )
        await world.set_policy(is_discharge_allowed=True)
        await world.until(lambda: charger.power_w() < -4_000, "discharging")
        told = charger.peer.payloads("SetChargingProfile")[-1]["csChargingProfiles"]
        assert told["transactionId"] == charger.number
        assert told["chargingSchedule"]["duration"] <= 65
        await world.until(
            lambda: world.evse().state == "discharging", "shown as discharging"
        )

        # The car falls to its reserve; nobody has to do anything.
        charger.soc_percent = 20.0
        await world.until(lambda: charger.power_w() >= 0, "0 W at the floor")
        await world.until(
            lambda: world.evse().discharge_blocked_by is Reason.RESERVE_FLOOR,
            "blocked by the reserve",
        )
        charger.soc_percent = 70.0
        await world.until(lambda: charger.power_w() < -4_000, "and again")

        # A ground fault ends it and stays.
        await charger.status("Faulted", "GroundFailure")
        await world.until(lambda: charger.power_w() == 0, "0 W after E-61")
        await charger.status("Charging")
        await asyncio.sleep(1.0)
        assert charger.power_w() == 0
