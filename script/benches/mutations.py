"""Frames for the fuzz benchmark: valid ones of every action, and what breaks them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
import json
import math
from random import Random
from typing import Any, Final

from custom_components.v2g_vpp.csms.ocpp_lib import read_schemas

type Json = Any

LONG: Final = 5000
FROM_KEPT: Final = 0.4
"""Share of the frames that are made from earlier ones that led somewhere new."""

MOST_KEPT: Final = 2_000
TIME: Final = "2026-11-22T18:00:00Z"
ODD_VALUES: Final[tuple[Json, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    -(10**40),
    1e308,
    "",
    "x" * LONG,
    "\x00",
    "\u202e",
    "NaN",
    [],
    {},
    [[[]]],
    {"customData": {"vendorId": "x"}},
)
"""What a value is replaced by."""

_PLAIN_VALUES: Final[Mapping[str, tuple[Json, ...]]] = {
    "integer": (0, 1, 2, 3),
    "number": (0, 1.5, 230.1, -5000.0),
    "boolean": (True, False),
}

ODD_TEXTS: Final[tuple[str, ...]] = (
    "",
    " ",
    "[",
    "{}",
    "[]",
    "[2]",
    '[2,"x"]',
    "null",
    "[2,null,null,null]",
    '[2,"u","Heartbeat",{"a":NaN}]',
    '[2,"u","Heartbeat",{"a":1e999}]',
    '[2,"u","Heartbeat",{"a":' + "9" * LONG + "}]",
    '[2,"\\ud800","Heartbeat",{}]',
    '[2,"u","Heartbeat",' + '{"a":' * LONG + "1" + "}" * LONG + "]",
    "[" * LONG,
    '[2,"u","Heartbeat",{},{},{}]',
    '[3,"u",{}]',
    '[4,"u","x","y",{}]',
    '[5,"u","x","y",{}]',
    '[6,"u","NotifyPeriodicEventStream",{}]',
    '[9,"u","x",{}]',
    '[2.0,"u","Heartbeat",{}]',
    '["2","u","Heartbeat",{}]',
    '[true,"u","Heartbeat",{}]',
)


class Mutator:
    """Makes the frames of one OCPP version, always the same for a seed."""

    def __init__(self, protocol: str, seed: int) -> None:
        """Read the schemas of the version."""
        self._random = Random(seed)  # noqa: S311 - a test, no secret
        self._schemas: dict[str, Json] = {}
        self._answers: dict[str, Json] = {}
        for action, is_answer, schema in read_schemas(protocol):
            (self._answers if is_answer else self._schemas)[action] = schema
        self._actions = sorted(self._schemas)
        self._number = 0
        self._kept: list[str] = []
        self._damages: Sequence[Callable[[list[Json]], str]] = (
            self._plain,
            self._plain,
            self._one_value,
            self._one_value,
            self._key_gone,
            self._key_more,
            self._characters,
            self._cut,
            self._frame_elements,
            self._other_action,
        )

    def frames(self, count: int) -> Iterator[str]:
        """Yield so many frames; about one in six is sound."""
        for _ in range(count):
            if self._random.random() < 0.02:
                yield self._random.choice(ODD_TEXTS)
                continue
            self._number += 1
            frame = self._kept_one() if self._random.random() < FROM_KEPT else None
            if frame is None:
                action = self._random.choice(self._actions)
                frame = [2, "", action, self.sound(action)]
            frame[1] = f"f{self._number}"
            yield self._random.choice(self._damages)(frame)

    def keep(self, text: str) -> None:
        """Damage a frame further in later ones: it led somewhere new."""
        if len(self._kept) < MOST_KEPT:
            self._kept.append(text)
        else:
            self._kept[self._random.randrange(MOST_KEPT)] = text

    def answer(self, message_id: str, action: str) -> str:
        """Return an answer to a request of the home; about half are sound."""
        draw = self._random.random()
        if draw < 0.05 or action not in self._answers:
            return json.dumps([4, message_id, self._odd(), self._odd(), {}])
        schema = self._answers[action]
        frame = [3, message_id, self._value(schema, schema, depth=0)]
        damage = self._plain if draw < 0.55 else self._random.choice(self._damages[:-1])
        return damage(frame)

    @property
    def actions(self) -> Sequence[str]:
        """Every action of the version, in either direction."""
        return self._actions

    def sound(self, action: str) -> Json:
        """Return a payload of an action that its schema has nothing against."""
        schema = self._schemas[action]
        return self._value(schema, schema, depth=0)

    # --- damages --------------------------------------------------------------

    def _plain(self, frame: list[Json]) -> str:
        return json.dumps(frame)

    def _one_value(self, frame: list[Json]) -> str:
        for _ in range(self._random.randint(1, 3)):
            holder, key = place_in(frame[-1], self._random)
            if holder is not None:
                holder[key] = self._odd()
        return json.dumps(frame)

    def _key_gone(self, frame: list[Json]) -> str:
        holder, key = place_in(frame[-1], self._random)
        if holder is not None:
            del holder[key]
        return json.dumps(frame)

    def _key_more(self, frame: list[Json]) -> str:
        frame[-1][self._random.choice(("foo", "customData", "id", "\ud7ff"))] = (
            self._odd()
        )
        return json.dumps(frame)

    def _characters(self, frame: list[Json]) -> str:
        text = list(json.dumps(frame))
        for _ in range(self._random.randint(1, 4)):
            text[self._random.randrange(len(text))] = chr(
                self._random.choice((0, 34, 44, 58, 91, 92, 123, 125, 233, 0x1F600))
            )
        return "".join(text)

    def _cut(self, frame: list[Json]) -> str:
        text = json.dumps(frame)
        return text[: self._random.randrange(len(text))]

    def _frame_elements(self, frame: list[Json]) -> str:
        frame[self._random.randrange(len(frame))] = self._odd()
        return json.dumps(frame)

    def _other_action(self, frame: list[Json]) -> str:
        frame[2] = self._random.choice(self._actions)
        return json.dumps(frame)

    def _kept_one(self) -> list[Json] | None:
        """Return a kept frame to be damaged, None when there is none that is one."""
        if not self._kept:
            return None
        try:
            frame = json.loads(self._random.choice(self._kept))
        except ValueError, RecursionError:
            return None
        is_call = isinstance(frame, list) and len(frame) == 4 and frame[0] == 2
        return frame if is_call and isinstance(frame[3], dict) else None

    def _odd(self) -> Json:
        # A copy: what is put into it must not be in every later frame.
        return deepcopy(self._random.choice(ODD_VALUES))

    # --- sound payloads -------------------------------------------------------

    def _value(self, schema: Mapping[str, Json], root: Json, depth: int) -> Json:
        if "$ref" in schema:
            schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                return self._object(schema, root, depth)
            case "array":
                least = schema.get("minItems", 0)
                most = min(schema.get("maxItems", 3), least + 2)
                count = self._random.randint(least, max(least, most))
                return [
                    self._value(schema["items"], root, depth + 1) for _ in range(count)
                ]
            case "integer" | "number" | "boolean" as kind:
                lowest = schema.get("minimum", -math.inf)
                highest = schema.get("maximum", math.inf)
                return self._random.choice(
                    [v for v in _PLAIN_VALUES[kind] if lowest <= v <= highest]
                )
            case _:
                return self._text(schema)

    def _object(self, schema: Mapping[str, Json], root: Json, depth: int) -> Json:
        required = schema.get("required", ())
        return {
            name: self._value(part, root, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or (depth < 4 and self._random.random() < 0.3)
        }

    def _text(self, schema: Mapping[str, Json]) -> str:
        if schema.get("format") == "date-time":
            return TIME
        text = self._random.choice(("HA", "t1", "17", "true", "5021.4", "é", ""))
        return text[: schema.get("maxLength", len(text))]


def place_in(node: Json, random: Random) -> tuple[Json, Json]:
    """Return a container somewhere in a value and one of its keys."""
    places: list[tuple[Json, Json]] = []
    waiting = [node]
    while waiting:
        item = waiting.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item))
        for key in keys:
            places.append((item, key))
            if isinstance(item[key], dict | list):
                waiting.append(item[key])
    return random.choice(places) if places else (None, None)
