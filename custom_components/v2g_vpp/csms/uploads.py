"""Addresses at which a station may leave one file, once and for a short time.

Nothing can be uploaded unless the owner asked for it a moment ago: without an open
address every request is answered with 404. The address is a secret of its own, never
the password of the station (OCPP N01.FR.17), and it never leads elsewhere.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
import hmac
import secrets
from typing import Final

from aiohttp import BodyPartReader, hdrs, web

from ..domain.ids import StationId

PATH: Final = "/upload/"
MAX_UPLOAD_BYTES: Final = 16 * 1024 * 1024
"""House rule: it is held in memory until it is whole."""

UPLOAD_TIMEOUT_S: Final = 300.0
"""House rule: chargers pack their logs for minutes before they send them."""

MAX_OPEN: Final = 4
_TOKEN_BYTES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledAddress:
    """How a station reached the listener, which is how it reaches it again."""

    host: str
    """With the port, as the station itself wrote it."""

    is_secure: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Upload:
    """One open address."""

    station_id: StationId
    token: str = field(repr=False)
    url: str = field(repr=False)
    content: asyncio.Future[bytes] = field(repr=False)
    is_taken: bool = False
    """A file is on its way."""

    async def received(self) -> bytes | None:
        """Wait for the file; None when it did not come in time."""
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_S):
                return await self.content
        except TimeoutError:
            return None


class UploadDesk:
    """The open addresses of a listener."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: list[Upload] = []

    def open(
        self, station_id: StationId, dialled: DialledAddress | None
    ) -> Upload | None:
        """Return a new address; None when the station's way in is not known."""
        if dialled is None or len(self._open) >= MAX_OPEN:
            return None
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        scheme = "https" if dialled.is_secure else "http"
        upload = Upload(
            station_id=station_id,
            token=token,
            url=f"{scheme}://{dialled.host}{PATH}{token}",
            content=asyncio.get_running_loop().create_future(),
        )
        self._open.append(upload)
        return upload

    def close(self, upload: Upload) -> None:
        """Take an address back."""
        if upload in self._open:
            self._open.remove(upload)
        upload.content.cancel()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a file, sent by PUT or POST, whole or as a form."""
        upload = self._find(request.path.removeprefix(PATH).partition("/")[0])
        if upload is None or upload.is_taken or upload.content.done():
            return web.Response(status=404)
        upload.is_taken = True
        try:
            content = await _content(request)
        except ValueError, ConnectionError, asyncio.CancelledError:
            # A broken line: the station may try again.
            upload.is_taken = False
            raise
        if content is None:
            upload.is_taken = False
            return web.Response(status=413)
        if not upload.content.done():
            upload.content.set_result(content)
        return web.Response(status=201 if request.method == hdrs.METH_PUT else 200)

    def _find(self, token: str) -> Upload | None:
        offered = token.encode()
        return next(
            (u for u in self._open if hmac.compare_digest(u.token.encode(), offered)),
            None,
        )


async def _content(request: web.Request) -> bytes | None:
    """Return the file in a request, None when it is too large."""
    if (request.content_length or 0) > MAX_UPLOAD_BYTES:
        return None
    if not request.content_type.startswith("multipart/"):
        return await _bounded(request.content.iter_chunked(64 * 1024))
    reader = await request.multipart()
    part = await reader.next()
    while part is not None:
        if isinstance(part, BodyPartReader) and part.filename:
            return await _bounded(_chunks(part))
        part = await reader.next()
    return b""


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(64 * 1024):
        yield chunk


async def _bounded(chunks: AsyncIterable[bytes]) -> bytes | None:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > MAX_UPLOAD_BYTES:
            return None
    return bytes(content)
