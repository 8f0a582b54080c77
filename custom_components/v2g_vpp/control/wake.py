"""A discharge that was told and does not flow: wake the vehicle, then give it up."""

from enum import StrEnum

from ..domain.capability import Fingerprint
from .stop_ladder import has_stopped

START_UP_S = 60.0
"""From the plug to the first watt vehicles take up to this (control brief)."""


class WakeAction(StrEnum):
    """The stages, the gentlest first."""

    RENEW = "renew"
    """Send the whole profile anew."""

    RESTART = "restart"
    """End the transaction, so that the next one begins with a fresh negotiation."""

    RESTART_AGAIN = "restart_again"
    GIVE_UP = "give_up"
    """Nothing more until the next plug."""


_STAGES = tuple(WakeAction)


class WakeWatch:
    """Watch one EVSE; three wakes are the most that a plug gets."""

    def __init__(self) -> None:
        """Start with a vehicle that is awake."""
        self.reset()

    @property
    def has_failed(self) -> bool:
        """True from the last stage to the next plug."""
        return self._stage >= len(_STAGES)

    def reset(self) -> None:
        """Begin anew: another plug."""
        self._stage = 0
        self._since_mono_s: float | None = None

    def step(
        self,
        told_w: float,
        measured_w: float | None,
        rating_w: float,
        fingerprint: Fingerprint,
        now_mono_s: float,
    ) -> WakeAction | None:
        """Return the stage that is due now, None when none is.

        Args:
            told_w: what the station took, signed; only a discharge is watched.
            measured_w: fresh power, None when stale: then nothing is known.
            rating_w: of the station.
            fingerprint: of the charger.
            now_mono_s: the present.
        """
        if self.has_failed:
            return None
        if told_w >= 0 or measured_w is None:
            self._since_mono_s = None
            return None
        if not has_stopped(measured_w, rating_w, fingerprint):
            # Something flows, which way is for the guards.
            self.reset()
            return None
        if self._since_mono_s is None:
            self._since_mono_s = now_mono_s
        own_s = fingerprint.dead_time_s + abs(told_w) / fingerprint.ramp_w_per_s
        if now_mono_s - self._since_mono_s <= START_UP_S + own_s:
            return None
        action = _STAGES[self._stage]
        self._stage += 1
        self._since_mono_s = None
        return action
