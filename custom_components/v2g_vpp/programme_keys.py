"""Private keys of programmes, in a file of their own.

Home Assistant keeps its settings in a file that other accounts of the computer may
read. A key that is found in the settings of a programme, of a version that left it
there or of a dialog that just ended, moves into a private document as soon as that is
on disk, and is in the settings no more.
"""

from collections.abc import Callable, Mapping
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from . import repairs
from .const import (
    CONF_CLIENT_KEY_PEM,
    CONF_PROGRAMME_ID,
    CONF_SIGNING_SEED,
    CONF_SOURCE,
    STORE_KEYS,
    SUBENTRY_PROGRAMME,
)
from .coordinator import V2gConfigEntry
from .domain.errors import StoreUnreadable
from .ledger_removal import ledger_path
from .source_flow_key import create_ledger_seed
from .storage import HaStore
from .subentry_facts import signing_seed

KEY_FIELDS: Final = (CONF_CLIENT_KEY_PEM, CONF_SIGNING_SEED)
SIGNING_SEED_BYTES: Final = 32
"""RFC 8032 §5.1.5: a private key of Ed25519."""

_LOGGER = logging.getLogger(__name__)


async def async_with_keys(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of a programme together with its keys.

    Raises:
        StoreUnreadable: when the document of the keys cannot be read, or holds
            something else in their place.
    """
    kept = await HaStore(hass, STORE_KEYS).load() or {}
    keys = kept.get(data[CONF_PROGRAMME_ID], {})
    if not isinstance(keys, Mapping):
        raise StoreUnreadable(STORE_KEYS)
    return {**keys, **data}


async def async_take_keys(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry
) -> dict[str, Any]:
    """Return the settings of a programme with its keys, which are private afterwards.

    A programme of entities without a key gets one: it signs the ledger, and no operator
    knows it. One that has a key keeps it, whatever it is: with another one its ledger
    would count as changed by hand.

    Raises:
        StoreUnreadable: when a key is missing and nobody can tell which it was.
    """
    data = dict(subentry.data)
    try:
        data = await async_with_keys(hass, data)
    except StoreUnreadable:
        if not _is_complete(data):
            raise
        # What is unreadable is put aside by now; these are the keys of this one.
    if CONF_SOURCE in data and not await _has_ledger(hass, data[CONF_PROGRAMME_ID]):
        data.setdefault(CONF_SIGNING_SEED, create_ledger_seed())
    if not _is_complete(data):
        raise StoreUnreadable(STORE_KEYS)
    keys: dict[str, str] = {field: data[field] for field in KEY_FIELDS if field in data}
    if await _keep(hass, data[CONF_PROGRAMME_ID], keys):
        _leave_out(hass, entry, subentry)
    return data


async def async_forget_left_keys(hass: HomeAssistant, entry: V2gConfigEntry) -> None:
    """Remove the keys of programmes that were left, also of what was not running.

    A programme that cannot be read may be the one that a key belongs to: as long as
    there is one without an id, no key goes.
    """
    programmes = entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    present = {subentry.data.get(CONF_PROGRAMME_ID) for subentry in programmes}
    store = HaStore(hass, STORE_KEYS)
    try:
        kept = await store.load() or {}
    except StoreUnreadable:
        return
    if None not in present and kept.keys() - present:
        await store.save({one: kept[one] for one in kept if one in present})


async def _has_ledger(hass: HomeAssistant, programme_id: str) -> bool:
    """Return True for a programme whose ledger is signed with a key already."""
    path = ledger_path(hass, programme_id)
    return await hass.async_add_executor_job(path.exists)


def _is_complete(data: Mapping[str, Any]) -> bool:
    """Return True when every key is there and can be one."""
    wanted = (CONF_SIGNING_SEED,) if CONF_SOURCE in data else KEY_FIELDS
    if not all(isinstance(data.get(field), str) for field in wanted):
        return False
    try:
        return len(signing_seed(data)) == SIGNING_SEED_BYTES
    except ValueError:
        return False


async def _keep(
    hass: HomeAssistant, programme_id: str, keys: Mapping[str, str]
) -> bool:
    """Return True once the keys are on disk."""
    show: Callable[[bool], None] = repairs.async_write_reporter(hass, STORE_KEYS)
    is_written = False

    def told(is_on_disk: bool) -> None:  # noqa: FBT001 - a callback
        nonlocal is_written
        is_written = is_on_disk
        show(is_on_disk)

    store = HaStore(hass, STORE_KEYS, report_write=told)
    try:
        kept = dict(await store.load() or {})
    except StoreUnreadable:
        kept = {}
    if kept.get(programme_id) == keys:
        return True
    await store.save({**kept, programme_id: dict(keys)})
    return is_written


def _leave_out(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry
) -> None:
    """Take the keys out of the settings; that is no change to carry out."""
    before = dict(subentry.data)
    after = {key: value for key, value in before.items() if key not in KEY_FIELDS}
    if after == before:
        return
    known = entry.runtime_data.known
    kind, seen, title = known[subentry.subentry_id]
    if seen == before:
        known[subentry.subentry_id] = kind, after, title
    hass.config_entries.async_update_subentry(entry, subentry, data=after)
    _LOGGER.info("%s: its keys moved into a private file", subentry.title)
