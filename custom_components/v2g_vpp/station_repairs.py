"""Repairs of what a charger was found to do: with the owner's next step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .domain.faults import FaultCode, SizeHint
from .domain.guarantee import LONGEST_UNGUARDED_S
from .domain.self_test import ProofLoss
from .domain.snapshot import (
    EvseSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from .domain.state import ClockState
from .wiring_repairs import contradiction_issue, self_test_issue, shown_values

FAULT_ISSUES: Final[Mapping[FaultCode, str]] = {
    FaultCode.STATION_DOES_NOT_STOP: "station_does_not_stop",
    FaultCode.WRONG_DIRECTION: "wrong_direction",
    FaultCode.WRONG_SIZE: "wrong_size",
    FaultCode.UNCOMMANDED_DISCHARGE: "uncommanded_discharge",
    FaultCode.METERS_CONTRADICT: "meters_contradict",
}
SIZE_ISSUES: Final[Mapping[SizeHint, str]] = {
    SizeHint.THRICE: "wrong_size_thrice",
    SizeHint.A_THIRD: "wrong_size_a_third",
    SizeHint.THOUSANDFOLD: "wrong_size_thousandfold",
    SizeHint.UNKNOWN: "wrong_size",
}
NO_GUARANTEE: Final = "no_guarantee"
NOT_BIDIRECTIONAL: Final = "vehicle_not_bidirectional"

LOST_PROOF: Final = "proof_lost_"
"""How the repairs of a lost proof begin, before the outlet."""

PROOF_ISSUES: Final[Mapping[ProofLoss, str]] = {
    ProofLoss.FIRMWARE_CHANGED: "proof_lost_firmware_changed",
    ProofLoss.DIALECT_CHANGED: "proof_lost_dialect_changed",
    ProofLoss.STOPS_TOO_LATE: "proof_lost_stops_too_late",
    ProofLoss.STORE_UNREADABLE: "proof_lost_store_unreadable",
    ProofLoss.SELF_TEST_FAILED: "proof_lost_self_test_failed",
    ProofLoss.DOES_NOT_STOP: "proof_lost_does_not_stop",
    ProofLoss.WRONG_DIRECTION: "proof_lost_wrong_direction",
    ProofLoss.WRONG_SIZE: "proof_lost_wrong_size",
    ProofLoss.UNCOMMANDED_DISCHARGE: "proof_lost_uncommanded_discharge",
    ProofLoss.METERS_CONTRADICT: "proof_lost_meters_contradict",
    ProofLoss.CONTACTOR_WELDED: "proof_lost_contactor_welded",
}
CLOCK_ISSUE: Final = "clock_"
"""How the repairs of a clock begin, before the charger's identity."""

