"""Bring a station into a known state: model, floor profile, meter, present state."""

import asyncio
from collections.abc import Mapping
import logging
from typing import Final, Protocol

from .bring_up_2 import BringUp2
from .bring_up_16 import BringUp16
from .link import StationLink
from .station import Station
from .store import BootData
from .versions import V16, V21, V201
from .wording import wording_of

_LOGGER = logging.getLogger(__name__)

BOOT_GRACE_S: Final = 10.0
"""House rule: how long a station that is not registered may take to boot by itself."""

FLOOR_RETRY_S: Final = 60.0
"""House rule: a station that could not confirm the floor is asked again."""

UNSETTLED_RETRY_S: Final = 600.0
"""House rule: what had to wait for the end of a discharge is tried again."""

RECHECK_S: Final = 24 * 3600.0
"""The floor profile is checked daily (OCPP brief 2.2)."""

UNKNOWN_BOOT: Final = BootData(vendor="", model="", serial_number=None, firmware="")
"""Of a station that was registered in a time that is forgotten. The firmware is no
real one, so a proof of discharge made with it ends at the next boot."""


class BringUp(Protocol):
    """What brings a station of one version into a known state."""

    is_settled: bool
    """False while something is left that had to wait."""

    async def run(self) -> bool:
        """Return True when the floor profile is confirmed on this link."""
        ...


class _MakeBringUp(Protocol):
    def __call__(self, station: Station, link: StationLink) -> BringUp:
        """Return the work for one link."""
        ...


_BRING_UPS: Final[Mapping[str, _MakeBringUp]] = {
    V21.protocol: BringUp2,
    V201.protocol: BringUp2,
    V16.protocol: BringUp16,
}


class Provisioner:
    """Works through one link of one station, for as long as the link lives."""

    def __init__(self, station: Station, link: StationLink) -> None:
        """Take the station and its present link; nothing is sent yet."""
        self._station = station
        self._link = link
        self._attention = station.needs_attention
        self._bring_up = _BRING_UPS[link.protocol](station, link)

    async def run(self) -> None:
        """Bring the station up, and again after every reboot; ends with the link."""
        wait_s = BOOT_GRACE_S
        while True:
            await self._wait_for_attention(wait_s)
            if not self._station.is_registered:
                await self._ask_to_boot()
                wait_s = BOOT_GRACE_S
                continue
            if self._station.certificates is not None:
                self._station.certificates.look(
                    self._station.login.certificate, self._link
                )
            try:
                has_floor = await self._bring_up.run()
            except Exception:
                # Without this step there is no discharge; the link goes on.
                _LOGGER.exception("%s: set-up failed", self._station.station_id)
                has_floor = False
            wait_s = self._wait_s(has_floor=has_floor)

    def _wait_s(self, *, has_floor: bool) -> float:
        if not has_floor:
            return FLOOR_RETRY_S
        return RECHECK_S if self._bring_up.is_settled else UNSETTLED_RETRY_S

    async def _wait_for_attention(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._attention.wait()
        except TimeoutError:
            return
        self._attention.clear()

    async def _ask_to_boot(self) -> None:
        """Recover a station whose registration was lost: it may never boot again.

        A station that was accepted before has to refuse this (F06.FR.17), for example
        when the integration was removed and added again. It showed its password, so
        it is taken as registered; what it is comes with its next boot.
        """
        request = wording_of(self._link.protocol).trigger("BootNotification")
        outcome = await self._link.call(*request)
        if outcome.has_status("Rejected") and not self._station.is_registered:
            _LOGGER.info(
                "%s: was registered before, taken over", self._station.station_id
            )
            self._station.boot(UNKNOWN_BOOT)
