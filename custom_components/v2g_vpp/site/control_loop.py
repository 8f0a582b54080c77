"""One tick of control: gather, decide, pass the gate, deliver."""

from collections.abc import Collection, Mapping
from dataclasses import replace
import logging

from ..control.allocation import SAME_POWER_W
from ..control.discharge import DischargeCoordinator
from ..control.explanation import explain
from ..control.gate import OutputGate
from ..control.inputs import EvseDecision, EvseInputs, SiteInputs
from ..control.self_test import self_test_power_w
from ..control.self_test_step import SelfTestInputs
from ..control.soc_estimator import NOTHING_KNOWN
from ..domain.clock import HomeClock
from ..domain.dispatch import DispatchOrder, LinkState
from ..domain.explanation import Explanation
from ..domain.ids import EvseKey
from ..domain.measurement import fresh_value
from ..domain.self_test import ProofLoss, SelfTestPhase
from ..domain.session import least_discharge_w
from ..domain.setpoint import ControlOwner, Reason
from ..domain.state import StateInputs, derive_state, path_between
from .delivery_desk import DeliveryDesk
from .event_desk import EventDesk
from .external import take_back_from_external
from .fault_log import FaultLog
from .forecast_desk import ForecastDesk
from .host_watch import HostWatch
from .link_watch import LinkWatch
from .order_verdict import covers
from .orders import OrderDesk
from .plant_watch import PlantWatch
from .proof_loss import lose_own_end, lose_proof
from .records import EvseRecord
from .registry import Registry
from .stop_desk import is_disproof
from .tick_inputs import TickInputs
from .vehicle_desk import VehicleDesk
from .wiring_desk import WiringDesk

_LOGGER = logging.getLogger(__name__)

UNREACHABLE_AFTER_S = 60.0
"""A link that is away for less is a reconnect, not a state (OCPP brief, part 5)."""


