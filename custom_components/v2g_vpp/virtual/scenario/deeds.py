"""What a scenario can do to a station, as it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import re
from typing import Final

from ..conditions import Condition
from ..config import Fault
from ..station import VirtualStation

NUMBER: Final = r"([+-]?\d+(?:\.\d+)?)"
NAME: Final = r"([a-z0-9_]+)"

type Act = Callable[[VirtualStation, int], None]
"""Does something to a station, at one of its EVSEs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that is done, and perhaps ended after a while."""

    act: Act
    end: Act | None = None
    """What ends it; None: it has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    pattern: str
    example: str
    build: Callable[[tuple[str, ...]], Deed]


def read_deed(text: str) -> Deed:
    """Return what a step means.

    Raises:
        ValueError: naming what can be written.
    """
    for word in _WORDS:
        found = re.fullmatch(word.pattern, text)
        if found is not None:
            return word.build(found.groups())
    examples = ", ".join(f"'{word.example}'" for word in _WORDS)
    raise ValueError(f"'{text}' is no step; allowed are such as {examples}")


def _once(act: Act) -> Callable[[tuple[str, ...]], Deed]:
    return lambda _: Deed(act=act)


def _fault(fault: Fault) -> Callable[[tuple[str, ...]], Deed]:
    return lambda _: _of_fault(fault)


def _of_fault(fault: Fault) -> Deed:
    return Deed(
        act=lambda station, _: station.set_fault(fault, is_on=True),
        end=lambda station, _: station.set_fault(fault, is_on=False),
    )


def named[T: (Fault, Condition)](kind: type[T], name: str, what: str) -> T:
    """Return a member of an enumeration by its name.

    Raises:
        ValueError: naming all of them.
    """
    try:
        return kind(name)
    except ValueError:
        names = ", ".join(kind)
        raise ValueError(f"'{name}' is no {what}; allowed are {names}") from None


def _quirk(words: tuple[str, ...]) -> Deed:
    return _of_fault(named(Fault, words[0], "quirk"))


def _end_quirk(words: tuple[str, ...]) -> Deed:
    end = _quirk(words).end
    return Deed(act=end or _nothing)


def _nothing(_station: VirtualStation, _evse_id: int) -> None:
    """Do nothing."""


def _condition(words: tuple[str, ...]) -> Deed:
    condition = named(Condition, words[0], "condition")

    def put(station: VirtualStation, evse_id: int, *, is_on: bool) -> None:
        station.set_condition(condition, is_on=is_on, evse_id=evse_id)

    return Deed(
        act=lambda station, evse_id: put(station, evse_id, is_on=True),
        end=lambda station, evse_id: put(station, evse_id, is_on=False),
    )


def _mend(words: tuple[str, ...]) -> Deed:
    end = _condition(words).end
    return Deed(act=end or _nothing)


def _lose(words: tuple[str, ...]) -> Deed:
    percent = _between(words[0], 0.0, 100.0, "%")
    return Deed(
        act=lambda station, _: station.lose_frames(percent),
        end=lambda station, _: station.lose_frames(0.0),
    )


def _delay(words: tuple[str, ...]) -> Deed:
    delay_s = _between(words[0], 0.0, 600.0, "s")
    return Deed(
        act=lambda station, _: station.delay_answers(delay_s),
        end=lambda station, _: station.delay_answers(0.0),
    )


def _battery(words: tuple[str, ...]) -> Deed:
    percent = _between(words[0], 0.0, 100.0, "%")
    return Deed(act=lambda station, evse_id: station.set_soc(percent, evse_id))


def _step_clock(words: tuple[str, ...]) -> Deed:
    step_s = _between(words[0], -1e8, 1e8, "s")
    return Deed(
        act=lambda station, _: station.step_clock(step_s),
        end=lambda station, _: station.step_clock(-step_s),
    )


def _drift(words: tuple[str, ...]) -> Deed:
    drift_ppm = _between(words[0], -1e5, 1e5, "ppm")
    return Deed(
        act=lambda station, _: station.set_clock_drift(drift_ppm),
        end=lambda station, _: station.set_clock_drift(0.0),
    )


def _between(text: str, lowest: float, highest: float, unit: str) -> float:
    value = float(text)
    if not lowest <= value <= highest:
        raise ValueError(
            f"{value:g} {unit} is not within {lowest:g}..{highest:g} {unit}"
        )
    return value


_PLAIN: Final[Mapping[str, Act]] = {
    "plug in": lambda station, evse_id: station.plug(evse_id),
    "unplug": lambda station, evse_id: station.unplug(evse_id),
    "press emergency stop": lambda station, _: station.press_emergency_stop(),
    "release emergency stop": lambda station, _: station.release_emergency_stop(),
    "reboot": lambda station, _: station.reboot(),
}
_LINES: Final[Mapping[str, Fault]] = {
    "close socket half open": Fault.HALF_OPEN,
    "drop link": Fault.DROP_LINK,
    "repeat frames": Fault.REPEAT_FRAMES,
}
_WORDS: Final = (
    *(_Word(pattern=t, example=t, build=_once(act)) for t, act in _PLAIN.items()),
    *(_Word(pattern=t, example=t, build=_fault(f)) for t, f in _LINES.items()),
    _Word(pattern=rf"lose frames {NUMBER} %", example="lose frames 20 %", build=_lose),
    _Word(
        pattern=rf"answers late by {NUMBER} s",
        example="answers late by 2 s",
        build=_delay,
    ),
    _Word(
        pattern=rf"condition {NAME}",
        example="condition ground_fault",
        build=_condition,
    ),
    _Word(pattern=rf"mend {NAME}", example="mend ground_fault", build=_mend),
    _Word(pattern=rf"quirk {NAME}", example="quirk refuse_zero", build=_quirk),
    _Word(
        pattern=rf"end quirk {NAME}",
        example="end quirk refuse_zero",
        build=_end_quirk,
    ),
    _Word(pattern=rf"battery at {NUMBER} %", example="battery at 25 %", build=_battery),
    _Word(
        pattern=rf"clock step {NUMBER} s",
        example="clock step +400 s",
        build=_step_clock,
    ),
    _Word(
        pattern=rf"clock drift {NUMBER} ppm",
        example="clock drift 200 ppm",
        build=_drift,
    ),
)
