"""What a scenario begins with: the station, and how the site is set up for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..config import (
    DEFAULT_EVCC_ID,
    EVSE_ID,
    EvseConfig,
    Fault,
    Protocol,
)
from ..plant import PLANT_PRESETS, TYPICAL
from .deeds import named

VERSIONS: Final[Mapping[str, Protocol]] = {
    "1.6": Protocol.OCPP_1_6,
    "2.0.1": Protocol.OCPP_2_0_1,
    "2.1": Protocol.OCPP_2_1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The station of a scenario."""

    protocol: Protocol = Protocol.OCPP_2_1
    dialect: str = ""
    """How the site makes it discharge; empty: as the protocol has it."""

    evses: tuple[EvseConfig, ...] = (EvseConfig(evcc_id=DEFAULT_EVCC_ID),)
    takes_negative_limits: bool = False
    quirks: frozenset[Fault] = frozenset()
    """Misbehaviours that are on from the beginning."""

    clock: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the config that the clock is made of."""

    @property
    def evse_ids(self) -> tuple[int, ...]:
        """The numbers of the EVSEs."""
        return tuple(range(EVSE_ID, EVSE_ID + len(self.evses)))

    def changes(self) -> dict[str, Any]:
        """Return the fields of a station's config that this decides."""
        first, *others = self.evses
        return {
            "protocols": (self.protocol,),
            "plant": first.plant,
            "battery": first.battery,
            "soc_percent": first.soc_percent,
            "evcc_id": first.evcc_id,
            "more_evses": tuple(others),
            "takes_negative_limits": self.takes_negative_limits,
            **self.clock,
        }


def read_given(raw: object) -> Given:
    """Return what a file says under ``given``.

    Raises:
        ValueError: beginning with the path of the value that is wrong.
    """
    values = {name: _READERS[name](v) for name, v in _known(raw, _READERS, "").items()}
    return Given(**values)


def _known(raw: object, allowed: Mapping[str, object], path: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{path}: names with values are needed")  # noqa: TRY004 - see read_given
    for key in raw:
        if key not in allowed:
            place = f"{path}.{key}" if path else str(key)
            names = ", ".join(allowed)
            raise ValueError(f"{place}: unknown; allowed are {names}")
    return raw


def _one_of[T](table: Mapping[str, T], path: str, value: object) -> T:
    if str(value) not in table:
        names = ", ".join(table)
        raise ValueError(f"{path}: '{value}' is not allowed; allowed are {names}")
    return table[str(value)]


def _number(path: str, lowest: float, highest: float, value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not lowest <= float(str(value)) <= highest:
        raise ValueError(
            f"{path}: a number within {lowest:g}..{highest:g} is needed, not {value!r}"
        )
    return float(str(value))


def _flag(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{path}: true or false is needed, not {value!r}")  # noqa: TRY004 - see read_given
    return value


def _protocol(value: object) -> Protocol:
    return _one_of(VERSIONS, "protocol", value)


def _dialect(value: object) -> str:
    return str(value)


def _evses(value: object) -> tuple[EvseConfig, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 9:
        raise ValueError("evses: a list of 1 to 9 EVSEs is needed")
    return tuple(_evse(entry, number) for number, entry in enumerate(value, 1))


_EVSE_KEYS: Final = {"plant": None, "soc_percent": None, "minimum_power_w": None}


def _evse(value: object, number: int) -> EvseConfig:
    path = f"evses[{number}]"
    raw = _known(value, _EVSE_KEYS, path)
    plant = TYPICAL
    if "plant" in raw:
        plant = _one_of(PLANT_PRESETS, f"{path}.plant", raw["plant"])
    if "minimum_power_w" in raw:
        least_w = _number(f"{path}.minimum_power_w", 0, 11_000, raw["minimum_power_w"])
        plant = replace(plant, minimum_power_w=least_w)
    soc = _number(f"{path}.soc_percent", 0, 100, raw.get("soc_percent", 70))
    return EvseConfig(
        plant=plant, soc_percent=soc, evcc_id=f"{DEFAULT_EVCC_ID[:-1]}{number}"
    )


def _quirks(value: object) -> frozenset[Fault]:
    if not isinstance(value, list):
        raise ValueError("quirks: a list is needed")  # noqa: TRY004 - see read_given
    try:
        return frozenset(named(Fault, str(name), "quirk") for name in value)
    except ValueError as err:
        raise ValueError(f"quirks: {err}") from err


_CLOCK_KEYS: Final = {"offset_s": None, "drift_ppm": None, "follows_csms": None}


def _clock(value: object) -> Mapping[str, Any]:
    raw = _known(value, _CLOCK_KEYS, "clock")
    return {
        "clock_offset_s": _number("clock.offset_s", -1e8, 1e8, raw.get("offset_s", 0)),
        "clock_drift_ppm": _number(
            "clock.drift_ppm", -1e5, 1e5, raw.get("drift_ppm", 0)
        ),
        "follows_csms_time": _flag(
            "clock.follows_csms", raw.get("follows_csms", False)
        ),
    }


def _negative_limits(value: object) -> bool:
    return _flag("takes_negative_limits", value)


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "protocol": _protocol,
    "dialect": _dialect,
    "evses": _evses,
    "takes_negative_limits": _negative_limits,
    "quirks": _quirks,
    "clock": _clock,
}
