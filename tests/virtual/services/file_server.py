"""A place for files on loopback, which takes and gives them by HTTP."""

import asyncio

from aiohttp import BodyPartReader, web


class FileServer:
    """Remembers what was uploaded; serves what it was given."""

    def __init__(self) -> None:
        self.uploads: list[tuple[str, str, bytes]] = []
        """Method, path and content of each file that arrived."""

        self.served: dict[str, bytes] = {}
        self.status_of: dict[str, list[int]] = {}
        """By method: what to answer, one after the other; then 201."""

        self.hold = asyncio.Event()
        self.hold.set()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        self.hold.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        content = await _content(request)
        await self.hold.wait()
        answers = self.status_of.get(request.method, [])
        status = answers.pop(0) if answers else None
        if status is not None:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        if request.method == "GET":
            if request.path not in self.served:
                return web.Response(status=404)
            return web.Response(body=self.served[request.path])
        self.uploads.append((request.method, request.path, content))
        return web.Response(status=201)


async def _content(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    assert isinstance(part, BodyPartReader)
    assert part.filename
    return bytes(await part.read())
