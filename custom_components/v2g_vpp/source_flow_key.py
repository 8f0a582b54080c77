"""The key that signs the ledger of a programme that entities feed."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import CONF_SIGNING_SEED, CONF_SOURCE, SUBENTRY_PROGRAMME
from .pki.signing import create_signing_seed
from .vpp.probe import encode_base64url


def create_ledger_seed() -> str:
    """Return a fresh seed, base64url without padding.

    No operator knows it. It is there so that nobody changes unseen what is written.
    """
    return encode_base64url(create_signing_seed())


def async_give_ledger_keys(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Give a seed to each programme of entities that was set up without one.

    Called before a programme is opened. One that has a seed keeps it, whatever it is:
    with another one its ledger would count as changed by hand. A programme of a broker
    got its seed when it enrolled, and the operator knows the public half.
    """
    for subentry in entry.subentries.values():
        data = subentry.data
        is_local = subentry.subentry_type == SUBENTRY_PROGRAMME and CONF_SOURCE in data
        if is_local and CONF_SIGNING_SEED not in data:
            hass.config_entries.async_update_subentry(
                entry, subentry, data={**data, CONF_SIGNING_SEED: create_ledger_seed()}
            )
