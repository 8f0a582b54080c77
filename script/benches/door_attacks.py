"""What is done to the door: by strangers before they are let in, and by stations after."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
import json
from random import Random
import struct
from typing import Final
import zlib

from script.benches.door_process import GUESTS, guest
from tests.csms.peer import BOOT, NOW, basic
from tests.csms.raw_wire import request

type Attack = Callable[[int, float, int], Awaitable[float]]
"""Of a port, for some seconds, with so much; returns how much of it was done."""

MEBIBYTE: Final = 1024 * 1024
HOST: Final = "127.0.0.1"
ELSEWHERE: Final = ("127.0.0.66", 0)
"""Where strangers come from: whoever guesses passwords is put off by address."""

AT_ONCE: Final = 100
"""So many connect at the same time; the rest waits its turn."""

KEY: Final = b"\0\0\0\0"


def masked(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    """Return one frame of a client; the mask is zero, which is legal."""
    head = bytes([opcode | (0x80 if is_final else 0)])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + KEY + payload
    if len(payload) < 65_536:
        return head + b"\xfe" + struct.pack(">H", len(payload)) + KEY + payload
    return head + b"\xff" + struct.pack(">Q", len(payload)) + KEY + payload


def bomb() -> bytes:
    """Return 64 MiB of nothing, packed into a small frame."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(b"\0" * MEBIBYTE) for _ in range(64)]
    packed = b"".join([*parts, packer.flush(zlib.Z_SYNC_FLUSH)])[:-4]
    return masked(0x41, packed)


