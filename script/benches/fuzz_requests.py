"""Mutated requests to the reference aggregator, and mutated invitations to a home.

The aggregator runs with its broker and both of its HTTP interfaces. Whatever it is sent,
it answers with a status below 500 and JSON, and it still enrols a home afterwards.
"""

from contextlib import AsyncExitStack, redirect_stdout
from copy import deepcopy
from datetime import UTC, datetime
import io
import json
from pathlib import Path
from random import Random
import ssl
import tempfile
from typing import Any, Final

import aiohttp

from aggregator.__main__ import main as aggregator_main
from custom_components.v2g_vpp.domain.errors import InvitationInvalid
from custom_components.v2g_vpp.vpp.enrolment import (
    parse_enrolment_reply,
    parse_invitation,
)
from script.benches.fuzz_watch import Memory
from script.benches.mutations import ODD_VALUES, place_in
from script.rig.broker import Broker, BrokerFiles
from tests.aggregator.conftest import Rig
from tests.aggregator.scripted_home import ScriptedHome

type Json = Any

ODD: Final = (*ODD_VALUES, 10**400, -(10**400), "-----BEGIN CERTIFICATE REQUEST-----\n")
ODD_BODIES: Final = (
    b"",
    b"null",
    b"[" * 30_000,
    b"\xff",
    b'{"a":1,"a":2}',
    b'{"power_w":NaN}',
    b'{"power_w":1e999}',
    b'{"x":"' + b"x" * 100_000 + b'"}',
    b'{"home_id":"\\ud800"}',
)
_POINTS: Final = [[0, 1_000], [60, -2_000.5]]
_WINDOW: Final = {"start_in_s": 60, "duration_s": 600, "power_w": -5_000}
SOUND: Final[tuple[tuple[str, str, Json], ...]] = (
    ("POST", "/api/homes", {"home_id": "home-2"}),
    ("POST", "/api/homes/home-1/command", {"kind": "setpoint", "power_w": -5_000}),
    (
        "POST",
        "/api/homes/home-1/command",
        {
            "kind": "droop",
            "duration_s": 600,
            "droop": {"nominal_mhz": 50_000, "dead_band_mhz": 10, "power_w_per_hz": 5},
        },
    ),
    ("POST", "/api/homes/home-1/cancel", {"command_id": "x"}),
    ("POST", "/api/homes/home-9/revoke", {}),
    ("POST", "/api/demand", {"power_w": -5_000, "duration_s": 600, "event_id": "e1"}),
    ("DELETE", "/api/demand", {}),
    ("POST", "/api/heartbeat", {"enabled": True}),
    ("POST", "/api/follow", {"power_w": -5_000, "hold_s": 60, "event_id": "e2"}),
    ("POST", "/api/follow", {"points": _POINTS, "event_id": "e3"}),
    ("DELETE", "/api/follow", {}),
    (
        "POST",
        "/api/events",
        {
            "event_id": "peak-1",
            "windows": [_WINDOW],
            "homes": ["home-1"],
            "notice_s": 0,
            "opt_out_until_in_s": 30,
            "amount_minor_per_kwh": 42,
            "currency": "EUR",
            "start_spread_s": 60,
            "test": False,
        },
    ),
    ("DELETE", "/api/events/peak-1", None),
    ("GET", "/api/homes/home-1/telemetry?since=1", None),
    ("GET", "/api/overview?homes=1", None),
)
ODD_PATHS: Final = (
    "/api/homes/%00",
    "/api/homes/" + "a" * 3_000,
    "/api/../x",
    "/%2e%2e",
)
CSV: Final = "seconds,watts\n0,1000\n60,-2000\n"


class RequestMutator:
    """Makes bodies, always the same for a seed."""

    def __init__(self, seed: int) -> None:
        """Draw from a seed."""
        self._random = Random(seed)  # noqa: S311 - a test, no secret

    def request(self) -> tuple[str, str, bytes, str]:
        """Return a method, a path, a body and its type."""
        draw = self._random
        method, path, sound = draw.choice(SOUND)
        if draw.random() < 0.05:
            path = draw.choice(ODD_PATHS)
        if path == "/api/follow" and draw.random() < 0.2:
            return method, path, self.damaged_text(CSV.encode()), "text/csv"
        kind = "application/json" if draw.random() < 0.97 else "text/plain"
        return method, path, self.body(sound), kind

    def body(self, sound: Json) -> bytes:
        """Return a sound body, damaged in most cases."""
        draw = self._random
        chance = draw.random()
        if chance < 0.05:
            return draw.choice(ODD_BODIES)
        document = deepcopy(sound)
        if chance < 0.75 and document:
            for _ in range(draw.randint(1, 2)):
                holder, key = place_in(document, draw)
                if holder is not None:
                    holder[key] = deepcopy(draw.choice(ODD))
            if draw.random() < 0.1:
                document[draw.choice(("foo", "homes", "points"))] = draw.choice(ODD)
        raw = json.dumps(document).encode()
        return raw if chance < 0.9 else self.damaged_text(raw)

    def damaged_text(self, raw: bytes) -> bytes:
        """Return bytes with some of them changed, or cut."""
        damaged = bytearray(raw)
        for _ in range(self._random.randint(1, 4)):
            damaged[self._random.randrange(len(damaged))] = self._random.randrange(256)
        if self._random.random() < 0.2:
            del damaged[self._random.randrange(len(damaged)) :]
        return bytes(damaged)