class ControlLoop:
    """Decide for all EVSEs at once; the only caller of the discharge coordinator."""

    def __init__(
        self,
        registry: Registry,
        desk: OrderDesk,
        delivery: DeliveryDesk,
        clock: HomeClock,
        export_limit_w: float | None,
        host: HostWatch,
    ) -> None:
        """Work on the records by the monotonic time of ``clock``."""
        self._registry, self._desk, self._clock = registry, desk, clock
        self._delivery, self._host = delivery, host
        self._fault_log = FaultLog()
        self._vehicles = VehicleDesk(registry, clock)
        self._inputs = TickInputs(registry, self._vehicles, clock, export_limit_w)
        self.events = EventDesk(registry, desk, self._inputs, clock)
        self._inputs.kept = self.events.kept
        self.forecasts = ForecastDesk(registry, self._inputs, clock)
        self._links = LinkWatch(registry, desk, delivery)
        self._plant = PlantWatch(registry)
        self._wiring = WiringDesk(registry)
        self._coordinator = DischargeCoordinator()
        desk.use_rehearsal(self.rehearse)
        self._gate = OutputGate(host.rule)
        self._has_state_in_between = False
        self.is_store_readable = True

    def tick(
        self, changed: Collection[EvseKey] | None = None
    ) -> Collection[EvseKey] | None:
        """Decide and deliver now; cheap enough for every event.

        Args:
            changed: the EVSEs that told readings, when nothing else is new; None
                decides for all.

        Returns:
            The EVSEs that were decided for, None: all.
        """
        if self._delivery.is_standing_down:
            return None
        now = self._clock.monotonic()
        was_shared = self._is_shared()
        self._desk.advance(now)
        self._links.step(now)
        self.events.advance(now)
        self.forecasts.advance(now)
        if was_shared or self._is_shared():
            # What one of them does leaves more or less for the others.
            changed = None
        evses = self._registry.evses
        records = (
            list(evses.values())
            if changed is None
            else [evses[key] for key in changed if key in evses]
        )
        orders = {r.key: self._desk.order_for(r.key, now) for r in records}
        self._wiring.look(now)
        for record in records:
            _drop_expired(record, now)
            self._run_self_test(record, now)
            self._plant.look(record, now)
        site = self._site_inputs()
        decisions = self._decide(records, orders, site, now)
        asked_w = {key: one.setpoint.power_w for key, one in decisions.items()}
        self._gate.look(self._inputs.gate_home(asked_w, self._host.last, now), now)
        for record in records:
            self._take(record, decisions[record.key], orders[record.key], site, now)
            self._advance_state(record, now)
            self._fault_log.note(record.key, record.session.faults)
            self._delivery.deliver(record, now)
        return changed

    def _is_shared(self) -> bool:
        """Return True when the EVSEs cannot be decided for one by one."""
        registry = self._registry
        has_limits = self._inputs.export_limit_w is not None
        has_limits |= registry.meters is not None or self._inputs.wiring() is not None
        return has_limits or any(
            programme.running
            or programme.holds
            or programme.released
            or programme.watchdog.state is LinkState.FAILSAFE
            for programme in registry.programmes.values()
        )

    def rehearse(self, order: DispatchOrder) -> float:
        """Return what the home would commit of an order if it began now, W.

        The same coordinator is asked as in a tick, and forgets it.
        """
        now = self._clock.monotonic()
        began = replace(
            order,
            start_mono_s=now,
            ends_mono_s=now + order.ends_mono_s - max(now, order.start_mono_s),
        )
        inputs = [
            self._evse_inputs(
                record,
                began if covers(order, key) else self._desk.order_for(key, now),
            )
            for key, record in self._registry.evses.items()
        ]
        rehearsal = self._coordinator.rehearse(inputs, self._site_inputs(), now)
        decisions = rehearsal.decisions.items()
        sums = (d.committed_w for key, d in decisions if covers(order, key))
        committed_w = sum(sums)
        is_whole = abs(order.power_w - committed_w) < SAME_POWER_W
        return order.power_w if is_whole else committed_w

    def explain(self, record: EvseRecord) -> Explanation:
        """Return why an EVSE does what it does, by the rules of a tick."""
        now = self._clock.monotonic()
        inputs = [
            self._evse_inputs(other, self._desk.order_for(key, now))
            for key, other in self._registry.evses.items()
        ]
        site = self._site_inputs()
        found = explain(self._coordinator, inputs, site, record.key, now)
        return replace(found, setpoint=record.setpoint, runner_up=record.runner_up)

    def self_test_block(self, record: EvseRecord) -> Reason | None:
        """Return what would forbid a self-test now, None when it may begin.

        A coordinator of its own is asked, so that nothing is remembered of the try.
        """
        inputs = replace(
            self._evse_inputs(record, None),
            override=None,
            is_external=False,
            self_test_w=-self_test_power_w(
                record.fingerprint.with_minimum_w(least_discharge_w(record.session))
            ),
        )
        now = self._clock.monotonic()
        coordinator = self._coordinator.fork(record.key)
        decisions = coordinator.step([inputs], self._site_inputs(), now)
        decision = decisions[record.key]
        if decision.setpoint.owner is ControlOwner.TRIP:
            return Reason.TRIP_FLOOR
        may_begin = decision.setpoint.power_w < 0 or decision.wants_transaction
        return None if may_begin else decision.setpoint.reason

    def recall(self, record: EvseRecord) -> None:
        """Go on with what was kept of the vehicle at an EVSE."""
        self._coordinator.recall(record.key, record.memory)

    def forget(self, key: EvseKey) -> None:
        """Drop what the coordinator and the gate remember of an EVSE."""
        self._coordinator.forget(key)
        self._gate.forget(key)
        self._wiring.forget(key)
        self._fault_log.forget(key)

    @property
    def is_turning(self) -> bool:
        """True while an EVSE rests at 0 W on its way to the other direction."""
        return any(
            record.setpoint.reason is Reason.RAMP and record.setpoint.power_w == 0
            for record in self._registry.evses.values()
        )

    def take_must_tick_again(self) -> bool:
        """Return once whether a state in between was shown and the next waits."""
        is_between, self._has_state_in_between = self._has_state_in_between, False
        return is_between

    def _decide(
        self,
        records: list[EvseRecord],
        orders: Mapping[EvseKey, DispatchOrder | None],
        site: SiteInputs,
        now_mono_s: float,
    ) -> Mapping[EvseKey, EvseDecision]:
        inputs = [self._evse_inputs(record, orders[record.key]) for record in records]
        return self._coordinator.step(inputs, site, now_mono_s)

    def _evse_inputs(
        self, record: EvseRecord, order: DispatchOrder | None
    ) -> EvseInputs:
        is_trusted = self._links.is_trusted(record.key, order)
        inputs = self._inputs.evse(record, order, is_link_trusted=is_trusted)
        return replace(inputs, is_lost_upon=self._links.is_lost_upon(record.key))

    def _site_inputs(self) -> SiteInputs:
        return self._inputs.site(
            is_failsafe=self._links.is_failsafe,
            is_store_readable=self.is_store_readable,
            is_host_late=self._host.is_late,
        )

    def _take(
        self,
        record: EvseRecord,
        decision: EvseDecision,
        order: DispatchOrder | None,
        site: SiteInputs,
        now_mono_s: float,
    ) -> None:
        """Let a decision through the gate and make it the setpoint of the EVSE."""
        before = record.setpoint
        record.decision = decision
        is_ordered = order is not None and order.response is not None
        record.is_following = is_ordered or (
            decision.setpoint.owner is ControlOwner.GRID
        )
        record.kept = self._inputs.kept(record.key, order)
        self._vehicles.take(record, decision, self._coordinator.memory_of(record.key))
        verdict = self._gate.check(
            self._inputs.gate(
                record,
                decision.setpoint,
                order,
                site,
                now_mono_s,
                is_link_trusted=self._links.is_trusted(record.key, order),
            ),
            self._clock.monotonic(),
        )
        record.setpoint = (
            decision.setpoint
            if verdict.reason is None
            else replace(
                decision.setpoint, power_w=verdict.power_w, reason=verdict.reason
            )
        )
        if record.setpoint.reason is not before.reason:
            _LOGGER.info(
                "%s: %.0f W of %.0f W asked by %s (%s)",
                record.key,
                record.setpoint.power_w,
                record.setpoint.requested_w,
                record.setpoint.owner,
                record.setpoint.reason,
            )

    def _run_self_test(self, record: EvseRecord, now_mono_s: float) -> None:
        if record.self_test is None:
            return
        output = record.self_test.step(
            SelfTestInputs(
                session=record.tracked_session,
                setpoint=record.setpoint,
                last_write_mono_s=record.delivery.last_write_mono_s,
                now_utc=self._clock.utcnow(),
                meter_period_s=record.meter_period.period_s,
                wiring=record.wiring_look,
            ),
            now_mono_s,
        )
        record.self_test_w = output.power_w
        record.is_withholding = output.is_withholding
        record.self_test_status = output.status
        if output.is_end_missing:
            lose_own_end(record)
        if output.status.phase is SelfTestPhase.PASSED:
            record.proof, record.lost_proof = output.proof, None
            record.learner.adopt(output.fingerprint or record.fingerprint)
            _LOGGER.info("%s: self-test passed", record.key)
        elif output.status.phase is SelfTestPhase.FAILED:
            if is_disproof(output.status):
                lose_proof(record, ProofLoss.SELF_TEST_FAILED)
            _LOGGER.warning(
                "%s: self-test failed: %s", record.key, output.status.failure
            )
        else:
            return
        record.end_self_test()
        record.has_news_to_save = True

    def _advance_state(self, record: EvseRecord, now_mono_s: float) -> None:
        station = self._registry.station_of(record.key)
        lost = station.disconnected_mono_s
        is_reachable = station.session.is_connected or (
            lost is not None and now_mono_s - lost < UNREACHABLE_AFTER_S
        )
        session = record.session
        path = path_between(
            record.state,
            derive_state(
                StateInputs(
                    is_emergency_stopped=session.is_emergency_stopped,
                    has_fault=bool(session.faults),
                    is_reachable=is_reachable,
                    status=session.status,
                    has_transaction=session.transaction_id is not None,
                    is_plugged=session.is_plugged,
                    power_w=fresh_value(
                        session.measurement.power_w,
                        now_mono_s,
                        record.meter_period.max_age_s,
                    ),
                    rating_w=station.limits.max_charge_power_w,
                )
            ),
        )
        if path:
            _LOGGER.info("%s: %s -> %s", record.key, record.state, path[0])
            record.state = path[0]
            self._has_state_in_between |= len(path) > 1


def _drop_expired(record: EvseRecord, now_mono_s: float) -> None:
    """Hand back what was taken for a while and is over."""
    override, claim = record.override, record.claim
    if override is not None:
        soc = record.decision.soc if record.decision else NOTHING_KNOWN
        is_over = now_mono_s >= override.ends_mono_s
        if is_over or override.has_reached(soc.likely_percent):
            record.override = None
    if claim is not None and now_mono_s >= claim.ends_mono_s:
        record.claim = None
    if record.external is not None and now_mono_s >= record.external.ends_mono_s:
        take_back_from_external(record, now_mono_s)
