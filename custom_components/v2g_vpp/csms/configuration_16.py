"""Configuration keys of a 1.6 charge point, reduced to what the product decides by."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..domain.ids import MOST_EVSES
from .calls import CallEnd
from .device_model import ModelSummary
from .link import StationLink

CONNECTORS: Final = "NumberOfConnectors"
RATE_UNITS: Final = "ChargingScheduleAllowedChargingRateUnit"
STACK_LEVEL: Final = "ChargeProfileMaxStackLevel"
SAMPLED_DATA: Final = "MeterValuesSampledData"
SAMPLED_DATA_LENGTH: Final = "MeterValuesSampledDataMaxLength"
SAMPLE_INTERVAL: Final = "MeterValueSampleInterval"

WANTED_KEYS: Final = (
    CONNECTORS,
    RATE_UNITS,
    STACK_LEVEL,
    SAMPLED_DATA,
    SAMPLED_DATA_LENGTH,
    SAMPLE_INTERVAL,
)

MOST_CONNECTORS: Final = MOST_EVSES
"""House rule: a charger of a home has fewer; more is a broken answer."""

_UNITS: Final[Mapping[str, str]] = {"Current": "A", "Power": "W"}


async def read_configuration(
    link: StationLink, keys: Iterable[str] = WANTED_KEYS
) -> dict[str, str]:
    """Return the values of configuration keys that the charge point knows.

    Charge points that refuse a list of keys are asked for all that they have.
    """
    outcome = await link.call("GetConfiguration", {"key": list(keys)})
    if outcome.end is CallEnd.REFUSED:
        outcome = await link.call("GetConfiguration", {})
    if outcome.end is not CallEnd.ANSWERED:
        return {}
    return dict(_values(outcome.payload.get("configurationKey")))


async def change_configuration(link: StationLink, key: str, value: str) -> bool:
    """Return True when the charge point took a value, now or at its next start."""
    outcome = await link.call("ChangeConfiguration", {"key": key, "value": value})
    return outcome.has_status("Accepted", "RebootRequired")


def summary_of(values: Mapping[str, str], firmware: str) -> ModelSummary:
    """Return what configuration says; what it does not say stays at the safe side."""
    count = min(MOST_CONNECTORS, max(1, _whole(values.get(CONNECTORS)) or 1))
    evse_ids = tuple(range(1, count + 1))
    units = (_UNITS.get(word.strip()) for word in values.get(RATE_UNITS, "").split(","))
    return ModelSummary(
        firmware=firmware,
        evse_ids=evse_ids,
        connectors=tuple((evse_id, 1) for evse_id in evse_ids),
        rate_units=tuple(unit for unit in units if unit is not None),
        profile_stack_level=_whole(values.get(STACK_LEVEL)),
    )


def _values(items: object) -> Iterable[tuple[str, str]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("key"), str):
            yield item["key"], _text(item.get("value"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
