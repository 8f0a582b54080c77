"""The profile store of a station, as the text of OCPP 2.1 demands.

The traps that decide safety: nothing installed, or the last one cleared, means charging
without limit; a dynamic profile acts no longer than its ``duration`` after its last
update (K28.FR.13, FR.15); an update makes it eligible again (FR.14) unless it was
invalidated while the station was offline.
"""

from dataclasses import replace
from datetime import timedelta

from .composition import Leader, OperatingPoint, compose
from .profile_rules import (
    Rejection,
    RuleContext,
    reason_to_reject,
    reason_to_reject_setpoint,
)
from .schedule import (
    SETPOINT_MODES,
    ChargingProfile,
    Kind,
    Moment,
    OperationMode,
    Period,
    Purpose,
    WireObject,
)
from .stored_profile import ProfileFilter, RunningTransaction, StoredProfile

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
CAPS = (Purpose.STATION_MAX, Purpose.EXTERNAL_CONSTRAINTS)


class ProfileStore:
    """All profiles of one station; those of EVSE 0 are for each of its EVSEs."""

    def __init__(self) -> None:
        """Start empty: charging without limit."""
        self.is_expiry_ignored = False
        """A misbehaviour: dynamic profiles never end."""

        self.prioritised: set[int] = set()
        """EVSEs with priority charging: its profile comes before all others there."""

        self._stored: dict[int, StoredProfile] = {}
        self._running: dict[int, RunningTransaction] = {}
        self._offline_since_mono_s: float | None = None

    # Commands of the CSMS

    def install(
        self, profile: ChargingProfile, context: RuleContext, now: Moment
    ) -> Rejection | None:
        """Install or replace a profile; return why not, None when it is in."""
        rejection = reason_to_reject(profile, context) or self._conflict(
            profile, context
        )
        if rejection is not None:
            return rejection
        self._stored[profile.profile_id] = StoredProfile(
            evse_id=context.evse_id, profile=profile, updated=now
        )
        return None

    def replace(
        self, profile: ChargingProfile, context: RuleContext, now: Moment
    ) -> Rejection | None:
        """Install a profile in place of those of its purpose and stack level (1.6)."""
        rejection = reason_to_reject(profile, context)
        if rejection is not None:
            return rejection
        self.clear(
            ProfileFilter(
                evse_id=context.evse_id,
                purpose=profile.purpose,
                stack_level=profile.stack_level,
            )
        )
        return self.install(profile, context, now)

    def update(
        self,
        profile_id: int,
        update: WireObject,
        now: Moment,
        *,
        is_bidirectional: bool,
    ) -> Rejection | None:
        """Apply a dynamic update; return why not, None when it acts (K28.FR.06).

        Raises:
            ValueError: for a number that is not finite.
        """
        self._note_offline_expiry(now)
        stored = self._stored.get(profile_id)
        if stored is None or stored.is_invalidated:
            return Rejection(reason_code="NotFound", detail="no such valid profile")
        if stored.profile.kind is not Kind.DYNAMIC:
            return Rejection(reason_code="InvalidProfile", detail="not Dynamic")
        period = stored.profile.schedule.periods[0]
        rejection = _reason_to_reject_update(period, update)
        newer = period.updated_by(update)
        rejection = rejection or reason_to_reject_setpoint(
            newer.setpoint, is_bidirectional=is_bidirectional
        )
        if rejection is not None:
            return rejection
        schedule = replace(stored.profile.schedule, periods=(newer,))
        self._stored[profile_id] = replace(
            stored,
            profile=replace(stored.profile, schedules=(schedule,)),
            updated=now,
        )
        return None

    def clear(self, wanted: ProfileFilter) -> bool:
        """Remove what matches; external constraints stay (K10.FR.06)."""
        doomed = [
            stored.profile.profile_id
            for stored in self.select(wanted)
            if stored.profile.purpose is not Purpose.EXTERNAL_CONSTRAINTS
        ]
        for profile_id in doomed:
            del self._stored[profile_id]
        return bool(doomed)

    def select(self, wanted: ProfileFilter) -> tuple[StoredProfile, ...]:
        """Return the profiles that match, by id."""
        return tuple(
            stored
            for _, stored in sorted(self._stored.items())
            if wanted.matches(stored)
        )

    # What happens to the station

    def transaction_started(
        self, evse_id: int, transaction_id: str, now: Moment
    ) -> None:
        """Bind a profile that came with a remote start, and note the beginning."""
        self._running[evse_id] = RunningTransaction(
            transaction_id=transaction_id, start_mono_s=now.mono_s
        )
        for profile_id, stored in self._stored.items():
            profile = stored.profile
            if stored.is_unbound_at(evse_id):
                wire = {**profile.wire, "transactionId": transaction_id}
                self._stored[profile_id] = replace(
                    stored,
                    profile=replace(profile, transaction_id=transaction_id, wire=wire),
                )

    def transaction_ended(self, evse_id: int) -> None:
        """Drop the profiles of the transaction: they end with it."""
        self._running.pop(evse_id, None)
        self.prioritised.discard(evse_id)
        self.clear(ProfileFilter(purpose=Purpose.TX, evse_id=evse_id))

    def forget_unbound(self, evse_id: int) -> None:
        """Drop a profile whose remote start never became a transaction."""
        for profile_id, stored in list(self._stored.items()):
            if stored.is_unbound_at(evse_id):
                del self._stored[profile_id]

    def rebooted(self) -> None:
        """Keep what is persistent; a TxProfile is not (OCPP 2.1)."""
        self._running.clear()
        self.prioritised.clear()
        self.clear(ProfileFilter(purpose=Purpose.TX))

    def went_offline(self, now: Moment) -> None:
        """Note that the link is gone: from here ``maxOfflineDuration`` counts."""
        if self._offline_since_mono_s is None:
            self._offline_since_mono_s = now.mono_s

    def came_online(self, now: Moment) -> None:
        """Note that the link is back."""
        self._note_offline_expiry(now)
        self._offline_since_mono_s = None

    # What follows from it

    def operating_point(self, evse_id: int, phases: int, now: Moment) -> OperatingPoint:
        """Return what the profiles that lead now ask of an EVSE."""
        self._note_offline_expiry(now)
        session = None
        is_running = evse_id in self._running
        if is_running and evse_id in self.prioritised:
            session = self._leader(Purpose.PRIORITY, evse_id, now)
        if is_running and session is None:
            session = self._leader(Purpose.TX, evse_id, now)
        session = session or self._leader(Purpose.TX_DEFAULT, evse_id, now)
        caps = (self._leader(purpose, evse_id, now) for purpose in CAPS)
        return compose(
            session,
            (cap for cap in caps if cap is not None),
            phases,
            share=1 / max(len(self._running), 1),
        )

    def has_tx_profile(self, evse_id: int) -> bool:
        """Return True when the CSMS gave the running transaction a profile."""
        return bool(self.select(ProfileFilter(purpose=Purpose.TX, evse_id=evse_id)))

    def has_priority_profile(self, evse_id: int, now: Moment) -> bool:
        """Return True when there is something to give priority to (K21)."""
        return self._leader(Purpose.PRIORITY, evse_id, now) is not None

    def edges_s(self, evse_id: int, now: Moment, horizon_s: float) -> list[float]:
        """Return when within the horizon the operating point may change, s from now."""
        edges = {0.0}
        for stored in self._stored.values():
            if not stored.is_for(evse_id):
                continue
            if stored.profile.kind is Kind.DYNAMIC:
                duration_s = stored.profile.schedule.duration_s
                if duration_s is not None:
                    edges.add(stored.updated.mono_s + duration_s - now.mono_s)
                continue
            elapsed_s = self._elapsed_s(stored, evse_id, now)
            schedule = stored.profile.schedule
            starts = [period.start_s for period in schedule.periods]
            if schedule.duration_s is not None:
                starts.append(schedule.duration_s)
            edges.update(start_s - elapsed_s for start_s in starts)
            edges.add(-elapsed_s)
            for limit_at in (stored.profile.valid_from, stored.profile.valid_to):
                if limit_at is not None:
                    edges.add((limit_at - now.at).total_seconds())
        return sorted(edge for edge in edges if 0.0 <= edge < horizon_s)

    def due_pulls(self, now: Moment) -> tuple[int, ...]:
        """Return the profiles whose values must be asked for now (K28.FR.10)."""
        return tuple(
            profile_id
            for profile_id, stored in self._stored.items()
            if stored.profile.kind is Kind.DYNAMIC
            and stored.profile.update_interval_s
            and now.mono_s - stored.updated.mono_s >= stored.profile.update_interval_s
            and not stored.is_invalidated
        )

    def _leader(self, purpose: Purpose, evse_id: int, now: Moment) -> Leader | None:
        candidates = sorted(
            (
                stored
                for stored in self._stored.values()
                if stored.profile.purpose is purpose and stored.is_for(evse_id)
            ),
            key=lambda s: (s.profile.stack_level, s.evse_id),
            reverse=True,
        )
        for stored in candidates:
            period = self._period_now(stored, evse_id, now)
            if period is not None:
                return Leader(
                    profile_id=stored.profile.profile_id,
                    schedule=stored.profile.schedule,
                    period=period,
                )
        return None

    def _period_now(
        self, stored: StoredProfile, evse_id: int, now: Moment
    ) -> Period | None:
        profile = stored.profile
        if not self._is_eligible(stored, evse_id, now):
            return None
        elapsed_s = self._elapsed_s(stored, evse_id, now)
        duration_s = profile.schedule.duration_s
        if self.is_expiry_ignored and profile.kind is Kind.DYNAMIC:
            duration_s = None
        if elapsed_s < 0 or (duration_s is not None and elapsed_s >= duration_s):
            return None
        periods = profile.schedule.periods
        if profile.kind is Kind.DYNAMIC:
            return periods[0]
        return next(p for p in reversed(periods) if p.start_s <= elapsed_s)

    def _is_eligible(self, stored: StoredProfile, evse_id: int, now: Moment) -> bool:
        profile = stored.profile
        running = self._running.get(evse_id)
        is_for_other_transaction = profile.purpose is Purpose.TX and (
            running is None or profile.transaction_id != running.transaction_id
        )
        return not (
            stored.is_invalidated
            or self._is_offline_too_long(profile, now)
            or is_for_other_transaction
            or (profile.valid_from is not None and now.at < profile.valid_from)
            or (profile.valid_to is not None and now.at >= profile.valid_to)
        )

    def _elapsed_s(self, stored: StoredProfile, evse_id: int, now: Moment) -> float:
        profile, start_at = stored.profile, stored.profile.schedule.start_at
        if profile.kind is Kind.DYNAMIC:
            return now.mono_s - stored.updated.mono_s
        if start_at is None:
            running = self._running.get(evse_id)
            # Without a transaction a relative schedule is shown as if one began now.
            return 0.0 if running is None else now.mono_s - running.start_mono_s
        elapsed_s = (now.at - start_at) / timedelta(seconds=1)
        if profile.kind is Kind.RECURRING and elapsed_s >= 0:
            return elapsed_s % (WEEK_S if profile.is_weekly else DAY_S)
        return elapsed_s

    def _is_offline_too_long(self, profile: ChargingProfile, now: Moment) -> bool:
        return (
            profile.max_offline_s is not None
            and self._offline_since_mono_s is not None
            and now.mono_s - self._offline_since_mono_s >= profile.max_offline_s
        )

    def _note_offline_expiry(self, now: Moment) -> None:
        for profile_id, stored in self._stored.items():
            profile = stored.profile
            if (
                profile.is_invalid_after_offline
                and not stored.is_invalidated
                and self._is_offline_too_long(profile, now)
            ):
                self._stored[profile_id] = replace(stored, is_invalidated=True)

    def _conflict(
        self, profile: ChargingProfile, context: RuleContext
    ) -> Rejection | None:
        """Judge K01.FR.06 and FR.39: one profile per stack level and purpose."""
        for stored in self._stored.values():
            other = stored.profile
            if other.profile_id == profile.profile_id:
                if other.purpose is Purpose.EXTERNAL_CONSTRAINTS:
                    return Rejection(
                        reason_code="InvalidProfileId", detail="external constraint"
                    )
                continue
            if (other.purpose, other.stack_level, stored.evse_id) == (
                profile.purpose,
                profile.stack_level,
                context.evse_id,
            ) and _overlap(profile, other):
                return Rejection(
                    reason_code="DuplicateProfile",
                    detail=f"profile {other.profile_id} has this stack level",
                )
        return None


def _reason_to_reject_update(period: Period, update: WireObject) -> Rejection | None:
    """Judge whether the values of an update go with the mode of the period."""
    allowed = {"limit"}
    if period.mode in SETPOINT_MODES:
        allowed = {"setpoint"}
    elif period.mode is OperationMode.IDLE:
        allowed = set()
    given = {name for name in update if name != "customData"}
    if not given or not given <= allowed:
        return Rejection(
            reason_code="InvalidSchedule",
            detail=f"{period.mode} takes {', '.join(sorted(allowed)) or 'no values'}",
        )
    limit = update.get("limit")
    if limit is not None and limit < 0:
        return Rejection(reason_code="InvalidSchedule", detail="limit below 0")
    return None


def _overlap(first: ChargingProfile, second: ChargingProfile) -> bool:
    """Return True when two profiles can be valid at the same time."""
    for earlier, later in ((first, second), (second, first)):
        if (
            earlier.valid_to is not None
            and later.valid_from is not None
            and earlier.valid_to <= later.valid_from
        ):
            return False
    return True
