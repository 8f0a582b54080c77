"""How the vehicles at one station talk to it, put together from single variables."""

from dataclasses import replace
from typing import Final

from ..domain.vehicle_link import VehicleLink
from .fault_mapping import VehicleLinkChange

MAX_OFFERED: Final = 8
"""House rule: more protocols than any vehicle has."""

MAX_TEXT: Final = 100


class VehicleLinks:
    """One link per EVSE."""

    def __init__(self) -> None:
        """Know nothing."""
        self._links: dict[int, VehicleLink] = {}
        self._offers: dict[int, dict[str, str]] = {}

    def changed(self, evse_id: int, change: VehicleLinkChange) -> VehicleLink | None:
        """Return the link after a variable changed, None when that is no news."""
        before = self._links.get(evse_id, VehicleLink())
        after = before
        if change.pilot_state is not None:
            after = replace(after, pilot_state=change.pilot_state[:MAX_TEXT])
        if change.protocol is not None:
            after = replace(after, protocol=change.protocol[:MAX_TEXT])
        if change.offered is not None:
            after = replace(after, offered=self._offered(evse_id, *change.offered))
        self._links[evse_id] = after
        return None if after == before else after

    def unplugged(self, evse_id: int) -> VehicleLink | None:
        """Forget the vehicle; return the link without it, None when that is no news."""
        self._offers.pop(evse_id, None)
        before = self._links.get(evse_id, VehicleLink())
        after = VehicleLink(pilot_state=before.pilot_state)
        self._links[evse_id] = after
        return None if after == before else after

    def _offered(self, evse_id: int, rank: str, name: str) -> tuple[str, ...]:
        offers = self._offers.setdefault(evse_id, {})
        if name:
            offers[rank] = name[:MAX_TEXT]
        else:
            offers.pop(rank, None)
        while len(offers) > MAX_OFFERED:
            offers.popitem()
        return tuple(offers[known] for known in sorted(offers))
