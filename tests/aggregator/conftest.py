"""A real broker, a real aggregator, and homes that a test scripts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
import ssl
from typing import Any

import aiohttp
import pytest

from aggregator.__main__ import main
from aggregator.clock import SystemClock
from aggregator.service import ServeOptions, Service, run_service
from aggregator.settings import DataDirectory, Endpoint
from script.rig.broker import Broker, BrokerFiles

from .scripted_home import Json, ScriptedHome

EVENTUALLY_S = 5.0


class Rig:
    """Broker, aggregator and HTTP client of one test."""

    service: Service
    http: aiohttp.ClientSession

    def __init__(
        self, data: Path, broker: Broker, stack: AsyncExitStack, directory: Path
    ) -> None:
        self.data = data
        self.broker = broker
        self.directory = directory
        self._stack = stack
        self._running: AsyncExitStack | None = None

    async def start(self, heartbeat_s: int = 1) -> None:
        """Start an aggregator and return once it is connected."""
        self._running = AsyncExitStack()
        self.service = await self._running.enter_async_context(
            run_service(
                ServeOptions(
                    data=DataDirectory(self.data),
                    broker=Endpoint(host="127.0.0.1", port=self.broker.port),
                    broker_pid_file=self.broker.pid_path,
                    heartbeat_s=heartbeat_s,
                ),
                SystemClock(),
            )
        )
        self.http = await self._running.enter_async_context(
            aiohttp.ClientSession(f"http://127.0.0.1:{self.service.http_port}")
        )
        async with asyncio.timeout(EVENTUALLY_S):
            await self.service.connected()

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.aclose()

    async def call(
        self, method: str, path: str, body: Any = None, status: int | None = None
    ) -> Json:
        async with self.http.request(method, path, json=body) as response:
            answer: Json = await response.json()
            expected = {200, 201, 202} if status is None else {status}
            assert response.status in expected, answer
            return answer

    async def enrol(self, home_id: str = "home-1") -> ScriptedHome:
        """Invite a home and enrol it as a real one does, over TLS."""
        invitation = await self.call("POST", "/api/homes", {"home_id": home_id})
        home = ScriptedHome(self.directory, home_id=home_id)
        request = home.request_for(invitation)
        status, reply = await self.post_enrolment(invitation, request)
        assert status == 200, reply
        home.enrolled(invitation, reply["certificate_pem"])
        self._stack.push_async_callback(home.close)
        return home

    async def post_enrolment(self, invitation: Json, request: Json) -> tuple[int, Json]:
        context = ssl.create_default_context(cadata=invitation["broker_root_pem"])
        async with aiohttp.ClientSession() as session:
            url = invitation["enrol_url"]
            async with session.post(url, json=request, ssl=context) as response:
                return response.status, await response.json()

    async def online(self, home_id: str = "home-1") -> ScriptedHome:
        """Enrol a home, connect it and let it greet."""
        home = await self.enrol(home_id)
        await home.connect(self.broker.port)
        home.birth()
        home.hello()
        await home.receive("welcome")
        home.offer()
        home.availability()
        await self.until(home_id, lambda view: view["availability"] is not None)
        return home

    async def until(self, home_id: str, condition: Callable[[Json], bool]) -> Json:
        """Return the view of a home once a condition holds."""
        view: Json = {}
        try:
            async with asyncio.timeout(EVENTUALLY_S):
                while not condition(
                    view := await self.call("GET", f"/api/homes/{home_id}")
                ):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"never came true: {view}")
        return view


@pytest.fixture
def data(tmp_path: Path) -> Path:
    assert main(["init", "--data", str(tmp_path / "data"), "--region", "north"]) == 0
    return tmp_path / "data"


@pytest.fixture
def broker(data: Path, tmp_path: Path, socket_enabled: None) -> Iterator[Broker]:
    with Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data)) as broker:
        yield broker


@pytest.fixture
async def rig(data: Path, broker: Broker, tmp_path: Path) -> AsyncIterator[Rig]:
    """Yield a broker that runs and an aggregator that is connected to it."""
    async with AsyncExitStack() as stack:
        rig = Rig(data, broker, stack, tmp_path)
        stack.push_async_callback(rig.stop)
        await rig.start()
        yield rig
