"""The hot paths, each beside a piece of work that no change here makes faster."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import count as counting, islice
import json
import logging
from typing import Final

# The package has no types.
from ocpp import messages  # type: ignore[import-untyped]

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.clock_check import Now
from custom_components.v2g_vpp.vpp.gate import Frame, Passed
from script.benches.csms import FRAMES, Ours, Package, Sent
from tests.control.given import NOW, READY, at, order, with_key
from tests.vpp.actors import AGGREGATOR
from tests.vpp.door import COMMAND, Door

from .paired import Pair

STEPS_PER_TURN: Final = 10
COMMANDS_PER_TURN: Final = 40
PAUSE_S: Final = 1.0
"""Between two commands; more than two in a second are refused."""

PACKAGE_FRAMES: Final = 10
"""Messages of the package in a turn: four milliseconds of Python that goes many ways, as
the control step does, so that other programs slow both alike."""

POWER_W: Final = -5_000.0


class Texts:
    """The same frame again and again, each with an id of its own."""

    def __init__(self, name: str) -> None:
        """Take a frame of the benchmark `csms`."""
        self._action, self._payload_of = FRAMES[name]
        self._numbers = counting()
        self.now: list[str] = []

    def write(self, count: int) -> None:
        """Write the next ones."""
        self.now = [
            json.dumps([2, f"m{number}", self._action, self._payload_of(number)])
            for number in islice(self._numbers, count)
        ]


def package() -> Callable[[str], Awaitable[None]]:
    """Return the way of a frame through the package."""
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    messages.ASYNC_VALIDATION = False
    way: Callable[[str], Awaitable[None]] = Package("CS1", Sent()).route_message
    return way


def frames(name: str, ours_count: int, theirs_count: int) -> Pair:
    """Return our whole way of frames beside that of the package.

    Args:
        name: of the frame.
        ours_count: in a turn.
        theirs_count: so many that both take about as long.
    """
    ours, theirs, texts = Ours(Sent()), package(), Texts(name)

    async def our_way() -> None:
        for text in texts.now[:ours_count]:
            await ours.handle(text)

    async def their_way() -> None:
        for text in texts.now[:theirs_count]:
            await theirs(text)

    def hang_up() -> None:
        ours.writer.cancel()
        ours.link.shut()

    return Pair(
        subject=our_way,
        yardstick=their_way,
        prepare=lambda: texts.write(max(ours_count, theirs_count)),
        close=hang_up,
    )


def steps(count: int, steps_per_turn: int) -> Pair:
    """Return steps of the discharge coordinator beside messages of the package."""
    theirs, texts = package(), Texts("transaction_event")
    home = order(POWER_W * count, resource=None)
    evses = [
        with_key(replace(READY, order=home), EvseKey(StationId(f"CS{number:04}"), 1))
        for number in range(count)
    ]
    coordinator, site = DischargeCoordinator(), SiteInputs(export_limit_w=1e9)
    seconds = counting()

    async def step() -> None:
        for _ in range(steps_per_turn):
            now_s = NOW + next(seconds)
            coordinator.step(
                [at(evse, now_s, POWER_W, 70.0) for evse in evses], site, now_s
            )

    async def their_way() -> None:
        for text in texts.now:
            await theirs(text)

    return Pair(
        subject=step,
        yardstick=their_way,
        prepare=lambda: texts.write(PACKAGE_FRAMES),
    )


def commands() -> Pair:
    """Return judging commands at the gate beside checking as many signatures."""
    door = Door()

    written: list[tuple[Frame, Now]] = []
    message = b"x" * 512
    signature = AGGREGATOR.sign(message)

    def write() -> None:
        written.clear()
        for number in range(COMMANDS_PER_TURN):
            door.clock.advance(PAUSE_S)
            door.measure()
            message = door.pen.command(power_w=-1_000 - number)
            written.append((door.pen.frame(COMMAND, message), door.now))

    async def judge() -> None:
        for frame, now in written:
            if not isinstance(door.gate.judge_command(frame, now), Passed):
                raise TypeError("a good command was refused")

    async def check() -> None:
        for _ in range(COMMANDS_PER_TURN):
            if not verify_signature(AGGREGATOR.public_key, signature, message):
                raise RuntimeError("a good signature was refused")

    return Pair(subject=judge, yardstick=check, prepare=write)


PAIRS: Final[Mapping[str, Callable[[], Pair]]] = {
    "transaction_event": lambda: frames("transaction_event", 60, 10),
    "notify_report": lambda: frames("notify_report_50_rows", 30, 1),
    "heartbeat": lambda: frames("heartbeat", 200, 100),
    "control_step_10": lambda: steps(10, STEPS_PER_TURN),
    "control_step_50": lambda: steps(50, 2),
    "gate_command": commands,
}
"""By name of the ratio, which says how much longer the first piece takes; the pieces are
not of the same size, so that they take about as long."""
