"""One profile in the store, and the ways to ask for some of them."""

from dataclasses import dataclass

from .schedule import ChargingProfile, Kind, Moment, Purpose, format_time

STATION = 0
"""Number of an EVSE that stands for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTransaction:
    """What the profiles of an EVSE need to know of its transaction."""

    transaction_id: str
    start_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProfile:
    """A profile with what happened to it since it came."""

    evse_id: int
    profile: ChargingProfile
    updated: Moment
    """Installation or last dynamic update: what ``duration`` counts from."""

    is_invalidated: bool = False
    """Offline for too long; only a new SetChargingProfile helps."""

    def is_for(self, evse_id: int) -> bool:
        """Return True when it counts for an EVSE; 0 asks for the whole station."""
        return self.evse_id in {STATION, evse_id}

    def is_unbound_at(self, evse_id: int) -> bool:
        """Return True when it waits there for the transaction of a remote start."""
        profile = self.profile
        is_waiting = profile.purpose is Purpose.TX and profile.transaction_id is None
        return is_waiting and self.evse_id == evse_id

    def wire(self) -> dict[str, object]:
        """Return the profile as ReportChargingProfiles sends it."""
        reported: dict[str, object] = dict(self.profile.wire)
        if self.profile.kind is Kind.DYNAMIC:
            schedule = dict(self.profile.wire["chargingSchedule"][0])
            schedule["chargingSchedulePeriod"] = [
                dict(self.profile.schedule.periods[0].wire)
            ]
            reported["chargingSchedule"] = [schedule]
            reported["dynUpdateTime"] = format_time(self.updated.at)
        return reported


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFilter:
    """Which profiles are meant; fields that are given must all match (K10.FR.03)."""

    profile_ids: frozenset[int] | None = None
    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None

    def matches(self, stored: StoredProfile) -> bool:
        """Return True when a stored profile is meant."""
        profile = stored.profile
        return (
            (self.profile_ids is None or profile.profile_id in self.profile_ids)
            and self.evse_id in {None, stored.evse_id}
            and self.purpose in {None, profile.purpose}
            and self.stack_level in {None, profile.stack_level}
        )
