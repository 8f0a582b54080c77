"""Stations that do nothing but talk, in a process of their own.

`python -m script.benches.csms_load JOB` with a job as JSON; the last line that it prints
is the result as JSON. The same code loads every server, so that it weighs on all alike.
"""

import asyncio
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
import json
import sys
from time import monotonic, perf_counter, time_ns
from typing import Any

import aiohttp

BOOT: dict[str, dict[str, Any]] = {
    "ocpp2.0.1": {
        "reason": "PowerUp",
        "chargingStation": {"model": "Bench", "vendorName": "Bench"},
    },
    "ocpp1.6": {"chargePointVendor": "Bench", "chargePointModel": "Bench"},
}
POWER = "Power.Active.Import"
VALUES: tuple[tuple[str, float], ...] = (
    (POWER, 0.0),
    ("Power.Active.Export", 0.0),
    ("Energy.Active.Import.Register", 12345.6),
    ("Energy.Active.Export.Register", 2345.6),
    ("Current.Import", 0.0),
    ("Voltage", 230.1),
    ("Frequency", 50.01),
    ("SoC", 61.5),
)


@dataclass(slots=True, kw_only=True)
class Job:
    """What to do."""

    url: str
    protocol: str
    identities: list[str]
    password: str
    count: int = 0
    """Messages per station, one after the other; 0: paced."""

    period_s: float = 1.0
    seconds: float = 5.0
    """How long to talk when paced."""


@dataclass(slots=True)
class Station:
    """One connection."""

    job: Job
    identity: str
    socket: aiohttp.ClientWebSocketResponse
    number: int = 0
    transaction: Any = None
    power_w: float = 0.0
    taken_s: list[float] = field(default_factory=list)
    setpoints_mono_s: list[float] = field(default_factory=list)
    """When each SetChargingProfile came in; the clock is the same for all processes."""

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        """Send a request and return its answer; answer questions meanwhile."""
        self.number += 1
        name = f"{self.number}"
        begin = perf_counter()
        await self.socket.send_str(
            json.dumps([2, name, action, payload], separators=(",", ":"))
        )
        while True:
            frame = json.loads(await self.socket.receive_str())
            if frame[1] == name:
                self.taken_s.append(perf_counter() - begin)
                return frame[2]
            await self.take(frame)

    async def listen(self, seconds: float) -> None:
        """Answer questions for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self.take(json.loads(await self.socket.receive_str()))

    async def take(self, frame: list[Any]) -> None:
        """Answer a question of the server: a plain charger that takes profiles."""
        if frame[0] != 2:
            return
        answer: list[Any] = [4, frame[1], "NotSupported", "", {}]
        if frame[2] == "SetChargingProfile":
            self.obey(frame[3])
            answer = [3, frame[1], {"status": "Accepted"}]
        await self.socket.send_str(json.dumps(answer))

    def obey(self, payload: dict[str, Any]) -> None:
        """Charge with the power of a profile for this transaction."""
        profile = payload.get("chargingProfile") or payload["csChargingProfiles"]
        if profile["chargingProfilePurpose"] == "TxProfile":
            self.setpoints_mono_s.append(monotonic())
            schedule = profile["chargingSchedule"]
            if isinstance(schedule, list):
                (schedule,) = schedule
            (period,) = schedule["chargingSchedulePeriod"]
            self.power_w = float(period["limit"])

    async def begin(self) -> None:
        """Boot, and begin a transaction."""
        await self.call("BootNotification", BOOT[self.job.protocol])
        if self.job.protocol == "ocpp1.6":
            answer = await self.call(
                "StartTransaction",
                {"connectorId": 1, "idTag": "B", "meterStart": 0, "timestamp": now()},
            )
            # An echo gives the request back.
            self.transaction = (
                answer.get("transactionId", 17) if isinstance(answer, dict) else 17
            )
            return
        self.transaction = f"{self.identity}-{time_ns() % 10**15}"
        await self.call("TransactionEvent", self.event("Started", "CablePluggedIn"))

    async def measure(self) -> None:
        """Send 8 sampled values."""
        measured = [(name, self.power_w if name == POWER else v) for name, v in VALUES]
        if self.job.protocol == "ocpp1.6":
            samples = [{"measurand": m, "value": str(v)} for m, v in measured]
            payload: dict[str, Any] = {
                "connectorId": 1,
                "transactionId": self.transaction,
                "meterValue": [{"timestamp": now(), "sampledValue": samples}],
            }
            await self.call("MeterValues", payload)
            return
        values = [{"measurand": m, "value": v} for m, v in measured]
        event = self.event("Updated", "MeterValuePeriodic")
        event["meterValue"] = [{"timestamp": now(), "sampledValue": values}]
        await self.call("TransactionEvent", event)

    def event(self, kind: str, trigger: str) -> dict[str, Any]:
        """Return a transaction event."""
        return {
            "eventType": kind,
            "timestamp": now(),
            "triggerReason": trigger,
            "seqNo": self.number,
            "transactionInfo": {
                "transactionId": self.transaction,
                "chargingState": "Charging",
            },
            "evse": {"id": 1},
        }


def now() -> str:
    """Return the time as OCPP wants it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251


async def connect(session: aiohttp.ClientSession, job: Job, identity: str) -> Station:
    """Dial and begin."""
    token = b64encode(f"{identity}:{job.password}".encode()).decode()
    socket = await session.ws_connect(
        job.url + identity,
        protocols=(job.protocol,),
        headers={"Authorization": f"Basic {token}"},
    )
    station = Station(job, identity, socket)
    await station.begin()
    return station


async def talk(station: Station, job: Job, offset_s: float) -> None:
    """Send as many messages as wanted, or for as long as wanted."""
    station.taken_s.clear()
    if job.count:
        for _ in range(job.count):
            await station.measure()
        return
    await station.listen(offset_s)
    end = perf_counter() + job.seconds
    while (begin := perf_counter()) < end:
        await station.measure()
        await station.listen(max(0.0, job.period_s - (perf_counter() - begin)))


async def answer_until_told(stations: list[Station]) -> None:
    """Answer what the server asks of new stations, until a line comes in."""
    going_on = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    while not going_on.done():
        await asyncio.gather(*(station.listen(0.1) for station in stations))


async def run(job: Job) -> dict[str, Any]:
    """Do a job."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        begin = perf_counter()
        stations = await asyncio.gather(
            *(connect(session, job, identity) for identity in job.identities)
        )
        connected_s = perf_counter() - begin
        print(json.dumps({"connected_s": connected_s}), flush=True)
        # Whoever measures the server reads its figures before the talking begins.
        await answer_until_told(stations)
        begin = perf_counter()
        share_s = job.period_s / len(stations)
        await asyncio.gather(
            *(talk(s, job, n * share_s) for n, s in enumerate(stations))
        )
        seconds = perf_counter() - begin
        taken_s = sorted(t for station in stations for t in station.taken_s)
        print(
            json.dumps(
                {
                    "messages": len(taken_s),
                    "seconds": seconds,
                    "median_ms": 1e3 * taken_s[len(taken_s) // 2],
                    "p99_ms": 1e3 * taken_s[int(len(taken_s) * 0.99)],
                    "setpoints_mono_s": {
                        station.identity: station.setpoints_mono_s
                        for station in stations
                    },
                }
            ),
            flush=True,
        )
        await answer_until_told(stations)
        await asyncio.gather(*(station.socket.close() for station in stations))
    return {}


if __name__ == "__main__":
    asyncio.run(run(Job(**json.loads(sys.argv[1]))))
