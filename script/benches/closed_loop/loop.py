"""One charger under the real control: coordinator, gate, delivery, learnt fingerprint.

Nothing here decides. A charger is commissioned as in a home: the self-test, then some
dispatches from which its fingerprint is learnt, which goes on while it is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import override

from custom_components.v2g_vpp.control.fingerprint import FingerprintLearner, Traffic
from custom_components.v2g_vpp.control.self_test import SelfTest
from custom_components.v2g_vpp.control.self_test_step import SelfTestInputs
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
)
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import (
    AT,
    READY,
    VEHICLE_POLICY,
    order,
    with_policy,
)
from tests.control.rig import SUBSTEP_S, TICK_S, Rig
from tests.control.traffic import DAY

from .plants import SteppedPlant

V21 = DischargeDialect.V21_DYNAMIC
SUBSTEPS = round(TICK_S / SUBSTEP_S)
TURN_SUBSTEP = 1
"""The site looks again 50 ms after it rested at 0 W on a turn; here with the next
substep."""

LONGEST_SELF_TEST_S = 600
COMMISSIONING_ROUNDS = 2
LARGE_BATTERY_WH = 1e6
"""No floor and no ceiling comes near while following is measured."""


@dataclass(slots=True)
class ClosedLoop(Rig):
    """A charger whose fingerprint is learnt from its own traffic."""

    learner: FingerprintLearner = field(default_factory=FingerprintLearner)
    metered_w: list[float] = field(default_factory=list)
    """What the meter showed at each tick of a second."""

    @override
    def run(self, duration_s: float) -> None:
        """Let seconds pass: a tick each, and one more where the way turns."""
        for _ in range(round(duration_s / TICK_S)):
            self._tick()
            self._learn()
            reading = self.evse.session.measurement.power_w
            self.metered_w.append(0.0 if reading is None else reading.value)
            for substep in range(SUBSTEPS):
                if substep == TURN_SUBSTEP and self._is_turning():
                    self._tick_quietly()
                self.charger.run(self.now_s, SUBSTEP_S)
                self.now_s += SUBSTEP_S
                self.powers_w.append((self.now_s, self.charger.plant.power_w))

    def follow(self, signal: Sequence[float]) -> Sequence[float]:
        """Follow a power for each second; return what the meter showed meanwhile."""
        begin = len(self.metered_w)
        for power_w in signal:
            self.ask(power_w, TICK_S)
        return self.metered_w[begin:]

    def ask(self, power_w: float, duration_s: float) -> None:
        """Dispatch a power; the same power again is the same order."""
        running = self.evse.order
        if running is None or running.power_w != power_w:
            running = order(
                power_w,
                order_id=f"{self.now_s:.0f}",
                start_mono_s=self.now_s - TICK_S,
                ends_mono_s=self.now_s + 86_400.0,
            )
            self.evse = replace(self.evse, order=running)
        self.run(duration_s)

    def _is_turning(self) -> bool:
        setpoint = self.setpoint
        return (
            setpoint is not None
            and setpoint.reason is Reason.RAMP
            and setpoint.power_w == 0
        )

    def _tick_quietly(self) -> None:
        """Decide again without a new look at the world."""
        on_tick, self.on_tick = self.on_tick, None
        self._tick()
        self.on_tick = on_tick

    def _learn(self) -> None:
        if self.is_withheld:
            return
        for told in self.delivery.take_changes() or (None,):
            self.learner.step(
                Traffic(
                    told=told,
                    reading=self.evse.session.measurement.power_w,
                    is_bound=False,
                    visit=0,
                ),
                self.now_s,
            )
        self.evse = replace(self.evse, fingerprint=self.learner.fingerprint)


def commissioned(parameters: PlantParameters) -> ClosedLoop:
    """Return the loop of a charger that passed its self-test and served some orders.

    Raises:
        RuntimeError: when the self-test does not pass.
    """
    policy = replace(
        VEHICLE_POLICY,
        reserve_percent=0.0,
        vpp_reserve_percent=0.0,
    )
    evse = with_policy(
        replace(READY, fingerprint=Fingerprint(), vehicle_policy=policy), mode=Mode.OFF
    )
    loop = ClosedLoop(evse, parameters)
    loop.charger.plant = SteppedPlant(parameters)
    loop.charger.capacity_wh = LARGE_BATTERY_WH
    loop.charger.stored_wh = 0.7 * LARGE_BATTERY_WH
    loop.learner = FingerprintLearner(_self_tested(loop))
    for _ in range(COMMISSIONING_ROUNDS):
        for power_w, duration_s in DAY:
            loop.ask(power_w, duration_s)
    return loop


def _self_tested(loop: ClosedLoop) -> Fingerprint:
    """Run the self-test; return what it found."""
    test = SelfTest(dialect=V21, timing=DIALECT_TIMING[V21], firmware="1.0")
    found: list[Fingerprint] = []

    def tick(rig: Rig) -> None:
        assert rig.setpoint is not None
        output = test.step(
            SelfTestInputs(
                session=rig.evse.session,
                setpoint=rig.setpoint,
                last_write_mono_s=rig.delivery.last_write_mono_s,
                now_utc=AT,
            ),
            rig.now_s,
        )
        rig.evse = replace(rig.evse, self_test_w=output.power_w)
        rig.is_withheld = output.is_withholding
        if output.fingerprint is not None:
            found.append(output.fingerprint)

    loop.run(15)
    loop.on_tick = tick
    for _ in range(LONGEST_SELF_TEST_S):
        loop.run(1)
        if found:
            break
    loop.on_tick = None
    loop.is_withheld = False
    loop.evse = replace(loop.evse, self_test_w=None)
    if not found:
        raise RuntimeError("the self-test did not pass")
    return found[0]
