"""A scenario as it stands in a file: given, steps, then.

``parse`` takes what a YAML reader made of the file, so that this needs no YAML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
import re
from typing import Any, Final

from ..config import EVSE_ID
from .deeds import Deed, read_deed
from .given import Given, read_given
from .looks import Look, read_look

EVSE: Final = re.compile(r"(.*?) on EVSE (\d+)")
WHILE: Final = re.compile(r"(.*?) for (\d+(?:\.\d+)?) s")
AT: Final = re.compile(r"at (\d+(?:\.\d+)?) s")
BY: Final = re.compile(r"by (\d+(?:\.\d+)?) s")
FROM: Final = re.compile(r"from (\d+(?:\.\d+)?) s to (\d+(?:\.\d+)?) s")
OWNER: Final = "owner "
SITE: Final = "site "


class ScenarioError(Exception):
    """A file is no scenario; the text says where and what is allowed there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens at a time, s after the station was let in."""

    at_s: float
    text: str
    evse_id: int
    deed: Deed | None
    """None: the owner does it, and it is not the station's."""

    end_s: float | None = None
    """When it ends; None: it does not, or it has no length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be seen; one after the other, in the order of the file."""

    from_s: float
    """It must be so all the time from here on; 0 with an open beginning."""

    to_s: float
    is_at_last: bool
    """True: at the latest at ``to_s``; False: from ``from_s`` to ``to_s``."""

    text: str
    evse_id: int
    look: Look | None
    """None: of the site, which the station cannot see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario."""

    name: str
    given: Given
    steps: tuple[Step, ...]
    then: tuple[Expectation, ...]
    references: tuple[str, ...] = ()
    """Rows of the scenario table and sentences that it stands for."""

    @property
    def ends_s(self) -> float:
        """When nothing happens any more, s."""
        times = [0.0, *(each.to_s for each in self.then)]
        times += [step.end_s or step.at_s for step in self.steps]
        return max(times)


def parse(raw: object) -> Scenario:
    """Return the scenario of a file.

    Raises:
        ScenarioError: naming the place, what stands there and what is allowed.
    """
    top = _mapping(raw, "the file", [each.name for each in fields(Scenario)])
    name = top.get("name")
    if not isinstance(name, str) or not name:
        raise ScenarioError("name: a text is needed")
    try:
        given = read_given(top.get("given", {}))
    except ValueError as err:
        raise ScenarioError(f"given.{err}") from err
    scenario = Scenario(
        name=name,
        given=given,
        references=tuple(map(str, _list(top.get("references", []), "references"))),
        steps=tuple(_step(e, i) for i, e in _entries(top.get("steps"), "steps")),
        then=tuple(_expectation(e, i) for i, e in _entries(top.get("then"), "then")),
    )
    _judge(scenario)
    return scenario


def _judge(scenario: Scenario) -> None:
    """Refuse times that run back and EVSEs that are not there."""
    places = [
        *(("steps", step.text, step.evse_id) for step in scenario.steps),
        *(("then", each.text, each.evse_id) for each in scenario.then),
    ]
    for where, text, evse_id in places:
        if evse_id not in scenario.given.evse_ids:
            numbers = ", ".join(map(str, scenario.given.evse_ids))
            raise ScenarioError(
                f"{where}: '{text}': no EVSE {evse_id}; given: {numbers}"
            )
    _rising([step.at_s for step in scenario.steps], "steps")
    _rising([each.to_s for each in scenario.then], "then")


def _rising(times: Sequence[float], where: str) -> None:
    for number, (earlier, later) in enumerate(pairwise(times), 2):
        if later < earlier:
            raise ScenarioError(
                f"{where}[{number}]: {later:g} s comes after {earlier:g} s"
            )


def _step(entry: tuple[str, str], where: str) -> Step:
    key, text = entry
    time = AT.fullmatch(key)
    if time is None:
        raise ScenarioError(f"{where}: '{key}' is no time; write 'at 10 s'")
    at_s = float(time[1])
    if text.startswith(OWNER):
        words, evse_id = _evse(text.removeprefix(OWNER))
        return Step(at_s=at_s, text=words, evse_id=evse_id, deed=None)
    words, end_s = text, None
    if (lasting := WHILE.fullmatch(text)) is not None:
        words, end_s = lasting[1], at_s + float(lasting[2])
    words, evse_id = _evse(words)
    try:
        deed = read_deed(words)
    except ValueError as err:
        raise ScenarioError(f"{where}: {err}, or 'owner ...'") from err
    if end_s is not None and deed.end is None:
        raise ScenarioError(f"{where}: '{words}' has no length")
    return Step(at_s=at_s, text=words, evse_id=evse_id, deed=deed, end_s=end_s)


def _expectation(entry: tuple[str, str], where: str) -> Expectation:
    key, text = entry
    from_s, to_s, is_at_last = _window(key, where)
    is_site = text.startswith(SITE)
    words, evse_id = _evse(text.removeprefix(SITE))
    try:
        look = None if is_site else read_look(words)
    except ValueError as err:
        raise ScenarioError(f"{where}: {err}, or 'site ...'") from err
    return Expectation(
        from_s=from_s,
        to_s=to_s,
        is_at_last=is_at_last,
        text=words,
        evse_id=evse_id,
        look=look,
    )


def _window(key: str, where: str) -> tuple[float, float, bool]:
    if (at := AT.fullmatch(key)) is not None:
        return float(at[1]), float(at[1]), False
    if (by := BY.fullmatch(key)) is not None:
        return 0.0, float(by[1]), True
    if (span := FROM.fullmatch(key)) is not None and float(span[1]) < float(span[2]):
        return float(span[1]), float(span[2]), False
    raise ScenarioError(
        f"{where}: '{key}' is no time; write 'by 60 s', 'at 60 s' or 'from 60 s to 90 s'"
    )


def _evse(text: str) -> tuple[str, int]:
    found = EVSE.fullmatch(text)
    return (found[1], int(found[2])) if found is not None else (text, EVSE_ID)


def _entries(raw: object, where: str) -> list[tuple[str, tuple[str, str]]]:
    found = []
    for number, entry in enumerate(_list(raw, where), 1):
        place = f"{where}[{number}]"
        if not isinstance(entry, Mapping) or len(entry) != 1:
            raise ScenarioError(f"{place}: one 'time: what' is needed, not {entry!r}")
        ((key, text),) = entry.items()
        found.append((place, (str(key), str(text))))
    if not found:
        raise ScenarioError(f"{where}: at least one entry is needed")
    return found


def _list(raw: object, where: str) -> list[Any]:
    if not isinstance(raw, list):
        raise ScenarioError(f"{where}: a list is needed")
    return raw


def _mapping(raw: object, where: str, allowed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise ScenarioError(f"{where}: names with values are needed")
    for key in raw:
        if key not in allowed:
            names = ", ".join(allowed)
            raise ScenarioError(f"{where}: '{key}' is unknown; allowed are {names}")
    return raw
