"""What one tick is given, put together from the records of the home."""

from collections.abc import Callable, Mapping

from ..control.gate_inputs import GateInputs
from ..control.gate_surroundings import GridFacts
from ..control.inputs import EvseInputs, SiteInputs
from ..control.site_gate import GateHome
from ..domain.capability import is_persistent
from ..domain.clock import Clock
from ..domain.dispatch import DispatchOrder
from ..domain.energy import NOTHING_KEPT, KeptEnergy
from ..domain.grant import ALL_GRANTED, Grant
from ..domain.ids import EvseKey
from ..domain.loop_lag import LoopLook
from ..domain.measurement import TEMPERATURE_STALE_AFTER_S, fresh_value, is_fresh
from ..domain.policy import planned_w
from ..domain.setpoint import Setpoint
from ..domain.site_meters import OperatorLimit, SiteWiring
from ..domain.state import InverterMode
from .records import EvseRecord, VehicleRecord
from .registry import Registry
from .vehicle_desk import VehicleDesk

type Kept = Callable[[EvseKey, DispatchOrder | None], KeptEnergy]


def _nothing_kept(_key: EvseKey, _order: DispatchOrder | None) -> KeptEnergy:
    return NOTHING_KEPT


class TickInputs:
    """Reads records; decides nothing and remembers nothing."""

    def __init__(
        self,
        registry: Registry,
        vehicles: VehicleDesk,
        clock: Clock,
        export_limit_w: float | None,
    ) -> None:
        """Read from ``registry``, by the monotonic time of ``clock``."""
        self._registry, self._vehicles, self._clock = registry, vehicles, clock
        self.export_limit_w = export_limit_w
        self.kept: Kept = _nothing_kept
        """What orders must leave for events that are booked."""

    def evse(
        self,
        record: EvseRecord,
        order: DispatchOrder | None,
        *,
        is_link_trusted: bool,
    ) -> EvseInputs:
        """Return what the discharge coordinator is given of one EVSE.

        Args:
            record: of the EVSE.
            order: that it follows now, None without one.
            is_link_trusted: True: no lost link is behind what it follows.
        """
        station = self._registry.station_of(record.key)
        vehicle = self._registry.vehicle_at(record)
        return EvseInputs(
            session=record.tracked_session,
            uncalibrated_power_w=record.session.measurement.power_w,
            calibration=record.calibration,
            station=station.session,
            limits=station.limits,
            policy=record.policy,
            vehicle=vehicle.spec if vehicle else None,
            vehicle_policy=vehicle.policy if vehicle else None,
            fingerprint=record.fingerprint,
            proof=self._registry.valid_proof(record),
            override=record.override,
            order=order,
            is_link_trusted=is_link_trusted,
            self_test_w=record.self_test_w,
            meter_period_s=record.meter_period.period_s,
            is_meter_doubted=record.meter_period.is_doubted,
            is_first_write_pending=record.is_first_write_pending,
            can_start_transaction=record.can_start_transaction,
            is_write_budget_spent=(
                # A discharge that runs already may go on.
                record.setpoint.power_w >= 0
                and is_persistent(station.dialect)
                and station.budget.is_spent(self._clock.monotonic())
            ),
            has_ignored_wakes=record.wake.has_failed,
            claim=record.claim,
            is_external=record.external is not None,
            plan_w=self._planned_w(record),
            grid=record.grid_verdict,
            is_discharging=record.setpoint.power_w < 0,
            heat=record.heat,
            opens_at_zero=record.contactor.opens_at_zero is True,
            is_switching_budget_spent=record.contactor.is_budget_spent(
                self._clock.monotonic()
            ),
            departures=self._vehicles.departures(record),
            cycled_wh=self._cycled_wh(vehicle),
            temperature_c=self._temperature_c(vehicle),
            frequency_hz=record.grid_frequency_hz,
            support_refusal=record.support_refusal,
            is_supporting=self._registry.is_supporting_grid,
            kept=self.kept(record.key, order),
            grant=self._grant(order),
        )

    def site(
        self, *, is_failsafe: bool, is_store_readable: bool, is_host_late: bool
    ) -> SiteInputs:
        """Return what holds for the whole home."""
        return SiteInputs(
            export_limit_w=self.export_limit_w,
            is_failsafe=is_failsafe,
            is_store_readable=is_store_readable,
            is_host_late=is_host_late,
            meters=self._registry.meters,
            wiring=self.wiring(),
            solar=self._registry.solar,
            grid_profile=self._registry.grid_profile,
        )

    def gate(
        self,
        record: EvseRecord,
        setpoint: Setpoint,
        order: DispatchOrder | None,
        site: SiteInputs,
        decided_mono_s: float,
        *,
        is_link_trusted: bool,
    ) -> GateInputs:
        """Return a setpoint with the raw facts that must justify it.

        Args:
            record: of the EVSE.
            setpoint: what the coordinator decided.
            order: that the EVSE follows now.
            site: what the coordinator was told of the home.
            decided_mono_s: when it decided.
            is_link_trusted: True: no lost link is behind what it follows.
        """
        station = self._registry.station_of(record.key)
        vehicle = self._registry.vehicle_at(record)
        return GateInputs(
            setpoint=setpoint,
            decided_mono_s=decided_mono_s,
            session=record.session,
            station=station.session,
            limits=station.limits,
            policy=record.policy,
            vehicle=vehicle.spec if vehicle else None,
            vehicle_policy=vehicle.policy if vehicle else None,
            proof=record.proof,
            override=record.override,
            order=order,
            is_self_test_running=record.self_test is not None,
            is_first_write_pending=record.is_first_write_pending,
            is_failsafe=site.is_failsafe and not is_link_trusted,
            is_store_readable=site.is_store_readable,
            claim=record.claim,
            plan_w=self._planned_w(record),
            grid=GridFacts(
                profile=self._registry.grid_profile,
                frequency_hz=record.grid_frequency_hz,
                is_islanded=(record.session.inverter_mode is InverterMode.GRID_FORMING),
                out_mono_s=record.grid_trace.out_mono_s,
                load_out_mono_s=record.grid_trace.load_out_mono_s,
            ),
            departures=self._vehicles.departures(record),
            cycled_wh=self._cycled_wh(self._registry.vehicle_at(record)),
            is_supporting=self._registry.is_supporting_grid,
            granted_floor_percent=self._grant(order).reserve_percent,
            standby_w=record.fingerprint.offset_zero_w,
        )

    def gate_home(
        self,
        asked_w: Mapping[EvseKey, float],
        look: LoopLook | None,
        now_mono_s: float,
    ) -> GateHome:
        """Return what the gate is told of the home.

        Args:
            asked_w: what the coordinator decided for every EVSE.
            look: the newest one at the clock, None while nobody looks.
            now_mono_s: of this tick.
        """
        measured_w: dict[EvseKey, float] = {}
        for key, record in self._registry.evses.items():
            power = record.session.measurement.power_w
            if is_fresh(power, now_mono_s, record.meter_period.max_age_s):
                measured_w[key] = power.value
        return GateHome(
            meters=self._registry.meters,
            wiring=self.wiring(),
            export_limit_w=self.export_limit_w,
            asked_w=asked_w,
            measured_w=measured_w,
            calibrations={
                key: record.calibration
                for key, record in self._registry.evses.items()
                if record.calibration is not None
            },
            look=look,
        )

    def wiring(self) -> SiteWiring | None:
        """Return the wiring under what the operator of the grid allows for now."""
        wiring, limit = self._registry.wiring, self._registry.operator_limit
        if limit is None:
            return wiring
        limit = limit.at(self._clock.utcnow())
        if limit == OperatorLimit():
            return wiring
        return (wiring or SiteWiring()).under(limit)

    def _grant(self, order: DispatchOrder | None) -> Grant:
        """Return what the programme of an order was granted."""
        programmes = self._registry.programmes
        programme = None if order is None else programmes.get(order.programme_id)
        return ALL_GRANTED if programme is None else programme.grant

    def _planned_w(self, record: EvseRecord) -> float | None:
        return planned_w(record.plan, self._clock.utcnow()) if record.plan else None

    def _temperature_c(self, vehicle: VehicleRecord | None) -> float | None:
        reading = None if vehicle is None else vehicle.temperature_c
        now_mono_s = self._clock.monotonic()
        return fresh_value(reading, now_mono_s, TEMPERATURE_STALE_AFTER_S)

    def _cycled_wh(self, vehicle: VehicleRecord | None) -> float:
        now_mono_s = self._clock.monotonic()
        return 0.0 if vehicle is None else vehicle.cycled.total(now_mono_s)
