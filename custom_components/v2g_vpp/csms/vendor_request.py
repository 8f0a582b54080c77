"""A power in the message of one maker, as each version sends it."""

from typing import Any

from ..domain.vendor_setpoint import VendorPower, VendorSetpoint
from .versions import V16
from .wording_2 import Request


def vendor_request(
    protocol: str, vendor: VendorSetpoint, power: VendorPower
) -> Request:
    """Return the DataTransfer that brings an EVSE to a power.

    1.6 has a text for its data, later versions what the text stands for.
    """
    is_text = protocol == V16.protocol
    payload: dict[str, Any] = {
        "vendorId": vendor.vendor_id,
        "data": vendor.text(power) if is_text else vendor.data(power),
    }
    if vendor.message_id is not None:
        payload["messageId"] = vendor.message_id
    return "DataTransfer", payload
