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
)
from .coordinator import V2gConfigEntry
from .domain.errors import StoreUnreadable
from .source_flow_key import create_ledger_seed
from .storage import HaStore

KEY_FIELDS: Final = (CONF_CLIENT_KEY_PEM, CONF_SIGNING_SEED)

_LOGGER = logging.getLogger(__name__)


async def async_with_keys(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of a programme together with its keys.

    Raises:
        StoreUnreadable: when the document of the keys cannot be read.
    """
    kept = await HaStore(hass, STORE_KEYS).load() or {}
    return {**kept.get(data[CONF_PROGRAMME_ID], {}), **data}


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
    if CONF_SOURCE in data:
        data.setdefault(CONF_SIGNING_SEED, create_ledger_seed())
    if not _is_complete(data):
        raise StoreUnreadable(STORE_KEYS)
    keys: dict[str, str] = {field: data[field] for field in KEY_FIELDS if field in data}
    if await _keep(hass, data[CONF_PROGRAMME_ID], keys):
        _leave_out(hass, entry, subentry)
    return data


async def async_forget_keys(hass: HomeAssistant, programme_id: str) -> None:
    """Remove the keys of a programme that was left."""
    store = HaStore(hass, STORE_KEYS)
    try:
        kept = dict(await store.load() or {})
    except StoreUnreadable:
        return
    if kept.pop(programme_id, None) is not None:
        await store.save(kept)


def _is_complete(data: Mapping[str, Any]) -> bool:
    wanted = (CONF_SIGNING_SEED,) if CONF_SOURCE in data else KEY_FIELDS
    return all(field in data for field in wanted)


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