CLOCK_BEHIND: Final = "clock_behind"
CLOCK_ISSUES: Final[Mapping[ClockState, str]] = {
    ClockState.WRONG: "clock_wrong",
    ClockState.UNSTEADY: "clock_unsteady",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issue:
    issue_id: str
    key: str
    values: tuple[tuple[str, str], ...]
    severity: ir.IssueSeverity = ir.IssueSeverity.ERROR
    data: tuple[tuple[str, str | int], ...] = ()
    """For its dialog; empty: the owner puts it right elsewhere."""


def show_station_problems(hass: HomeAssistant) -> Callable[[SiteSnapshot], None]:
    """Return what raises and clears the repairs of a picture; told once each."""
    shown: dict[str, _Issue] = {}

    @callback
    def look(snapshot: SiteSnapshot) -> None:
        wanted = {issue.issue_id: issue for issue in _issues(snapshot)}
        for issue_id in shown.keys() - wanted.keys():
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        for issue in wanted.values():
            if shown.get(issue.issue_id) != issue:
                ir.async_create_issue(
                    hass,
                    DOMAIN,
                    issue.issue_id,
                    data=dict(issue.data) or None,
                    is_fixable=bool(issue.data),
                    severity=issue.severity,
                    translation_key=issue.key,
                    translation_placeholders=dict(issue.values),
                )
        shown.clear()
        shown.update(wanted)

    return look


def _issues(snapshot: SiteSnapshot) -> Iterator[_Issue]:
    for evse in snapshot.evses:
        yield from _evse_issues(evse)
    for vehicle in snapshot.vehicles:
        if _is_refusing(vehicle):
            yield _Issue(
                issue_id=f"{NOT_BIDIRECTIONAL}_{vehicle.spec.vehicle_id}",
                key=NOT_BIDIRECTIONAL,
                values=(("vehicle", vehicle.spec.name),),
                severity=ir.IssueSeverity.WARNING,
            )
    for station in snapshot.stations:
        if station.is_clock_in_the_way:
            yield _clock_issue(station)


def _clock_issue(station: StationSnapshot) -> _Issue:
    offset_s = station.clock_offset_s or 0.0
    key, shown = CLOCK_BEHIND, ("behind", f"{-offset_s:.0f}")
    if not station.is_clock_behind:
        key, shown = CLOCK_ISSUES[station.clock_state], ("offset", f"{offset_s:.0f}")
    return _Issue(
        issue_id=f"{CLOCK_ISSUE}{station.station_id}",
        key=key,
        values=(("station", station.station_id), shown),
    )


def _is_refusing(vehicle: VehicleSnapshot) -> bool:
    """Return True for a car that may discharge, is plugged in, and offers none."""
    is_wanted = vehicle.evse is not None and vehicle.policy.is_discharge_allowed
    return is_wanted and vehicle.is_v2g_capable is False


def _evse_issues(evse: EvseSnapshot) -> Iterator[_Issue]:
    """Yield what is wrong with an outlet; what comes of it only once that is over."""
    found = [
        _fault_issue(evse, fault) for fault in evse.faults if fault in FAULT_ISSUES
    ]
    failed = _self_test_issue(evse)
    if failed is not None:
        found.append(failed)
    if not found and evse.proof is not None and not evse.proof.ends_by_itself:
        found.append(_no_guarantee_issue(evse))
    if not found and evse.lost_proof is not None:
        found.append(_lost_proof_issue(evse, evse.lost_proof))
    yield from found


def _no_guarantee_issue(evse: EvseSnapshot) -> _Issue:
    return _Issue(
        issue_id=f"{NO_GUARANTEE}_{evse.key.station_id}_{evse.key.evse_id}",
        key=NO_GUARANTEE,
        values=(*_place(evse), ("minutes", f"{LONGEST_UNGUARDED_S / 60:.0f}")),
        severity=ir.IssueSeverity.WARNING,
    )


def _lost_proof_issue(evse: EvseSnapshot, loss: ProofLoss) -> _Issue:
    key = evse.key
    return _Issue(
        issue_id=f"{LOST_PROOF}{key.station_id}_{key.evse_id}",
        key=PROOF_ISSUES[loss],
        values=_place(evse),
        severity=ir.IssueSeverity.WARNING,
        data=(("station", key.station_id), ("evse", key.evse_id)),
    )


def _self_test_issue(evse: EvseSnapshot) -> _Issue | None:
    key = self_test_issue(evse.self_test)
    if key is None:
        return None
    return _Issue(
        issue_id=f"self_test_wiring_{evse.key.station_id}_{evse.key.evse_id}",
        key=key,
        values=(*_place(evse), *shown_values(evse.self_test.wiring)),
        severity=ir.IssueSeverity.WARNING,
    )


def _place(evse: EvseSnapshot) -> tuple[tuple[str, str], ...]:
    return ("station", evse.key.station_id), ("evse", str(evse.key.evse_id))


def _fault_issue(evse: EvseSnapshot, fault: FaultCode) -> _Issue:
    key = FAULT_ISSUES[fault]
    if fault is FaultCode.WRONG_SIZE:
        key = SIZE_ISSUES[evse.size_hint]
    values = _place(evse)
    if fault is FaultCode.METERS_CONTRADICT:
        key = contradiction_issue(evse.wiring_finding)
        values = (*values, *shown_values(evse.wiring_finding))
    is_worst = fault is FaultCode.STATION_DOES_NOT_STOP
    return _Issue(
        issue_id=f"{FAULT_ISSUES[fault]}_{evse.key.station_id}_{evse.key.evse_id}",
        key=key,
        values=values,
        severity=ir.IssueSeverity.CRITICAL if is_worst else ir.IssueSeverity.ERROR,
    )
