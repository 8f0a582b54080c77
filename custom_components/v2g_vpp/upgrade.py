"""What another version of this integration left: never dropped, never guessed at.

Older forms are read where they are read; this is about newer ones, after the owner
went back to an older version. Such a home does not start, so nothing is charged or
discharged on a misunderstanding, and no file of it is touched.
"""

from collections.abc import Mapping
import json
import logging
from pathlib import Path
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR

from . import const, subentry_facts as facts
from .domain.errors import StoreNewer
from .domain.ids import ProgrammeId
from .entity_station_data import check_entity_station
from .error_translation import translated
from .home_meters import site_wiring
from .ledger_file import is_of_newer_form

NEWER_VERSION: Final = "newer_version"
PART_UNREADABLE: Final = "part_unreadable"

_LOGGER = logging.getLogger(__name__)

_OURS: Final = (const.ENTRY_VERSION, const.ENTRY_MINOR_VERSION)
_OUR_STORES: Final = (const.STORAGE_VERSION, const.STORAGE_MINOR_VERSION)
_STORES: Final = (
    const.STORE_SITE,
    const.STORE_STATIONS,
    const.STORE_ENROLMENT,
    const.STORE_KEYS,
    f"{const.STORE_PROGRAMME}.*",
    f"{const.STORE_LEDGER}.*",
)
_LEDGER_SUFFIX: Final = ".jsonl"
_NO_DOCUMENT: Final = (_LEDGER_SUFFIX, ".seal", ".torn", ".new")

_READERS: Final = {
    const.SUBENTRY_STATION: (
        facts.station,
        lambda subentry: site_wiring({}, {}, [subentry.data]),
    ),
    const.SUBENTRY_ENTITY_STATION: (
        lambda subentry: check_entity_station(subentry.data),
        lambda subentry: site_wiring({}, {}, [subentry.data]),
    ),
    const.SUBENTRY_VEHICLE: (facts.vehicle, facts.initial_vehicle_policy),
    const.SUBENTRY_PROGRAMME: (
        lambda subentry: ProgrammeId(subentry.data[const.CONF_PROGRAMME_ID]),
        lambda subentry: facts.grant(subentry.data),
        lambda subentry: (
            const.CONF_SOURCE in subentry.data
            or (facts.programme(subentry), facts.certificates(subentry.data))
        ),
    ),
}
"""What has to be found in the settings of each part before it is started."""


@callback
def async_show_newer_entries(hass: HomeAssistant) -> None:
    """Tell of a home whose settings a newer version wrote.

    Home Assistant refuses a newer major version by itself, and tells the log alone.
    """
    for entry in hass.config_entries.async_entries(const.DOMAIN):
        if (entry.version, entry.minor_version) > _OURS:
            _show(hass, entry.title)


async def async_migrate_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Take settings of an older form.

    Of minor version 1 were those with the private keys of programmes in them; the keys
    move when a programme is opened (``programme_keys``).

    Raises:
        ConfigEntryError: for a newer one.
    """
    if (entry.version, entry.minor_version) > _OURS:
        _show(hass, entry.title)
        raise translated(StoreNewer(entry.title))
    return hass.config_entries.async_update_entry(
        entry, version=_OURS[0], minor_version=_OURS[1]
    )


async def async_refuse_newer(hass: HomeAssistant) -> None:
    """Let a home start whose documents this version can read; nothing is written.

    Raises:
        StoreNewer: naming the first that a newer version wrote.
    """
    folder = Path(hass.config.path(STORAGE_DIR))
    newer = await hass.async_add_executor_job(_newer_document, folder)
    if newer is None:
        ir.async_delete_issue(hass, const.DOMAIN, NEWER_VERSION)
        return
    _show(hass, newer)
    raise StoreNewer(newer)


def unknown_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that this version has no name for.

    A form replaces what it asks for. What it never heard of stays.
    """
    return {key: value for key, value in data.items() if key not in _FIELDS}


_FIELDS: Final = frozenset(
    value for name, value in vars(const).items() if name.startswith("CONF_")
)


@callback
def async_check_part(hass: HomeAssistant, subentry: ConfigSubentry) -> bool:
    """Return True for a part of the home whose settings can be read.

    One that cannot stays as it is and is not started; its charger is turned away. The
    others run: a vehicle with a word of another version must not stop a home.
    """
    issue_id = f"{PART_UNREADABLE}_{subentry.subentry_id}"
    try:
        for read in _READERS[subentry.subentry_type]:
            read(subentry)
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning(
            "%s (%s) is kept but not used: %r",
            subentry.title,
            subentry.subentry_type,
            err,
        )
        _create(hass, issue_id, PART_UNREADABLE, subentry.title)
        return False
    ir.async_delete_issue(hass, const.DOMAIN, issue_id)
    return True


@callback
def async_forget_part(hass: HomeAssistant, subentry_id: str) -> None:
    """Forget what was said of a part that was removed."""
    ir.async_delete_issue(hass, const.DOMAIN, f"{PART_UNREADABLE}_{subentry_id}")


def _newer_document(folder: Path) -> str | None:
    for pattern in _STORES:
        for path in sorted(folder.glob(pattern)):
            if path.suffix == _LEDGER_SUFFIX and is_of_newer_form(path):
                return path.name
            is_document = not path.name.endswith(_NO_DOCUMENT)
            if is_document and ".corrupt." not in path.name and _is_newer(path):
                return path.name
    return None


def _is_newer(path: Path) -> bool:
    """Return True for a document of a newer form; any other doubt is its reader's."""
    try:
        document = json.loads(path.read_bytes())
        said = (int(document["version"]), int(document.get("minor_version", 1)))
    except OSError, AttributeError, KeyError, TypeError, ValueError:
        return False
    return said > _OUR_STORES


def _show(hass: HomeAssistant, name: str) -> None:
    _create(hass, NEWER_VERSION, NEWER_VERSION, name)


def _create(hass: HomeAssistant, issue_id: str, key: str, name: str) -> None:
    ir.async_create_issue(
        hass,
        const.DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={"name": name},
    )
