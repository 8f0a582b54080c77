"""Files to and from the addresses that a CSMS names, by HTTP."""

import asyncio
from dataclasses import dataclass
import logging
import ssl
from typing import Final
from urllib.parse import urlsplit

import aiohttp

_LOGGER = logging.getLogger(__name__)

PROTOCOLS: Final = "HTTP,HTTPS"
TIMEOUT_S: Final = 30.0
"""House rule: the files here are small."""

MAX_FIRMWARE_BYTES: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
_NO_PUT: Final = frozenset({405, 501})
_NOT_ALLOWED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file to upload."""

    name: str
    content: bytes


def address_of(location: str, file: TextFile) -> str:
    """Return where a file goes: into the folder that is named (N01.FR.21)."""
    return f"{location}{file.name}" if location.endswith("/") else location


async def upload(url: str, file: TextFile, tls: ssl.SSLContext | None) -> str:
    """Send a file by PUT, or by POST where that is not taken.

    Redirects are not followed (N01.FR.30).

    Returns:
        The status of LogStatusNotification.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        return "NotSupportedOperation"
    try:
        async with asyncio.timeout(TIMEOUT_S), aiohttp.ClientSession() as http:
            status = await _put(http, url, file, tls)
            if status in _NO_PUT:
                status = await _post(http, url, file, tls)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as err:
        _LOGGER.debug("upload: %s", err)
        return "UploadFailure"
    if 200 <= status < 300:
        return "Uploaded"
    if status in _NOT_ALLOWED:
        return "PermissionDenied"
    return "BadMessage" if status == 400 else "UploadFailure"


async def download(url: str, tls: ssl.SSLContext | None) -> bytes | None:
    """Return a file, None when it cannot be had or is too large."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return None
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession() as http,
            http.get(url, ssl=tls if tls is not None else True) as response,
        ):
            if response.status != 200:
                return None
            content = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_FIRMWARE_BYTES:
                    return None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as err:
        _LOGGER.debug("download: %s", err)
        return None
    return bytes(content)


async def _put(
    http: aiohttp.ClientSession, url: str, file: TextFile, tls: ssl.SSLContext | None
) -> int:
    async with http.put(
        url,
        data=file.content,
        headers={"Content-Type": "text/plain"},
        allow_redirects=False,
        ssl=tls if tls is not None else True,
    ) as response:
        return response.status


async def _post(
    http: aiohttp.ClientSession, url: str, file: TextFile, tls: ssl.SSLContext | None
) -> int:
    form = aiohttp.FormData()
    form.add_field(
        "uploadfile", file.content, filename=file.name, content_type="text/plain"
    )
    async with http.post(
        url,
        data=form,
        allow_redirects=False,
        ssl=tls if tls is not None else True,
    ) as response:
        return response.status
