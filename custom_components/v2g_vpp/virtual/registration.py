"""Whether the CSMS knows the station, which outlives a link but not a reboot."""

from collections.abc import Callable

DEFAULT_INTERVAL_S = 300.0
"""Heartbeat interval until the CSMS gives one."""


class Registration:
    """The state between BootNotification and the next reboot."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Start as after power-up.

        Args:
            on_change: called when a loop of the station has something to do.
        """
        self._on_change = on_change
        self.is_accepted = False
        self.interval_s = DEFAULT_INTERVAL_S
        self.boot_reason = "PowerUp"
        self.boot_count = 0
        self.wants_boot = False
        self.reboot_reason: str | None = None
        """Why a reboot is due; None: none is."""

        self.is_reboot_hard = False
        """True: the mains are gone, nothing is waited for."""

    def accepted(self, interval_s: float) -> None:
        """Note that the CSMS let the station in."""
        self.is_accepted = True
        self.interval_s = interval_s if interval_s > 0 else DEFAULT_INTERVAL_S
        self._on_change()

    def request_boot(self) -> None:
        """Send BootNotification without waiting for the interval."""
        self.wants_boot = True
        self._on_change()

    def request_reboot(self, reason: str, *, is_hard: bool = False) -> None:
        """Reboot, unless it is hard as soon as no transaction runs."""
        self.reboot_reason = reason
        self.is_reboot_hard = is_hard
        self._on_change()

    def booted(self) -> None:
        """Begin anew: the next link starts with BootNotification."""
        self.is_accepted = self.wants_boot = self.is_reboot_hard = False
        self.boot_reason = self.reboot_reason or "PowerUp"
        self.reboot_reason = None
        self.boot_count += 1
