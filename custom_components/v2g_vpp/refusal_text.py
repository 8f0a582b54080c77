"""What may be shown of a charger that was turned away: whoever dials wrote it."""

from collections.abc import Mapping
from ipaddress import ip_address
import re
from typing import Any, Final

from .const import CONF_OCPP_HOST, CONF_OCPP_NETWORKS
from .domain.visitor import VisitorRefusal
from .sentences import Sentences
from .text_keys import HINTS

_ADDRESS: Final = re.compile(r"[0-9A-Fa-f.:%a-z]{1,64}")
_OFFERED: Final = re.compile(r"[A-Za-z0-9._-]{1,16}(, [A-Za-z0-9._-]{1,16}){0,4}")


def shown_address(address: str) -> str:
    """Return an address, a question mark for what is none."""
    return address if _ADDRESS.fullmatch(address) else "?"


def shown_offer(offered: str) -> str:
    """Return the sub-protocols that were offered, a dash for what is no list of them."""
    return offered if _OFFERED.fullmatch(offered) else "-"


def hint_sentence(
    sentences: Sentences,
    refusal: VisitorRefusal | None,
    identity: str,
    listener: Mapping[str, Any],
) -> str:
    """Return one sentence or two on what is wrong, for whoever sets a charger up.

    Args:
        sentences: of the language of the home.
        refusal: the newest; None: nobody was turned away.
        identity: that the charger has to have.
        listener: the data of the home.
    """
    key = "hint_nothing_seen"
    host = listener[CONF_OCPP_HOST]
    if refusal is None and ip_address(host).is_loopback:
        # As after "Try it with a virtual car": no cure at the charger helps.
        key = "hint_only_this_machine"
    elif refusal is not None:
        is_nameless = refusal.cause == "unknown_identity" and not refusal.identity
        key = "hint_no_identity" if is_nameless else HINTS.get(refusal.cause, key)
    return sentences.sentence(
        key,
        host=host,
        identity=identity,
        seen=refusal.identity if refusal is not None else "-",
        address=shown_address(refusal.address if refusal is not None else ""),
        offered=shown_offer(refusal.detail if refusal is not None else ""),
        networks=listener.get(CONF_OCPP_NETWORKS) or "-",
    )
