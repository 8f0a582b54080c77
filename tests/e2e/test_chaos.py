"""Whatever happens in whatever order: no discharge that should not be, no crash."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.errors import EmergencyStopActive
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, STATION, VEHICLE, VirtualHome

STEPS = 25
LONGEST_STEP_S = 25.0
FLOOR_PERCENT = 30.0
SETTLE_S = 95.0
"""The longest promise of a dialect, and a margin (control brief)."""

CASES = [
    (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC, 1),
    (Protocol.OCPP_2_1, DischargeDialect.V21_SCHEDULE, 3),
    (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W, 4),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_A, 5),
]


@dataclass
class Chaos:
    """One run of things that happen to a home."""

    home: VirtualHome
    random: Random
    forbidden_s: float = 0.0
    """How long the vehicle has been where it must not discharge."""

    discharged_s: int = 0
    soc: float = 70.0
    story: list[str] = field(default_factory=list)

    def happenings(self) -> list[tuple[str, Callable[[], object]]]:
        station, draw = self.home.station, self.random
        condition = draw.choice(list(Condition))
        is_on = draw.random() < 0.5
        handle_c = draw.choice([20.0, 60.0, 90.0])
        return [
            ("plug", station.plug),
            ("plug", station.plug),
            ("unplug", station.unplug),
            ("reboot", station.reboot),
            ("priority", station.press_priority),
            ("stop pressed", station.press_emergency_stop),
            ("stop released", station.release_emergency_stop),
            (f"handle {handle_c}", lambda: station.set_handle_temperature(handle_c)),
            (
                f"{condition} {is_on}",
                lambda: station.set_condition(condition, is_on=is_on),
            ),
            ("link lost", lambda: self.home.server._disconnect(STATION, "chaos")),
            ("frames lost", lambda: station.lose_frames(draw.choice([0, 0, 20]))),
            ("answers late", lambda: station.delay_answers(draw.choice([0, 0, 3]))),
            ("soc", self._set_soc),
        ]

    def _set_soc(self) -> None:
        self.soc = self.random.choice([25.0, 40.0, 70.0])
        self.home.station.set_soc(self.soc)

    async def mend(self) -> None:
        """Bring everything in order, as an owner would, and let it discharge."""
        self.story.append("mended")
        station = self.home.station
        for condition in Condition:
            station.set_condition(condition, is_on=False)
        station.release_emergency_stop()
        station.set_handle_temperature(20.0)
        station.lose_frames(0)
        station.delay_answers(0)
        station.set_soc(70.0)
        station.unplug()
        await self.home.run(5)
        if FaultCode.HANDLE_OVER_TEMPERATURE in self.home.evse.faults:
            await self.home.run(650)
        station.plug()
        await self.home.run(20)
        with suppress(EmergencyStopActive):
            await self.home.site.reset_emergency_stop(KEY)
            await self.home.grant()
        # Where vehicles do not say who they are, the owner does at each visit.
        await self.home.policy(mode=Mode.DISCHARGE_NOW, vehicle_id=VEHICLE)
        for _ in range(60):
            await self.home.run(1.0)
            self._look()

    async def step(self) -> None:
        if self.random.random() < 0.1:
            await self.mend()
        name, happen = self.random.choice(self.happenings())
        self.story.append(name)
        happen()
        if self.random.random() < 0.3:
            mode = self.random.choice([Mode.DISCHARGE_NOW, Mode.CHARGE_NOW])
            self.story.append(mode)
            await self.home.policy(mode=mode)
        if self.random.random() < 0.2:
            self.story.append("reset")
            # With the button still pressed it is refused, and says so.
            with suppress(EmergencyStopActive):
                await self.home.site.reset_emergency_stop(KEY)
                await self.home.grant()
        duration_s = self.random.uniform(0.5, LONGEST_STEP_S)
        for _ in range(int(duration_s)):
            await self.home.run(1.0)
            self._look()

    def _look(self) -> None:
        """Count how long a discharge goes on that nothing allows."""
        truth, evse = self.home.truth, self.home.evse
        is_forbidden = (
            truth.soc_percent < FLOOR_PERCENT - 1
            or evse.is_emergency_stopped
            or bool(evse.faults)
            or not evse.policy.is_discharge_allowed
        )
        is_discharging = truth.true_power_w < -200.0
        self.discharged_s += is_discharging
        self.forbidden_s = (
            self.forbidden_s + 1 if is_forbidden and is_discharging else 0
        )
        told = f"{self.story[-8:]}\n{truth}\n{evse}"
        assert self.forbidden_s <= SETTLE_S, told
        assert truth.true_power_w >= -5_400.0, told


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("protocol", "dialect", "seed"), CASES, ids=str)
@in_loopback_time
async def test_nothing_that_happens_discharges_what_must_not_be(
    protocol: Protocol, dialect: DischargeDialect, seed: int, socket_enabled: None
) -> None:
    async with VirtualHome(protocol, dialect, takes_negative_limits=True) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        chaos = Chaos(home, Random(seed))
        for _ in range(STEPS):
            await chaos.step()
        assert chaos.discharged_s > 30, "it was worth looking"
