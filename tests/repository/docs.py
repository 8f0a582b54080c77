"""Rules for the pages of the owner: links that lead somewhere, tables that are true."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
import re
from typing import cast

from homeassistant.helpers.entity import EntityDescription

from tests.repository import INTEGRATION

_MARK = "entity_registry_enabled_default"
PLATFORMS = (
    "binary_sensor",
    "button",
    "calendar",
    "event",
    "number",
    "select",
    "sensor",
    "switch",
    "time",
)

type Row = tuple[str, ...]

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_ACTION = re.compile(r"^### `v2g_vpp\.(\w+)`$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def links(page: str) -> list[str]:
    """Return the targets of all links and pictures, those in code left out."""
    return _LINK.findall(_FENCE.sub("", page))


def anchors(page: str) -> set[str]:
    """Return what a link can point to inside a page, as GitHub makes it."""
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", page)):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(kept.strip().replace(" ", "-"))
    return found


def rows(page: str) -> Iterator[Row]:
    """Yield the rows of all tables, heads and rules left out."""
    lines = _FENCE.sub("", page).splitlines()
    is_body = False
    for line in lines:
        if not line.startswith("|"):
            is_body = False
            continue
        if re.fullmatch(r"[|\- :]+", line):
            is_body = True
        elif is_body:
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def sections(page: str) -> dict[str, str]:
    """Return the text below the heading of each action, by its name."""
    parts = _ACTION.split(page)
    texts = (re.split(r"^## ", text, flags=re.MULTILINE)[0] for text in parts[2::2])
    return dict(zip(parts[1::2], texts, strict=True))


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code of one language."""
    return [text for name, text in _BLOCK.findall(page) if name == language]


def described(platforms: Iterable[str]) -> Iterator[tuple[str, EntityDescription]]:
    """Yield every entity description of the integration with its platform."""
    for platform in platforms:
        for path in sorted(INTEGRATION.glob(f"{platform}*.py")):
            module = import_module(f"custom_components.v2g_vpp.{path.stem}")
            for one in descriptions(vars(module).values()):
                if _is_of(one, platform):
                    yield platform, one


def _is_of(description: EntityDescription, platform: str) -> bool:
    # The bases are made anew for each description, so only their names tell.
    wanted = f"{platform.title().replace('_', '')}EntityDescription"
    return any(base.__name__ == wanted for base in type(description).__mro__)


def descriptions(things: Iterable[object]) -> Iterator[EntityDescription]:
    """Yield the entity descriptions in values, tuples, lists and mappings.

    Home Assistant makes the class of a description anew where it is frozen, so that it
    is known by what it has.
    """
    for thing in things:
        if hasattr(thing, _MARK) and not isinstance(thing, type):
            yield cast("EntityDescription", thing)
        elif isinstance(thing, Mapping):
            yield from descriptions(thing.values())
        elif isinstance(thing, tuple | list):
            yield from descriptions(thing)