async def fuzz_aggregator(count: int, seed: int) -> dict[str, Any]:
    """Send requests to an aggregator that runs; return what was wrong."""
    mutator = RequestMutator(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-fuzz-") as name:
        data = Path(name) / "data"
        with redirect_stdout(io.StringIO()):
            aggregator_main(["init", "--data", str(data), "--region", "north"])
        with Broker(
            Path(name) / "broker", BrokerFiles.in_data_directory(data)
        ) as broker:
            async with AsyncExitStack() as stack:
                rig = Rig(data, broker, stack, Path(name))
                stack.push_async_callback(rig.stop)
                await rig.start()
                enrol = await _Enrolment.of(rig)
                memory = Memory()
                for number in range(count):
                    if number % 4 == 3:
                        wrong += await enrol.try_with(mutator)
                    else:
                        wrong += await _ask(rig, *mutator.request())
                    if number == count // 10:
                        memory.settled()
                growth_percent = memory.growth_percent
                # After all that it still does its work.
                await rig.enrol("home-3")
    return {"wrong": wrong, "growth_percent": growth_percent}


class _Enrolment:
    """The interface that homes reach before they have a certificate."""

    def __init__(
        self, url: str, context: ssl.SSLContext, sound: Json, http: Any
    ) -> None:
        """Know a sound request."""
        self._url, self._context, self._sound, self._http = url, context, sound, http

    @classmethod
    async def of(cls, rig: Rig) -> _Enrolment:
        """Return it with the request of a home that was invited."""
        invitation = await rig.call("POST", "/api/homes", {"home_id": "home-1"})
        home = ScriptedHome(rig.directory, home_id="home-1")
        context = ssl.create_default_context(cadata=invitation["broker_root_pem"])
        sound = home.request_for(invitation)
        return cls(invitation["enrol_url"], context, sound, rig.http)

    async def try_with(self, mutator: RequestMutator) -> list[str]:
        """Post a damaged request; return what was wrong with the answer."""
        body = mutator.body(self._sound)
        async with self._http.post(
            self._url,
            data=body,
            ssl=self._context,
            headers={"Content-Type": "application/json"},
        ) as response:
            return await _wrong_in(response, body)


async def _ask(rig: Rig, method: str, path: str, body: bytes, kind: str) -> list[str]:
    async with rig.http.request(
        method, path, data=body, headers={"Content-Type": kind}
    ) as response:
        return await _wrong_in(response, body)


async def _wrong_in(response: aiohttp.ClientResponse, body: bytes) -> list[str]:
    text = await response.text()
    where = f"{response.method} {response.url.path[:60]} {body[:200]!r}"
    if response.status >= 500 and response.status != 503:
        return [f"{response.status}: {where}: {text[:200]}"]
    if response.status in {200, 400}:
        # A page for people, or what was no HTTP and refused before it was a request.
        return []
    try:
        json.loads(text)
    except ValueError:
        return [f"no JSON: {where}"]
    return []


def fuzz_invitations(count: int, seed: int) -> list[str]:
    """Read damaged invitations and replies as a home does; return what was wrong."""
    mutator = RequestMutator(seed)
    folder = Path(__file__).parents[2] / "docs" / "vpp_contract" / "examples"
    invitation, reply = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("invitation", "enrolment_reply")
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    wrong = []
    for number in range(count):
        body = mutator.body(reply if number % 2 else invitation)
        try:
            if number % 2:
                parse_enrolment_reply(body)
            else:
                parse_invitation(body.decode(errors="replace"), now)
        except InvitationInvalid:
            continue
        except Exception as err:  # noqa: BLE001 - this is what is looked for
            wrong.append(f"{err!r}: {body[:200]!r}")
    return wrong
