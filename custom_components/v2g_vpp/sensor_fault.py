"""The sensor of the fault that an outlet has now, with its code."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass

from .domain.faults import FAULT_BEHAVIOUR, FaultCode
from .domain.snapshot import EvseSnapshot
from .sensor_descriptions import EvseSensorDescription
from .text_keys import FAULT_TYPES

ATTR_CODES: Final = "codes"
NO_FAULT: Final = "no_fault"


def _worst_first(evse: EvseSnapshot) -> list[FaultCode]:
    """Return the faults of an outlet, those first that stop charging, too."""
    return sorted(
        evse.faults, key=lambda code: (not FAULT_BEHAVIOUR[code].stops_charging, code)
    )


def _fault(evse: EvseSnapshot) -> str:
    faults = _worst_first(evse)
    return FAULT_TYPES[faults[0]] if faults else NO_FAULT


def _codes(evse: EvseSnapshot) -> Mapping[str, Any]:
    return {ATTR_CODES: [code.value for code in _worst_first(evse)]}


def _no_context(_evse: EvseSnapshot) -> object:
    return None


FAULT_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    EvseSensorDescription(
        key="error_code",
        translation_key="error_code",
        device_class=SensorDeviceClass.ENUM,
        options=[NO_FAULT, *sorted(FAULT_TYPES.values())],
        value_fn=_fault,
        context_fn=_no_context,
        attributes_fn=_codes,
    ),
)
