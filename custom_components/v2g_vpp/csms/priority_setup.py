"""Give the button for charging now at a 2.1 station something to charge by."""

import logging
from typing import Any, Final

from ..domain.policy import StationLimits
from .charging_profile import PRIORITY_PURPOSE, is_as_wanted, priority_request
from .device_model import ModelSummary
from .link import StationLink
from .reports import ReportInbox
from .stored_profiles import read_profiles
from .versions import V21

_LOGGER = logging.getLogger(__name__)

_UNKNOWN: Final = ("NoProfiles", "Accepted")


class PrioritySetup:
    """The profile of priority charging (K21) of one station on one link."""

    def __init__(
        self,
        link: StationLink,
        summary: ModelSummary,
        inbox: ReportInbox,
        limits: StationLimits,
    ) -> None:
        """Take the link, what the station offers and what its wiring allows."""
        self._link = link
        self._summary = summary
        self._inbox = inbox
        self._limits = limits

    async def run(self) -> None:
        """Install the profile where it is not there yet: writes wear flash."""
        is_offered = PRIORITY_PURPOSE in self._summary.additional_purposes
        if self._link.protocol != V21.protocol or not is_offered:
            return
        request = priority_request(self._limits.max_charge_power_w, self._summary)
        if await self._is_there(request):
            return
        outcome = await self._link.call("SetChargingProfile", request)
        if not outcome.has_status("Accepted"):
            _LOGGER.info("no profile for priority charging: %s", outcome.reason)

    async def _is_there(self, request: dict[str, Any]) -> bool:
        outcome, profiles = await read_profiles(
            self._link, self._inbox, PRIORITY_PURPOSE
        )
        if not outcome.has_status(*_UNKNOWN):
            return False
        wanted = request["chargingProfile"]
        return any(is_as_wanted(profile, wanted) for profile in profiles)
