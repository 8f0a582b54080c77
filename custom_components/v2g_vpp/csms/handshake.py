"""The HTTP side of a station that dials in: what it offers and what it is told."""

import asyncio
import re
import socket
from typing import Final

from aiohttp import web

from .access import Refused
from .versions import SERVED_VERSIONS, RpcVersion

MAX_SHOWN_PROTOCOLS: Final = 5
_SHOWN_PROTOCOL: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")


def offered_protocols(request: web.Request) -> tuple[str, ...]:
    """Return the sub-protocols that a station offers, as far as they can be shown.

    A few short words at most: whoever has a password could write anything here.
    """
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    words = (part.strip() for part in offered.split(","))
    shown = [word for word in words if _SHOWN_PROTOCOL.fullmatch(word)]
    return tuple(shown[:MAX_SHOWN_PROTOCOLS])


def choose_version(offered: str | None) -> RpcVersion | None:
    """Return our preferred version among the sub-protocols that a station offers."""
    protocols = {part.strip() for part in (offered or "").split(",")}
    return next((v for v in SERVED_VERSIONS if v.protocol in protocols), None)


def is_upgrade(request: web.Request) -> bool:
    """Return True for who asks for a WebSocket, as every station has to."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def refusal(refused: Refused) -> web.Response:
    """Return the answer to a station that is not let in."""
    headers = {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
    return web.Response(status=refused.status, headers=headers)


def enable_keepalive(transport: asyncio.Transport | None) -> None:
    """Let the system find out, too, that a peer has vanished."""
    sock: socket.socket | None = (
        transport.get_extra_info("socket") if transport is not None else None
    )
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
