"""Read the charging profiles that a 2.x station holds."""

from collections.abc import Mapping
from typing import Any

from .calls import CallOutcome
from .link import StationLink
from .reports import ReportInbox, ReportKind

type StoredProfile = Mapping[str, Any]
"""As the station reports it, with the ``evseId`` it is for."""


async def read_profiles(
    link: StationLink, inbox: ReportInbox, purpose: str
) -> tuple[CallOutcome, list[StoredProfile]]:
    """Return how the question ended, and the profiles of a purpose."""
    request_id, report = inbox.open(ReportKind.PROFILES)
    try:
        outcome = await link.call(
            "GetChargingProfiles",
            {
                "requestId": request_id,
                "chargingProfile": {"chargingProfilePurpose": purpose},
            },
        )
        if outcome.has_status("Accepted"):
            await report.wait()
    finally:
        inbox.close(request_id)
    return outcome, list(report.items)