def heavy_frames() -> list[bytes]:
    """Return texts of nearly 1 MiB that are as much work as a text can be."""
    room = MEBIBYTE - 200
    odd = ("1e5", '"\\ud800"', "[]", '""', "[{}]", "9" * 30, "NaN", '"é\\u0000"')
    insides = [",".join([one] * (room // (len(one.encode()) + 1))) for one in odd]
    tower = "[" * 25 + "]" * 25
    insides += [",".join([tower] * (room // 51)), "[" * room]
    keys = ",".join(f'"{number}":{number}' for number in range(room // 16))
    row = '{"component":{"name":"C"},"variable":{"name":"V"},"variableAttribute":[{}]}'
    rows = ",".join([row] * (room // (len(row) + 2)))
    report = (
        f'[2,"r","NotifyReport",{{"requestId":1,"generatedAt":"{NOW}",'
        f'"seqNo":0,"reportData":[{rows}]}}]'
    )
    texts = [f'[2,"h{n}","Heartbeat",{{"a":[{one}]}}]' for n, one in enumerate(insides)]
    texts += [
        f'[2,"k","Heartbeat",{{{keys}}}]',
        report,
        "9" * room,
    ]
    return [masked(1, text.encode()[: MEBIBYTE - 1]) for text in texts]


def hello(number: int) -> bytes:
    """Return the upgrade of a station that is let in, with compression."""
    identity = guest(number % GUESTS)
    login = basic(identity)["Authorization"]
    wanted = request(
        f"/ocpp/{identity}",
        f"Authorization: {login}",
        "Sec-WebSocket-Extensions: permessage-deflate",
    )
    return wanted.replace(b"ocpp2.0.1", b"ocpp2.1")


class Guest:
    """A station with a password, on a bare socket."""

    def __init__(self, number: int, port: int) -> None:
        """Know where to dial in and as whom."""
        self._number, self._port = number, port
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def send(self, data: bytes) -> bool:
        """Send bytes over a link that is up, or a new one; True when they left."""
        try:
            async with asyncio.timeout(5):
                if self._writer is None or self._writer.is_closing():
                    await self._dial()
                assert self._writer is not None
                self._writer.write(data)
                await self._writer.drain()
        except OSError, TimeoutError, asyncio.IncompleteReadError:
            self.drop()
            return False
        return True

    def drop(self) -> None:
        """Go without a word."""
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = None

    async def _dial(self) -> None:
        self.drop()
        reader, writer = await asyncio.open_connection(HOST, self._port)
        self._writer = writer
        writer.write(hello(self._number))
        await reader.readuntil(b"\r\n\r\n")
        boot = json.dumps([2, "boot", "BootNotification", BOOT])
        writer.write(masked(1, boot.encode()))
        self._reading = asyncio.create_task(self._read(reader, writer))

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while await reader.read(65_536):
                pass
        writer.close()


async def _as_guests(
    port: int,
    seconds: float,
    guests: int,
    send: Callable[[Guest, int], Awaitable[bool]],
) -> float:
    """Let some stations send again and again; return how often they did."""
    made = [Guest(number, port) for number in range(min(guests, GUESTS))]
    count = 0

    async def live(number: int, one: Guest) -> None:
        nonlocal count
        while True:
            count += await send(one, number + count)
            await asyncio.sleep(0)

    lives = [asyncio.create_task(live(n, one)) for n, one in enumerate(made)]
    await asyncio.sleep(seconds)
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    for one in made:
        one.drop()
    return float(count)


# --- strangers --------------------------------------------------------------------


class _Held(asyncio.Protocol):
    """A connection that only is there."""


async def connections(port: int, seconds: float, amount: int) -> float:
    """Open so many connections and say nothing; those that are ended are opened anew."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)
    held: list[asyncio.Transport] = []

    async def one() -> None:
        async with gate:
            with suppress(OSError):
                transport, _ = await loop.create_connection(
                    _Held, HOST, port, local_addr=ELSEWHERE
                )
                held.append(transport)

    ends_s = loop.time() + seconds
    opened = 0
    while True:
        missing = amount - sum(not transport.is_closing() for transport in held)
        await asyncio.gather(*(one() for _ in range(min(missing, 2_000))))
        opened += min(missing, 2_000)
        held = [transport for transport in held if not transport.is_closing()]
        if loop.time() > ends_s and opened >= amount:
            break
        await asyncio.sleep(0)
    for transport in held:
        transport.abort()
    return float(opened)


async def slow_before(port: int, seconds: float, amount: int) -> float:
    """Send a request a byte a second, on many sockets."""
    beginning = request("/ocpp/CS1", "X-Long: " + "x" * 500)
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + seconds
    gate = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def drip() -> None:
        nonlocal done
        while loop.time() < ends_s:
            with suppress(OSError):
                async with gate:
                    _, writer = await asyncio.open_connection(
                        HOST, port, local_addr=ELSEWHERE
                    )
                for byte in beginning:
                    if writer.transport.is_closing() or loop.time() > ends_s:
                        break
                    writer.write(bytes([byte]))
                    done += 1
                    await asyncio.sleep(min(1.0, seconds / 5))
                writer.transport.abort()
            await asyncio.sleep(0.05)

    await asyncio.gather(*(drip() for _ in range(amount)))
    return float(done)


async def junk_upgrades(port: int, seconds: float, amount: int) -> float:
    """Ask for an upgrade with headers that make no sense, one after the other."""
    random = Random(amount)  # noqa: S311 - a test, no secret
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + seconds
    done = 0
    junk = (
        "Authorization: Basic " + "A" * 7_000,
        "Authorization: Basic \x01\x02",
        "Sec-WebSocket-Key: x",
        "Sec-WebSocket-Version: 99",
        "Sec-WebSocket-Protocol: " + ",".join(["ocpp9"] * 900),
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
        "Transfer-Encoding: chunked",
        "Content-Length: -5",
        "Content-Length: 99999999999999999999",
        "Expect: 100-continue",
        "Host: \xff\xfe",
        ": nothing",
        "X" * 9_000 + ": y",
    )

    async def ask() -> None:
        nonlocal done
        while loop.time() < ends_s:
            path = random.choice(
                ("/ocpp/CS1", "/upload/x", "/%00", "*", "/" + "a" * 99)
            )
            method = random.choice(("GET", "GET", "PUT", "\x00GET", "GET" * 99))
            headers = random.sample(junk, k=random.randint(0, 3))
            with suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection(
                    HOST, port, local_addr=ELSEWHERE
                )
                try:
                    async with asyncio.timeout(3):
                        writer.write(request(path, *headers, method=method))
                        await reader.read(4_096)
                        done += 1
                finally:
                    writer.transport.abort()

    await asyncio.gather(*(ask() for _ in range(amount)))
    return float(done)


# --- stations ---------------------------------------------------------------------


async def slow_after(port: int, seconds: float, amount: int) -> float:
    """Send one frame a byte at a time, from every station that is let in."""
    text = masked(1, b"[" * 500)

    async def send(one: Guest, number: int) -> bool:
        is_sent = await one.send(text[number % len(text) :][:1])
        await asyncio.sleep(min(1.0, seconds / 5))
        return is_sent

    return await _as_guests(port, seconds, amount, send)


async def bombs(port: int, seconds: float, amount: int) -> float:
    """Send what unpacks to 64 MiB, again and again."""
    packed = bomb()
    return await _as_guests(port, seconds, amount, lambda one, _: one.send(packed))


async def heavy(port: int, seconds: float, amount: int) -> float:
    """Send the heaviest texts that the limit lets through."""
    texts = heavy_frames()
    return await _as_guests(
        port, seconds, amount, lambda one, number: one.send(texts[number % len(texts)])
    )


async def oversize(port: int, seconds: float, amount: int) -> float:
    """Send a frame above the limit, in one and in parts, and binary ones."""
    big = masked(1, b"[" * (MEBIBYTE + 1))
    parts = masked(1, b"[" * 700_000, is_final=False) + masked(0, b"[" * 700_000)
    frames = (big, parts, masked(2, b"x"), b"\xff" * 64)
    return await _as_guests(
        port, seconds, amount, lambda one, number: one.send(frames[number % 4])
    )


async def crumbs(port: int, seconds: float, amount: int) -> float:
    """Send messages in parts of one byte."""
    crumb = masked(1, b"[", is_final=False) + masked(0, b"[", is_final=False) * 20_000
    message = crumb + masked(0, b"[")
    return await _as_guests(port, seconds, amount, lambda one, _: one.send(message))


async def pings(port: int, seconds: float, amount: int) -> float:
    """Send pings without end."""
    many = masked(9, b"x" * 100) * 200
    return await _as_guests(port, seconds, amount, lambda one, _: one.send(many))


ATTACKS: Final[Mapping[str, tuple[Attack, int, int]]] = {
    "connections": (connections, 10_000, 1_000),
    "slow_before": (slow_before, 500, 100),
    "junk_upgrades": (junk_upgrades, 16, 8),
    "slow_after": (slow_after, GUESTS, GUESTS),
    "bombs": (bombs, 4, 4),
    "heavy": (heavy, 4, 2),
    "oversize": (oversize, 4, 4),
    "crumbs": (crumbs, 4, 2),
    "pings": (pings, 4, 4),
}
"""Each with how much of it, in a full and in a quick run."""
