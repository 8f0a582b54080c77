"""Which entities the integration describes, found by importing its modules."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
import re
from typing import cast

from homeassistant.const import Platform
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.util import frozen_dataclass_compat

from .imports import PACKAGE, Module
from .sources import evaluate
from .texts import Tree, branch, compare

# Where the texts of an entity's possible values are, by the field that lists them.
_VALUES = {
    "options": "state",
    "event_types": "state_attributes.event_type.state",
}
_BASE = "homeassistant.components."


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKey:
    """What one kind of entity needs in the files of texts and icons."""

    where: str
    platform: str
    key: str | None
    """The translation key; None for a kind that its device class names."""
    has_device_class: bool
    """Then Home Assistant has a name and an icon for it."""
    values: Mapping[str, frozenset[str]]
    """Possible values by the path of their texts."""


def find_entity_keys(modules: Iterable[Module]) -> list[EntityKey]:
    """Return every entity description, and every entity class with a key of its own.

    Raises:
        NameError: A class takes its key or its values from what only a function has.
    """
    described: dict[int, EntityKey] = {}
    classes: list[EntityKey] = []
    for module in modules:
        names = vars(import_module(f"{PACKAGE}.{module.name}"))
        for name, value in names.items():
            for description in _descriptions(value):
                described[id(description)] = of_description(
                    f"{module.name}.{name}", description
                )
        for node in ast.parse(module.source).body:
            if isinstance(node, ast.ClassDef) and issubclass(names[node.name], Entity):
                classes += _of_class(module.name, node, names[node.name])
    return [*described.values(), *classes]


def _descriptions(value: object) -> Iterator[EntityDescription]:
    match value:
        case EntityDescription():
            yield value
        # One of Home Assistant's own classes, used as it is, is made in this module
        # and shares no class with the one above.
        case _ if _is_plain_description(value):
            yield cast("EntityDescription", value)
        case Mapping():
            yield from _descriptions(tuple(value.values()))
        case tuple() | list() | set() | frozenset():
            for item in value:
                yield from _descriptions(item)
        case _:
            return


def _is_plain_description(value: object) -> bool:
    made_in = frozen_dataclass_compat.__name__
    return not isinstance(value, type) and type(value).__module__ == made_in


def _platform(kind: type) -> str:
    """Return the platform that a class of entities is made for."""
    for base in kind.__mro__:
        platform = base.__module__.removeprefix(_BASE).partition(".")[0]
        if platform in set(Platform):
            return platform
    return ""


def _platform_of_description(kind: type) -> str:
    """Return the platform by the name of Home Assistant's class of descriptions.

    Its module does not tell: Home Assistant makes these classes in a module of its own.
    """
    for base in kind.__mro__:
        name = base.__name__.removesuffix("EntityDescription")
        platform = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if platform in set(Platform):
            return platform
    return ""


def of_description(where: str, description: EntityDescription) -> EntityKey:
    """Return what one description needs."""
    return EntityKey(
        where=f"{where}[{description.key}]",
        platform=_platform_of_description(type(description)),
        key=description.translation_key,
        has_device_class=description.device_class is not None
        or description.name is None,
        values={
            path: frozenset(values)
            for field, path in _VALUES.items()
            if (values := getattr(description, field, None)) is not None
        },
    )


def _of_class(module: str, node: ast.ClassDef, kind: type) -> Iterator[EntityKey]:
    given: dict[str, ast.expr] = {}
    for part in ast.walk(node):
        match part:
            case ast.Assign(targets=[target], value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pass
            case _:
                continue
        name = target.attr if isinstance(target, ast.Attribute) else None
        name = target.id if isinstance(target, ast.Name) else name
        if name and name.startswith("_attr_"):
            given[name.removeprefix("_attr_")] = value
    if "translation_key" not in given:
        return
    yield EntityKey(
        where=f"{module}.{node.name}",
        platform=_platform(kind),
        key=str(evaluate(module, given["translation_key"])),
        has_device_class="device_class" in given,
        values={
            path: _strings(evaluate(module, given[field]))
            for field, path in _VALUES.items()
            if field in given
        },
    )


def _strings(values: object) -> frozenset[str]:
    return frozenset(map(str, values)) if isinstance(values, Iterable) else frozenset()


def find_bad_entities(
    keys: Iterable[EntityKey], translations: Tree, icons: Tree
) -> list[str]:
    """Return where the entities, their texts and their icons differ."""
    keys = tuple(keys)
    found = []
    for item in keys:
        if item.key is None:
            if not item.has_device_class:
                found.append(f"{item.where}: neither translation key nor device class")
            continue
        path = f"entity.{item.platform}.{item.key}"
        text = branch(translations, path)
        if not text:
            found.append(f"{item.where}: {path} has no text")
            continue
        if not item.has_device_class and not branch(icons, path):
            found.append(f"{item.where}: {path} has no icon")
        for place, values in item.values.items():
            found += compare(f"{path}.{place}", branch(text, place), values)
    used = {f"{item.platform}.{item.key}" for item in keys}
    texts = _entity_paths(translations)
    found += [f"entity.{path}: text is not used" for path in sorted(texts - used)]
    found += [
        f"entity.{path}: icon of no entity"
        for path in sorted(_entity_paths(icons) - texts)
    ]
    for path in sorted(_entity_paths(icons) & texts):
        states = set(branch(translations, f"entity.{path}.state"))
        unknown = set(branch(icons, f"entity.{path}.state")) - states
        if states and unknown:
            found.append(f"entity.{path}: icons of no state {sorted(unknown)}")
    return found


def _entity_paths(tree: Tree) -> set[str]:
    return {
        f"{platform}.{key}"
        for platform in branch(tree, "entity")
        for key in branch(tree, f"entity.{platform}")
    }
