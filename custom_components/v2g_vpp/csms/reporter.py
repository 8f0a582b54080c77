"""What components of a station report becomes events, with their memory."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..domain.clock import Clock
from ..domain.events import (
    ConnectorReported,
    ContactorReported,
    EmergencyStopReported,
    FaultReported,
    InverterReported,
    MeasurementReported,
    StationEvent,
    VehicleIdentified,
    VehicleLinkReported,
)
from ..domain.faults import FaultCode
from ..domain.ids import EvseKey, StationId
from ..domain.measurement import Measurement, Reading
from ..domain.ports import StationEventSink
from ..domain.state import ConnectorStatus
from ..domain.vehicle_link import VehicleLink
from .fault_mapping import (
    FAULTS_BY_STOP_REASON,
    STOPPED_BY_EMERGENCY,
    WHOLE_STATION,
    Change,
    ContactorChange,
    EmergencyChange,
    FaultChange,
    HandleChange,
    IdentityChange,
    InverterChange,
    PresenceChange,
    StatusChange,
    VehicleLinkChange,
)
from .vehicle_links import VehicleLinks
from .vehicles import VehicleTracker

_COMMUNICATION_LOST: Final = "EVCommunicationLost"


class Reporter:
    """Tells the site what the parts of one station report."""

    def __init__(
        self,
        *,
        station_id: StationId,
        sink: StationEventSink,
        clock: Clock,
        evse_ids: Callable[[], tuple[int, ...]],
        has_transaction: Callable[[int], bool],
    ) -> None:
        """Start with nothing reported.

        Args:
            station_id: of the station.
            sink: where events go.
            clock: for the age of what is told.
            evse_ids: the EVSEs that the station is known to have.
            has_transaction: True while a transaction runs on an EVSE.
        """
        self.vehicles = VehicleTracker()
        self._station_id = station_id
        self._sink = sink
        self._clock = clock
        self._vehicle_links = VehicleLinks()
        self._evse_ids = evse_ids
        self._has_transaction = has_transaction
        self._status_faults: set[int] = set()
        self._lost_vehicles: set[int] = set()
        self._pressed_stops: set[int] = set()
        self._named_faults: dict[int, frozenset[FaultCode]] = {}
        self._alarms: dict[FaultCode, FaultChange] = {}
        self._sensed_faults: set[tuple[int, FaultCode]] = set()
        """What components report, until they say that it is over."""

        self._is_station_faulted = False
        self._is_answering = True

    def apply(self, change: Change) -> None:
        """Tell what an event of a component means."""
        evse_ids = tuple(self._evses_of(change.evse_id))
        if not evse_ids and isinstance(change, (EmergencyChange, FaultChange)):
            # Its EVSEs are not known yet: what stops them must not be lost.
            evse_ids = (WHOLE_STATION,)
        for evse_id in evse_ids:
            self._apply_at(evse_id, change)

    def _apply_at(self, evse_id: int, change: Change) -> None:
        key = self._key(evse_id)
        match change:
            case StatusChange():
                self.report_status(evse_id, change.connector_id, change.status)
            case EmergencyChange():
                self._report_emergency(evse_id, is_active=change.is_active)
            case IdentityChange():
                self.identify(evse_id, self.vehicles.placed(evse_id, change.evcc_id))
            case ContactorChange():
                self._post(ContactorReported(key=key, is_closed=change.is_closed))
            case InverterChange():
                self._post(InverterReported(key=key, mode=change.mode))
            case HandleChange():
                self._report_handle(evse_id, change.temperature_c)
            case VehicleLinkChange():
                link = self._vehicle_links.changed(evse_id, change)
                self._report_vehicle_link(evse_id, link)
            case PresenceChange():
                self._report_presence(evse_id, change)
            case FaultChange():
                self._report_sensed(evse_id, change)

    def report_status(
        self, evse_id: int, connector_id: int, status: ConnectorStatus
    ) -> None:
        """Tell the status of a connector; Faulted is a fault of its own."""
        is_faulted = status is ConnectorStatus.FAULTED
        if is_faulted or evse_id in self._status_faults:
            self._post_fault(
                evse_id, FaultCode.STATION_FAULTED, status, is_active=is_faulted
            )
        (self._status_faults.add if is_faulted else self._status_faults.discard)(
            evse_id
        )
        if status is ConnectorStatus.AVAILABLE:
            self.vehicles.unplugged(evse_id)
            self.vehicle_found(evse_id)
            self._report_vehicle_link(evse_id, self._vehicle_links.unplugged(evse_id))
        key = self._key(evse_id)
        self._post(ConnectorReported(key=key, connector_id=connector_id, status=status))

    def report_faults(
        self, evse_id: int, active: frozenset[FaultCode], detail: str
    ) -> None:
        """Tell which faults a status names, and the end of those it names no more.

        Args:
            evse_id: 0 for the whole station.
            active: all that are there now.
            detail: as the station names it.
        """
        before = self._named_faults.get(evse_id, frozenset())
        self._named_faults[evse_id] = active
        for code in sorted(before ^ active):
            self.apply(
                FaultChange(
                    evse_id=evse_id,
                    code=code,
                    is_active=code in active,
                    detail=detail,
                )
            )

    def report_station_fault(self, detail: str, *, is_active: bool) -> None:
        """Tell that the whole station failed, or works again."""
        if is_active is self._is_station_faulted:
            return
        self._is_station_faulted = is_active
        self.apply(
            FaultChange(
                evse_id=WHOLE_STATION,
                code=FaultCode.STATION_FAULTED,
                is_active=is_active,
                detail=detail,
            )
        )

    def report_alarm(self, fault: FaultChange | None, *, is_over: bool) -> None:
        """Tell a fault of the grid, or the end of all of them.

        A setting that takes over from another tells an alarm of its own, and only the
        last one is ended (2.1 R05.FR.04), perhaps without saying what it was.
        """
        if not is_over:
            if fault is not None:
                self._alarms[fault.code] = fault
                self.apply(fault)
            return
        if fault is not None:
            self._alarms.setdefault(fault.code, fault)
        for alarm in self._alarms.values():
            self.apply(replace(alarm, is_active=False))
        self._alarms.clear()

    def report_answering(self, *, is_answering: bool) -> None:
        """Tell when the station stops to answer commands, and when it does again."""
        if is_answering is self._is_answering:
            return
        self._is_answering = is_answering
        for evse_id in self._evses_of(WHOLE_STATION) or (WHOLE_STATION,):
            self._post_fault(
                evse_id, FaultCode.OCPP_MSG_TIMEOUT, "", is_active=not is_answering
            )

    def report_unavailable(self) -> None:
        """Tell that the whole station can do nothing for now."""
        for evse_id in self._evses_of(WHOLE_STATION):
            self.report_status(evse_id, 0, ConnectorStatus.UNAVAILABLE)

    def identify(self, evse_id: int, evcc_id: str | None) -> None:
        """Tell who the vehicle at an EVSE is, if that is known."""
        if evcc_id is not None:
            self._post(VehicleIdentified(key=self._key(evse_id), evcc_id=evcc_id))

    def saw_token(self, evse_id: int, id_token: Mapping[str, Any]) -> None:
        """Tell who the vehicle is that a token was used for, if it is news."""
        self.identify(evse_id, self.vehicles.seen_at(evse_id, id_token))

    def communication_lost(
        self, evse_id: int, detail: str = _COMMUNICATION_LOST
    ) -> None:
        """Tell that the vehicle at an EVSE does not talk any more."""
        self._lost_vehicles.add(evse_id)
        self._post_fault(evse_id, FaultCode.EV_COMM_TIMEOUT, detail, is_active=True)

    def report_stop_reason(self, evse_id: int, reason: str | None) -> None:
        """Tell what ended a transaction, where that is a fault."""
        # The end of a transaction names a cause that may be over: it latches, and
        # only what a sensor still reports stays active.
        if reason == STOPPED_BY_EMERGENCY:
            key = self._key(evse_id)
            self._post(EmergencyStopReported(key=key, is_active=True))
            if not self._pressed_stops & {evse_id, WHOLE_STATION}:
                self._post(EmergencyStopReported(key=key, is_active=False))
        code = FAULTS_BY_STOP_REASON.get(reason or "")
        if code is None:
            return
        self._post_fault(evse_id, code, reason or "", is_active=True)
        if not self._sensed_faults & {(evse_id, code), (WHOLE_STATION, code)}:
            self._post_fault(evse_id, code, reason or "", is_active=False)

    def _report_sensed(self, evse_id: int, change: FaultChange) -> None:
        if change.code is FaultCode.EV_COMM_TIMEOUT:
            if change.is_active:
                self.communication_lost(evse_id, change.detail)
            else:
                self.vehicle_found(evse_id)
            return
        sensed = self._sensed_faults
        (sensed.add if change.is_active else sensed.discard)((evse_id, change.code))
        self._post_fault(
            evse_id, change.code, change.detail, is_active=change.is_active
        )

    def _report_emergency(self, evse_id: int, *, is_active: bool) -> None:
        if is_active:
            self._pressed_stops.add(evse_id)
        else:
            self._pressed_stops.discard(evse_id)
        self._post(EmergencyStopReported(key=self._key(evse_id), is_active=is_active))

    def _report_presence(self, evse_id: int, change: PresenceChange) -> None:
        if change.is_there:
            self.vehicle_found(evse_id)
        elif self._has_transaction(evse_id):
            # Without a transaction a vehicle that leaves is no fault.
            self.communication_lost(evse_id, change.detail)

    def vehicle_found(self, evse_id: int) -> None:
        """Tell that a vehicle that was lost talks again, or is gone for good."""
        if evse_id in self._lost_vehicles:
            self._lost_vehicles.discard(evse_id)
            self._post_fault(evse_id, FaultCode.EV_COMM_TIMEOUT, "", is_active=False)

    def _report_handle(self, evse_id: int, temperature_c: float) -> None:
        reading = Reading(
            value=temperature_c,
            received_mono_s=self._clock.monotonic(),
            taken_at=self._clock.utcnow(),
        )
        measurement = Measurement(handle_temperature_c=reading)
        key = self._key(evse_id)
        self._post(MeasurementReported(key=key, measurement=measurement))

    def _report_vehicle_link(self, evse_id: int, told: VehicleLink | None) -> None:
        """Tell how a vehicle talks, if that is news."""
        if told is None:
            return
        key = self._key(evse_id)
        self._post(VehicleLinkReported(key=key, vehicle_link=told))
        fault = (evse_id, FaultCode.PROTOCOL_UNSUPPORTED)
        if told.is_mismatch is not (fault in self._sensed_faults):
            self._report_sensed(
                evse_id,
                FaultChange(
                    evse_id=evse_id,
                    code=FaultCode.PROTOCOL_UNSUPPORTED,
                    is_active=told.is_mismatch,
                    detail=", ".join(told.offered),
                ),
            )

    def _evses_of(self, evse_id: int) -> Iterable[int]:
        return (evse_id,) if evse_id else self._evse_ids()

    def _post_fault(
        self, evse_id: int, code: FaultCode, detail: str, *, is_active: bool
    ) -> None:
        key = self._key(evse_id)
        self._post(
            FaultReported(key=key, code=code, is_active=is_active, detail=detail)
        )

    def _key(self, evse_id: int) -> EvseKey:
        return EvseKey(self._station_id, evse_id)

    def _post(self, event: StationEvent) -> None:
        self._sink.post(event)
