"""What is known beforehand of chargers that Home Assistant already speaks with.

Profiles are data, one file each: facts from public documents, or seen on hardware, and
what nobody confirmed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict
import voluptuous as vol

from . import const
from .domain.entity_station import StopWay, WriteUnit, WriteWay

PROFILES_FOLDER: Final = Path(__file__).parent / "entity_profiles"
GENERIC: Final = "generic"


class ProfileEvidence(StrEnum):
    """Where the facts of a profile are from."""

    FROM_DOCUMENTS = "from_documents"
    TESTED_ON_HARDWARE = "tested_on_hardware"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityProfile:
    """What is known of one kind of charger."""

    profile_id: str
    version: int
    evidence: ProfileEvidence
    vendor: str
    model: str
    set_up: Mapping[str, Any]
    """Fields of the subentry that it fills in beforehand."""

    unconfirmed: tuple[str, ...]
    """What nobody saw yet, in English."""

    @property
    def identity(self) -> dict[str, Any]:
        """The fields of the subentry that say which profile it was made from."""
        return {
            const.CONF_PROFILE: self.profile_id,
            const.CONF_PROFILE_VERSION: self.version,
            const.CONF_VENDOR: self.vendor,
            const.CONF_MODEL: self.model,
        }


def _seconds(largest: float) -> Any:
    return vol.All(vol.Coerce(float), vol.Range(min=0, max=largest))


_WORDS: Final = [vol.All(str, vol.Length(min=1, max=100))]
_WATTS: Final = vol.All(vol.Coerce(float), vol.Range(min=0, max=100_000))
_SET_UP: Final = vol.Schema(
    {
        vol.Required(const.CONF_WRITE_WAY): vol.Coerce(WriteWay),
        vol.Required(const.CONF_STOP_WAY): vol.Coerce(StopWay),
        const.CONF_WRITE_UNIT: vol.Coerce(WriteUnit),
        const.CONF_WRITE_INVERTED: bool,
        const.CONF_POWER_INVERTED: bool,
        const.CONF_PHASES: vol.In((const.PHASES_ONE, const.PHASES_THREE)),
        const.CONF_PLUGGED_STATES: _WORDS,
        const.CONF_FREE_STATES: _WORDS,
        const.CONF_FAULT_STATES: _WORDS,
        const.CONF_OUT_OF_SERVICE_STATES: _WORDS,
        const.CONF_HEALTHY_STATES: _WORDS,
        const.CONF_MAX_CHARGE_POWER_W: _WATTS,
        const.CONF_MAX_DISCHARGE_POWER_W: _WATTS,
        const.CONF_MIN_CHARGE_W: _WATTS,
        const.CONF_MIN_DISCHARGE_W: _WATTS,
        const.CONF_ZERO_FORBIDDEN: bool,
        const.CONF_REVERTS: bool,
        const.CONF_MIN_WRITE_INTERVAL_S: _seconds(600),
        const.CONF_SETTLE_S: _seconds(3_600),
        const.CONF_READ_PERIOD_S: _seconds(3_600),
        const.CONF_REVERSAL_REST_S: _seconds(600),
        const.CONF_WATCHDOG_S: _seconds(3_600),
        const.CONF_LOWEST_SOC: vol.All(vol.Coerce(float), vol.Range(min=0, max=20)),
    }
)
PROFILE_SCHEMA: Final = vol.Schema(
    {
        vol.Required("id"): vol.Match(r"^[a-z0-9_]{1,40}$"),
        vol.Required("version"): vol.All(int, vol.Range(min=1)),
        vol.Required("evidence"): vol.Coerce(ProfileEvidence),
        vol.Required("vendor"): str,
        vol.Required("model"): str,
        vol.Required("set_up"): _SET_UP,
        vol.Required("unconfirmed"): [str],
    }
)


def load_profiles(folder: Path = PROFILES_FOLDER) -> dict[str, EntityProfile]:
    """Return the profiles that are shipped, by id, ``generic`` first; it blocks.

    Raises:
        voluptuous.Invalid, HomeAssistantError: a file is none.
    """
    profiles = [_profile(path) for path in sorted(folder.glob("*.yaml"))]
    profiles.sort(key=lambda one: one.profile_id != GENERIC)
    return {one.profile_id: one for one in profiles}


def _profile(path: Path) -> EntityProfile:
    data = PROFILE_SCHEMA(load_yaml_dict(str(path)))
    if data["id"] != path.stem:
        raise vol.Invalid(f"{path.name}: its id is {data['id']}")
    return EntityProfile(
        profile_id=data["id"],
        version=data["version"],
        evidence=data["evidence"],
        vendor=data["vendor"],
        model=data["model"],
        set_up=data["set_up"],
        unconfirmed=tuple(" ".join(text.split()) for text in data["unconfirmed"]),
    )
