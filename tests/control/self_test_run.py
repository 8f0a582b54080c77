"""Runs of the self-test in a closed loop."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from custom_components.v2g_vpp.control.self_test import SelfTest
from custom_components.v2g_vpp.control.self_test_step import (
    SelfTestInputs,
    SelfTestOutput,
)
from custom_components.v2g_vpp.control.wiring_watch import WiringLook
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
)
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.virtual.plant import (
    PlantParameters,
)
from tests.control.given import (
    AT,
    CAPABILITY,
    KEY,
    NOW,
    READY,
    SESSION,
    measured,
    with_policy,
    with_station,
)
from tests.control.rig import Rig
from tests.control.wiring_home import WiredHome

V21 = DischargeDialect.V21_DYNAMIC
UNPROVEN = replace(
    with_policy(READY, is_discharge_allowed=False),
    proof=None,
    fingerprint=Fingerprint(),
)


class Run:
    """One run of the self-test in a closed loop, until it is over."""

    def __init__(
        self,
        parameters: PlantParameters,
        *,
        dialect: DischargeDialect = V21,
        disturb: Callable[[Run, Rig], None] | None = None,
        has_events: bool = False,
        before_s: int = 15,
        home: WiredHome | None = None,
        told_watchdog_s: float | None = None,
        watchdog_s: float | None = None,
    ) -> None:
        timing = DIALECT_TIMING[dialect]
        if told_watchdog_s is not None:
            timing = replace(timing, validity_s=told_watchdog_s)
        capability = replace(
            CAPABILITY,
            dialect=dialect,
            own_timing=timing if dialect is DischargeDialect.ENTITY else None,
            own_watchdog_s=told_watchdog_s,
        )
        evse = with_station(UNPROVEN, capability=capability)
        self.rig = Rig(evse, parameters, has_events=has_events, watchdog_s=watchdog_s)
        self.test = SelfTest(
            dialect=dialect,
            timing=timing,
            firmware="1.0",
            own_watchdog_s=told_watchdog_s,
        )
        self.disturb = disturb
        self.home = home
        self.outputs: list[SelfTestOutput] = []
        self.began_s = self.rig.now_s
        self.ended_s: float | None = None
        self.lowest_w = 0.0
        # It charges when the test begins, as it would at any plugged vehicle.
        self.rig.run(before_s)
        self.began_s = self.rig.now_s
        self.rig.on_tick = self._tick
        while not self.is_over and self.rig.now_s < self.began_s + 900:
            self.rig.run(1)

    @property
    def is_over(self) -> bool:
        return self.ended_s is not None

    @property
    def last(self) -> SelfTestOutput:
        return self.outputs[-1]

    @property
    def phases(self) -> list[SelfTestPhase]:
        phases: list[SelfTestPhase] = []
        for output in self.outputs:
            if output.status.phase not in phases[-1:]:
                phases.append(output.status.phase)
        return phases

    def _tick(self, rig: Rig) -> None:
        assert rig.setpoint is not None
        if self.disturb is not None:
            self.disturb(self, rig)
        output = self.test.step(
            SelfTestInputs(
                session=rig.evse.session,
                setpoint=rig.setpoint,
                last_write_mono_s=rig.delivery.last_write_mono_s,
                now_utc=AT,
                wiring=self._look(rig),
            ),
            rig.now_s,
        )
        self.outputs.append(output)
        rig.evse = replace(rig.evse, self_test_w=output.power_w)
        rig.is_withheld = output.is_withholding
        if output.power_w is None:
            self.ended_s = rig.now_s

    def _look(self, rig: Rig) -> WiringLook | None:
        """Let the meter of the home follow the charger."""
        if self.home is None:
            return None
        self.home.powers_w[KEY], self.home.now_s = rig.power_w(), rig.now_s - 1.0
        self.home.second()
        return self.home.looks.get(KEY, WiringLook())


def phase_of(run: Run) -> SelfTestPhase:
    return run.outputs[-1].status.phase if run.outputs else SelfTestPhase.NOT_RUN


def bare_run(
    *,
    rating_w: float = 11_000.0,
    powers: Mapping[float, float] | None = None,
    later_w: float | None = None,
) -> str | None:
    """Return how a test ends on a charger that obeys at once and takes no writes.

    Args:
        rating_w: of the station.
        powers: what flows at which setpoint; the setpoint itself by default.
        later_w: what flows at 0 once something was discharged.
    """
    timing = DIALECT_TIMING[V21]
    test = SelfTest(dialect=V21, timing=timing, firmware="1.0", rating_w=rating_w)
    flows = dict(powers or {})
    asked_w, now_s, failure = 0.0, NOW, None
    while failure is None and now_s < NOW + 600.0:
        now_s += 1.0
        if asked_w < 0 and later_w is not None:
            flows[0.0] = later_w
        output = test.step(
            SelfTestInputs(
                session=replace(
                    SESSION,
                    measurement=measured(flows.get(asked_w, asked_w), 70, now_s),
                ),
                setpoint=Setpoint(
                    power_w=asked_w,
                    requested_w=asked_w,
                    owner=ControlOwner.SELF_TEST,
                    reason=Reason.AS_REQUESTED,
                ),
                last_write_mono_s=None,
                now_utc=AT,
            ),
            now_s,
        )
        failure = output.status.failure
        asked_w = output.power_w or 0.0
    return failure
