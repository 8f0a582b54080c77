"""Who the vehicle at an EVSE is, and what it said that it can do."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..domain.capability import EvCapability
from .times import parse_time
from .versions import V201

BIDIRECTIONAL_MODES: Final = ("AC_BPT", "DC_BPT", "AC_BPT_DER", "DC_ACDP_BPT")
_CHARGE_MODES: Final = ("AC_single_phase", "AC_two_phase", "AC_three_phase", "DC")
_REMEMBERED_TOKENS: Final = 16
_EVCC_ID: Final = "EVCCID"
_MAC_ADDRESS: Final = "MacAddress"


def allowed_transfer_modes(
    supported: Iterable[str], *, may_discharge: bool
) -> list[str]:
    """Return the energy transfer modes for a vehicle; empty means say nothing.

    Nothing said is charging only, which is right while the modes of the station are
    not known.
    """
    known = tuple(supported)
    if not may_discharge:
        return [mode for mode in known if mode not in BIDIRECTIONAL_MODES]
    return list(known or (*_CHARGE_MODES, *BIDIRECTIONAL_MODES[:2]))


def is_bidirectional(mode: object) -> bool:
    """Return True for an energy transfer mode that can discharge."""
    return mode in BIDIRECTIONAL_MODES


def parse_needs(needs: Mapping[str, Any], protocol: str) -> EvCapability:
    """Return what a NotifyEVChargingNeeds says; magnitudes in W.

    Args:
        needs: its ``chargingNeeds``.
        protocol: of the link: 2.0.1 has words for charging alone, unless the station
            uses those of 2.1.
    """
    requested = needs.get("requestedEnergyTransfer")
    available = needs.get("availableEnergyTransfer") or ()
    v2x = needs.get("v2xChargingParameters") or {}
    told = v2x.get("evMinV2XEnergyRequest")
    minimum_v2x_wh = float(told) if isinstance(told, (int, float)) else None
    can_discharge = is_bidirectional(requested)
    return EvCapability(
        is_bidirectional=can_discharge,
        can_be_bidirectional=can_discharge
        or any(is_bidirectional(mode) for mode in available),
        is_direction_told=protocol != V201.protocol
        or can_discharge
        or "availableEnergyTransfer" in needs,
        max_charge_power_w=_magnitude(v2x, "maxChargePower"),
        max_discharge_power_w=_magnitude(v2x, "maxDischargePower"),
        min_charge_power_w=_magnitude(v2x, "minChargePower"),
        min_discharge_power_w=_magnitude(v2x, "minDischargePower"),
        # Above 0: energy is still missing up to the window (OCPP brief 1.7).
        is_below_v2x_window=minimum_v2x_wh is not None and minimum_v2x_wh > 0,
        v2x_floor_wh=minimum_v2x_wh,
        departure_at=parse_time(needs.get("departureTime")),
    )


class VehicleTracker:
    """Links identification tokens, vehicle ids and EVSEs of one station."""

    def __init__(self) -> None:
        """Know no vehicle."""
        self._ids_by_token: OrderedDict[str, str] = OrderedDict()
        self._unplaced: str | None = None
        self._ids_by_evse: dict[int, str] = {}

    def authorised(self, id_token: Mapping[str, Any]) -> str | None:
        """Note the token of an Authorize; return the vehicle id in it."""
        evcc_id = evcc_id_in(id_token)
        self._unplaced = evcc_id
        if evcc_id is not None:
            self._ids_by_token[str(id_token.get("idToken"))] = evcc_id
            while len(self._ids_by_token) > _REMEMBERED_TOKENS:
                self._ids_by_token.popitem(last=False)
        return evcc_id

    def seen_at(self, evse_id: int, id_token: Mapping[str, Any]) -> str | None:
        """Return the vehicle id of a token that was used at an EVSE, if it is news."""
        evcc_id = evcc_id_in(id_token) or self._ids_by_token.get(
            str(id_token.get("idToken"))
        )
        return self.placed(evse_id, evcc_id)

    def placed(self, evse_id: int, evcc_id: str | None) -> str | None:
        """Note where a vehicle is; return its id if that is news."""
        if evcc_id is None or self._ids_by_evse.get(evse_id) == evcc_id:
            return None
        self._unplaced = None
        self._ids_by_evse[evse_id] = evcc_id
        return evcc_id

    def negotiating_at(self, evse_id: int) -> str | None:
        """Return the id of a vehicle that negotiates, if it is news.

        Its frame names no vehicle: the one that was authorised last and has not been
        placed is meant.
        """
        if evse_id in self._ids_by_evse:
            return None
        return self.placed(evse_id, self._unplaced)

    def at(self, evse_id: int) -> str | None:
        """Return the vehicle id at an EVSE, None when it is not known."""
        return self._ids_by_evse.get(evse_id)

    def unplugged(self, evse_id: int) -> None:
        """Forget who was at an EVSE: the next one may be a guest."""
        self._ids_by_evse.pop(evse_id, None)


def evcc_id_in(id_token: Mapping[str, Any]) -> str | None:
    """Return the vehicle id that a token carries, None when it has none."""
    for info in id_token.get("additionalInfo") or ():
        if info.get("type") == _EVCC_ID:
            return str(info.get("additionalIdToken"))
    if id_token.get("type") == _MAC_ADDRESS:
        return str(id_token.get("idToken")) or None
    return None


def _magnitude(parameters: Mapping[str, Any], name: str) -> float | None:
    value = parameters.get(name)
    is_power = isinstance(value, (int, float)) and value >= 0
    return float(value) if is_power else None  # type: ignore[arg-type]
