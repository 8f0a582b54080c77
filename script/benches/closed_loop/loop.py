"""One charger under the real control: coordinator, gate, delivery, learnt fingerprint.

Nothing here decides. A charger is commissioned as in a home: the self-test, then some
dispatches from which its fingerprint is learnt, which goes on while it is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import override

from custom_components.v2g_vpp.control.fingerprint import FingerprintLearner, Traffic
from custom_components.v2g_vpp.control.inputs import EvseInputs
from custom_components.v2g_vpp.control.self_test import SelfTest
from custom_components.v2g_vpp.control.self_test_step import SelfTestInputs
from custom_components.v2g_vpp.domain.capability import (
    DialectTiming,
    DischargeDialect,
    Fingerprint,
    Proof,
    own_timing,
    timing_of,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a charger is reached, and what it does when it is not."""

    dialect: DischargeDialect = DischargeDialect.V21_DYNAMIC
    watchdog_s: float | None = None
    """Of a charger with a time of its own, as its owner tells it."""

    ends_by_itself: bool = True
    meter_period_s: float = 1.0
    """How often its power is read."""

    write_interval_s: float | None = None
    """Shortest time between two writes; None: as its dialect says."""

    @property
    def own_timing(self) -> DialectTiming | None:
        """Of the charger; None: that of its dialect."""
        if self.write_interval_s is None:
            return None
        return own_timing(self.watchdog_s, self.write_interval_s)


OCPP_2_1 = Link()
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
            self.metered_w.append(self._metered_w())
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

    def _metered_w(self) -> float:
        """Return what a meter of a second shows, whatever control sees of it."""
        reading = self.evse.session.measurement.power_w
        if reading is None or self.evse.meter_period_s > TICK_S:
            return self.charger.plant.power_w
        return reading.value

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


def commissioned(parameters: PlantParameters, link: Link = OCPP_2_1) -> ClosedLoop:
    """Return the loop of a charger that passed its self-test and served some orders.

    Args:
        parameters: of the charger.
        link: how it is reached.

    Raises:
        RuntimeError: when the self-test does not pass.
    """
    loop = connected(parameters, link)
    loop.learner = FingerprintLearner(_self_tested(loop))
    for _ in range(COMMISSIONING_ROUNDS):
        for power_w, duration_s in DAY:
            loop.ask(power_w, duration_s)
    return loop


def connected(parameters: PlantParameters, link: Link) -> ClosedLoop:
    """Return the loop of a charger that nobody tested yet, with a large battery."""
    policy = replace(
        VEHICLE_POLICY,
        reserve_percent=0.0,
        vpp_reserve_percent=0.0,
    )
    evse = with_policy(
        replace(READY, fingerprint=Fingerprint(), vehicle_policy=policy), mode=Mode.OFF
    )
    loop = ClosedLoop(
        _reached_by(evse, link),
        parameters,
        watchdog_s=None if link.ends_by_itself else inf,
    )
    loop.charger.plant = SteppedPlant(parameters)
    loop.charger.capacity_wh = LARGE_BATTERY_WH
    loop.charger.stored_wh = 0.7 * LARGE_BATTERY_WH
    return loop


def _reached_by(evse: EvseInputs, link: Link) -> EvseInputs:
    capability = evse.station.capability
    assert capability is not None
    capability = replace(
        capability,
        dialect=link.dialect,
        own_timing=link.own_timing,
        own_watchdog_s=link.watchdog_s,
    )
    # What the self-test finds replaces it; until then it says what is to be proven.
    assert evse.proof is not None
    return replace(
        evse,
        meter_period_s=link.meter_period_s,
        station=replace(evse.station, capability=capability),
        proof=replace(evse.proof, dialect=link.dialect),
    )


def _self_tested(loop: ClosedLoop) -> Fingerprint:
    """Run the self-test; return the fingerprint, and keep the proof, that it found."""
    capability = loop.evse.station.capability
    assert capability is not None
    test = SelfTest(
        dialect=capability.dialect,
        timing=timing_of(capability),
        firmware="1.0",
        own_watchdog_s=capability.own_watchdog_s,
    )
    found: list[tuple[Fingerprint, Proof]] = []

    def tick(rig: Rig) -> None:
        assert rig.setpoint is not None
        output = test.step(
            SelfTestInputs(
                session=rig.evse.session,
                setpoint=rig.setpoint,
                last_write_mono_s=rig.delivery.last_write_mono_s,
                now_utc=AT,
                meter_period_s=rig.evse.meter_period_s,
            ),
            rig.now_s,
        )
        rig.evse = replace(rig.evse, self_test_w=output.power_w)
        rig.is_withheld = output.is_withholding
        if output.fingerprint is not None and output.proof is not None:
            found.append((output.fingerprint, output.proof))

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
    fingerprint, proof = found[0]
    loop.evse = replace(loop.evse, proof=proof)
    return fingerprint
