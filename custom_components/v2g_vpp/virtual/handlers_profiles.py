"""Answers to the smart charging messages of the CSMS."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from .composition import OperatingPoint
from .config import Fault
from .evse import Evse
from .hardware import Hardware
from .jobs import Jobs
from .ocpp_package import Action, call, call_result, on
from .peer import Peer
from .profile_context import context_of
from .profile_rules import RATE_UNITS, Rejection
from .quirks import reason_to_dislike, reason_to_dislike_power
from .schedule import (
    NOMINAL_VOLTAGE_V,
    OperationMode,
    Purpose,
    WireObject,
    format_time,
    parse_profile,
)
from .stored_profile import ProfileFilter, StoredProfile

PROFILE_SOURCE = "CSO"
"""Charging limit source of what a CSMS installed."""


class ProfileHandlers:
    """Charging profiles, dynamic updates and what follows from them."""

    def __init__(self, hardware: Hardware, jobs: Jobs) -> None:
        """Act on all EVSEs; reports are sent later, as jobs."""
        self._hardware = hardware
        self._jobs = jobs

    @on(Action.set_charging_profile)
    def on_set_charging_profile(
        self, evse_id: int, charging_profile: WireObject, **_: Any
    ) -> Any:
        """Install a profile, or say why not."""
        hardware = self._hardware
        hardware.advance()
        profile = parse_profile(charging_profile)
        rejection = reason_to_dislike(
            hardware.faults, hardware.minimum_w(evse_id), charging_profile
        )
        if rejection is None and Fault.IGNORE_UPDATES not in hardware.faults:
            rejection = hardware.profiles.install(
                profile, context_of(hardware, evse_id), hardware.now()
            )
            hardware.profiles_changed()
        return call_result.SetChargingProfile(**_answer(rejection))

    @on(Action.update_dynamic_schedule)
    def on_update_dynamic_schedule(
        self, charging_profile_id: int, schedule_update: WireObject, **_: Any
    ) -> Any:
        """Apply new values to a dynamic profile."""
        hardware = self._hardware
        rejection = reason_to_dislike_power(
            hardware.faults,
            hardware.minimum_w(hardware.evse_of_profile(charging_profile_id)),
            schedule_update,
        )
        if rejection is None:
            rejection = hardware.update_profile(charging_profile_id, schedule_update)
        return call_result.UpdateDynamicSchedule(**_answer(rejection))

    @on(Action.clear_charging_profile)
    def on_clear_charging_profile(
        self,
        charging_profile_id: int | None = None,
        charging_profile_criteria: WireObject | None = None,
        **_: Any,
    ) -> Any:
        """Remove profiles; a request that names none clears none (K10.FR.02)."""
        hardware = self._hardware
        hardware.advance()
        if charging_profile_id is None and charging_profile_criteria is None:
            return call_result.ClearChargingProfile(status="Unknown")
        ids = None if charging_profile_id is None else frozenset({charging_profile_id})
        is_found = hardware.profiles.clear(
            _filter(charging_profile_criteria or {}, profile_ids=ids)
        )
        hardware.profiles_changed()
        return call_result.ClearChargingProfile(
            status="Accepted" if is_found else "Unknown"
        )

    @on(Action.get_charging_profiles)
    def on_get_charging_profiles(
        self,
        request_id: int,
        charging_profile: WireObject,
        evse_id: int | None = None,
        **_: Any,
    ) -> Any:
        """Report the profiles that are asked for."""
        ids = charging_profile.get("chargingProfileId")
        sources = charging_profile.get("chargingLimitSource")
        found = self._hardware.profiles.select(
            _filter(
                charging_profile,
                profile_ids=None if ids is None else frozenset(ids),
                evse_id=evse_id,
            )
        )
        if not found or (sources is not None and PROFILE_SOURCE not in sources):
            return call_result.GetChargingProfiles(status="NoProfiles")

        async def report(peer: Peer) -> None:
            await _report_profiles(peer, request_id, found)

        self._jobs.post(report)
        return call_result.GetChargingProfiles(status="Accepted")

    @on(Action.get_composite_schedule)
    def on_get_composite_schedule(
        self,
        duration: int,
        evse_id: int,
        charging_rate_unit: str = "W",
        **_: Any,
    ) -> Any:
        """Return what the profiles give over the time asked for (K08)."""
        schedule = self.composite(evse_id, duration, charging_rate_unit)
        if schedule is None:
            return call_result.GetCompositeSchedule(status="Rejected")
        return call_result.GetCompositeSchedule(status="Accepted", schedule=schedule)

    def composite(
        self, evse_id: int, duration: int, unit: str
    ) -> dict[str, Any] | None:
        """Return the schedule from now on in 2.x form; None for what is not known.

        What several EVSEs take together is nothing that this station adds up.
        """
        hardware = self._hardware
        hardware.advance()
        meant = hardware.meant(evse_id)
        if len(meant) != 1 or unit not in RATE_UNITS:
            return None
        (evse,) = meant
        now, profiles, phases = evse.now(), evse.profiles, evse.config.phases
        periods: list[dict[str, Any]] = []
        for start_s in profiles.edges_s(evse.evse_id, now, duration):
            then = now.later_by(start_s)
            point = profiles.operating_point(evse.evse_id, phases, then)
            period = _period(evse, point, unit)
            if not periods or _without_start(periods[-1]) != period:
                periods.append({"startPeriod": ceil(start_s), **period})
        return {
            "evseId": evse_id,
            "duration": duration,
            "scheduleStart": format_time(now.at),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": periods,
        }


def _answer(rejection: Rejection | None) -> dict[str, Any]:
    if rejection is None:
        return {"status": "Accepted"}
    return {
        "status": "Rejected",
        "status_info": {
            "reasonCode": rejection.reason_code,
            "additionalInfo": rejection.detail,
        },
    }


def _filter(
    wire: WireObject, *, profile_ids: frozenset[int] | None, evse_id: int | None = None
) -> ProfileFilter:
    purpose = wire.get("chargingProfilePurpose")
    return ProfileFilter(
        profile_ids=profile_ids,
        evse_id=wire.get("evseId", evse_id),
        purpose=None if purpose is None else Purpose(purpose),
        stack_level=wire.get("stackLevel"),
    )


def _period(evse: Evse, point: OperatingPoint, unit: str) -> dict[str, Any]:
    config = evse.config
    scale = NOMINAL_VOLTAGE_V * config.phases if unit == "A" else 1.0
    period: dict[str, Any] = {}
    if evse.log.has_operation_modes:
        period["operationMode"] = point.mode
    if point.mode is OperationMode.CHARGING_ONLY:
        limit_w = (
            config.plant.max_charge_power_w if point.limit_w is None else point.limit_w
        )
        period["limit"] = round(limit_w / scale, 3)
        period["numberPhases"] = config.phases
    elif point.setpoint_w is not None:
        command_w = point.command_w(
            config.plant.max_charge_power_w,
            config.plant.max_discharge_power_w,
            is_bidirectional=True,
        )
        period["setpoint"] = round(command_w / scale, 3)
        period["numberPhases"] = config.phases
    return period


def _without_start(period: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in period.items() if name != "startPeriod"}


async def _report_profiles(
    peer: Peer, request_id: int, found: tuple[StoredProfile, ...]
) -> None:
    """Send one message per EVSE, as its ``evseId`` is of the whole message."""
    evse_ids = sorted({stored.evse_id for stored in found})
    for evse_id in evse_ids:
        await peer.call(
            call.ReportChargingProfiles(
                request_id=request_id,
                charging_limit_source=PROFILE_SOURCE,
                evse_id=evse_id,
                charging_profile=[
                    stored.wire() for stored in found if stored.evse_id == evse_id
                ],
                tbc=evse_id != evse_ids[-1],
            )
        )
