"""What EV and station say to the CSMS before power flows (OCPP 2.1 Q01, Q02)."""

import logging
from typing import Any

from ..domain.units import share_of
from .evse import Evse
from .ocpp_package import call
from .peer import CallRefused, Peer
from .transaction import TRANSFER_REJECTED

_LOGGER = logging.getLogger(__name__)

BIDIRECTIONAL_TRANSFER = "AC_BPT"
TARGET_SOC_PERCENT = 80
"""What the EV asks for; the CSMS may know better."""

V2X_FLOOR_PERCENT = 10
V2X_CEILING_PERCENT = 90
"""The window that the EV itself sets for giving power."""


async def authorize(evse: Evse, peer: Peer) -> None:
    """Ask whether the vehicle may charge, and start its transaction.

    A CSMS that does not answer leaves the vehicle waiting: nothing is authorized
    offline.
    """
    remote_start = evse.admission.remote_start
    id_token: dict[str, Any] = (
        dict(remote_start.id_token)
        if remote_start is not None
        else {"idToken": evse.config.id_token, "type": "ISO14443"}
    )
    asked = id_token
    if evse.config.evcc_id is not None:
        vehicle = {"additionalIdToken": evse.config.evcc_id, "type": "EVCCID"}
        asked = {**id_token, "additionalInfo": [vehicle]}
    if not evse.admission.may_use_reservation(id_token):
        evse.admission.refuse()
        return
    answer = await peer.call(call.Authorize(id_token=asked))
    if not evse.wants_authorization():
        return
    if answer["idTokenInfo"]["status"] != "Accepted":
        evse.admission.refuse()
        return
    evse.start_transaction(id_token, frozenset(answer.get("allowedEnergyTransfer", ())))


async def state_needs(evse: Evse, peer: Peer) -> None:
    """Tell the EV's charging needs; power may flow when they were answered."""
    transaction = evse.transaction
    if transaction is None:
        return
    is_bidirectional = evse.takes_negative_limits() or (
        peer.version == "2.1"
        and evse.config.is_v2x_capable
        and evse.is_v2x_enabled()
        and BIDIRECTIONAL_TRANSFER in transaction.allowed_transfer
    )
    needs = (
        _needs(evse, is_bidirectional=is_bidirectional)
        if peer.version == "2.1"
        else _needs_2_0_1(evse)
    )
    evse.needs_stated(is_bidirectional=is_bidirectional)
    try:
        answer = await peer.call(
            call.NotifyEVChargingNeeds(evse_id=evse.evse_id, charging_needs=needs)
        )
    except CallRefused as err:
        # The default profile rules, as after NoChargingProfile.
        _LOGGER.debug("%s: %s", peer.id, err)
        answer = {"status": "NoChargingProfile"}
    if evse.transaction is None or (
        evse.transaction.transaction_id != transaction.transaction_id
    ):
        return
    if answer["status"] == "Rejected":
        evse.stop_transaction(TRANSFER_REJECTED)
    else:
        is_profile_promised = answer["status"] in {"Accepted", "Processing"}
        evse.needs_answered(
            wait_s=evse.config.profile_wait_s if is_profile_promised else 0.0
        )


def _energy_to(evse: Evse, soc_percent: float) -> float:
    """Return the energy at the cells from now to a state of charge, Wh, signed."""
    battery = evse.path.battery
    goal_wh = share_of(soc_percent, battery.parameters.capacity_wh)
    return round(goal_wh - battery.stored_wh, 1)


def _needs(evse: Evse, *, is_bidirectional: bool) -> dict[str, Any]:
    spec = evse.config.plant
    plain = "AC_three_phase" if evse.config.phases == 3 else "AC_single_phase"
    parameters: dict[str, Any] = {
        "minChargePower": spec.minimum_power_w,
        "maxChargePower": spec.max_charge_power_w,
        "evTargetEnergyRequest": _energy_to(evse, TARGET_SOC_PERCENT),
        "evMinEnergyRequest": _energy_to(evse, V2X_FLOOR_PERCENT),
        "evMaxEnergyRequest": _energy_to(evse, 100),
        "targetSoC": TARGET_SOC_PERCENT,
    }
    # What the EV could do, allowed or not; only what it asks for needs leave.
    available = [plain]
    if evse.config.is_v2x_capable and evse.is_v2x_enabled():
        available.append(BIDIRECTIONAL_TRANSFER)
    if is_bidirectional:
        # Magnitudes, unlike every other discharge number of OCPP.
        parameters["minDischargePower"] = spec.minimum_power_w
        parameters["maxDischargePower"] = spec.max_discharge_power_w
        parameters["evMinV2XEnergyRequest"] = _energy_to(evse, V2X_FLOOR_PERCENT)
        parameters["evMaxV2XEnergyRequest"] = _energy_to(evse, V2X_CEILING_PERCENT)
    return {
        "requestedEnergyTransfer": BIDIRECTIONAL_TRANSFER
        if is_bidirectional
        else plain,
        "availableEnergyTransfer": available,
        "controlMode": "DynamicControl",
        "mobilityNeedsMode": "EVCC",
        "v2xChargingParameters": parameters,
    }


def _needs_2_0_1(evse: Evse) -> dict[str, Any]:
    return {
        "requestedEnergyTransfer": "AC_three_phase"
        if evse.config.phases == 3
        else "AC_single_phase",
        "acChargingParameters": {
            "energyAmount": max(round(_energy_to(evse, TARGET_SOC_PERCENT)), 0),
            "evMinCurrent": 6,
            "evMaxCurrent": 16,
            "evMaxVoltage": 400,
        },
    }
