"""Addresses that a station may dial beside this home."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from ..domain.ids import StationId
from .uploads import DialledAddress

_PORTS: Final = {"ws": 80, "wss": 443}
_SCHEMES: Final = {False: "ws", True: "wss"}


def other_addresses(
    urls: Iterable[str], dialled: DialledAddress | None, station_id: StationId
) -> tuple[str, ...]:
    """Return the addresses of other servers, without the identity at their end.

    Args:
        urls: of the network profiles of the station.
        dialled: how it reached this home; None before it did.
        station_id: which some stations write into the address.
    """
    ours = None
    if dialled is not None:
        ours = _place(f"{_SCHEMES[dialled.is_secure]}://{dialled.host}")
    found = (url.removesuffix(station_id) for url in urls)
    return tuple(
        url
        for url in dict.fromkeys(found)
        if (place := _place(url)) is not None and place != ours
    )


def _place(url: str) -> tuple[str, int] | None:
    """Return host and port of a WebSocket address, None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname.lower(), port or _PORTS[parts.scheme]
