"""Rules for the files of texts: translations, services and icons, and their match."""

from collections.abc import Iterator, Mapping
import re
import string

type Tree = Mapping[str, object]

_KEY = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
_BAD_TEXT = {
    "an address belongs in a placeholder": re.compile(
        r"https?://|www\.", re.IGNORECASE
    ),
    "no HTML": re.compile(r"<[a-z/].*?>", re.IGNORECASE),
    "a reference is resolved only in Home Assistant's own build": re.compile(
        r"\[%key:"
    ),
    "a placeholder does not stand in single quotes": re.compile(r"'\{\w+\}'"),
    "a doubled brace is an error in the browser": re.compile(r"\{\{|\}\}"),
    "space at an end": re.compile(r"^\s|\s$"),
}


def walk(tree: Tree, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its dotted path."""
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from walk(value, here)
        else:
            yield here, str(value)


def branch(tree: object, path: str) -> Tree:
    """Return the part below a dotted path; empty if there is none."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree if isinstance(tree, Mapping) else {}


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the placeholders in a text.

    Raises:
        ValueError: The braces do not match.
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


def find_bad_texts(translations: Tree) -> list[str]:
    """Return every key and text that Home Assistant's own checks would refuse."""
    found = []
    for path, text in walk(translations):
        found += [
            f"{path}: key {key!r}"
            for key in path.split(".")
            if key != "_" and (not _KEY.fullmatch(key) or "__" in key)
        ]
        found += [
            f"{path}: {rule}" for rule, bad in _BAD_TEXT.items() if bad.search(text)
        ]
        if not text:
            found.append(f"{path}: empty")
        try:
            placeholders(text)
        except ValueError as error:
            found.append(f"{path}: {error}")
    return found


def compare(what: str, have: object, want: object) -> list[str]:
    """Return what two collections of keys do not share, as at most two lines."""
    left, right = set(_keys(have)), set(_keys(want))
    found = []
    if right - left:
        found.append(f"{what}: missing {sorted(right - left)}")
    if left - right:
        found.append(f"{what}: unused {sorted(left - right)}")
    return found


def _keys(collection: object) -> Iterator[str]:
    match collection:
        case Mapping() | list() | tuple() | set() | frozenset():
            yield from (str(key) for key in collection)
        case _:
            return


def find_bad_steps(translations: Tree) -> list[str]:
    """Return every field of a flow without a name or without a description."""
    found = []
    for section in flow_sections(translations):
        for step, texts in branch(translations, f"{section}.step").items():
            where = f"{section}.step.{step}"
            parts = {where: texts}
            for name, part in branch(texts, "sections").items():
                parts[f"{where}.sections.{name}"] = part
                if "name" not in branch(texts, f"sections.{name}"):
                    found.append(f"{where}.sections.{name}: no name")
            for place, part in parts.items():
                found += compare(
                    f"{place}.data_description",
                    branch(part, "data_description"),
                    branch(part, "data"),
                )
    return found


def flow_sections(translations: Tree) -> list[str]:
    """Return the dotted paths of the parts that hold the texts of a flow."""
    sections = [key for key in ("config", "options") if key in translations]
    sections += [
        f"config_subentries.{kind}"
        for kind in branch(translations, "config_subentries")
    ]
    sections += [
        f"issues.{issue}.fix_flow"
        for issue in branch(translations, "issues")
        if "fix_flow" in branch(translations, f"issues.{issue}")
    ]
    return sections


def find_bad_shapes(translations: Tree) -> list[str]:
    """Return issues, exceptions and subentries that lack a part or have one too many."""
    found = []
    for issue in branch(translations, "issues"):
        texts = branch(translations, f"issues.{issue}")
        if "title" not in texts:
            found.append(f"issues.{issue}: no title")
        if ("description" in texts) == ("fix_flow" in texts):
            found.append(f"issues.{issue}: needs either description or fix_flow")
    for key, parts in branch(translations, "exceptions").items():
        found += compare(f"exceptions.{key}", parts, {"message"})
    for kind in branch(translations, "config_subentries"):
        texts = branch(translations, f"config_subentries.{kind}")
        found += [
            f"config_subentries.{kind}: no {part}"
            for part in ("entry_type", "initiate_flow", "step")
            if part not in texts
        ]
    return found


def find_bad_services(services: Tree, translations: Tree, icons: Tree) -> list[str]:
    """Return where services.yaml, the texts and the icons of actions differ."""
    texts = branch(translations, "services")
    found = compare("translations of actions", texts, services)
    found += compare("icons of actions", branch(icons, "services"), services)
    for name, service in services.items():
        fields, sections = _fields(service)
        text = branch(texts, name)
        found += compare(f"services.{name}.fields", branch(text, "fields"), fields)
        found += compare(
            f"services.{name}.sections", branch(text, "sections"), sections
        )
        found += [
            f"services.{name}.{part}: missing"
            for part in ("name", "description")
            if part not in text
        ]
        found += [
            f"services.{name}.fields.{field}.{part}: missing"
            for field in branch(text, "fields")
            for part in ("name", "description")
            if part not in branch(text, f"fields.{field}")
        ]
    return found


def _fields(service: object) -> tuple[dict[str, object], list[str]]:
    """Return the fields of an action, those in sections too, and the sections."""
    fields: dict[str, object] = {}
    sections = []
    for name, field in branch(service, "fields").items():
        inner = branch(field, "fields")
        if inner:
            sections.append(name)
        fields |= inner or {name: field}
    return fields, sections


def service_selectors(services: Tree) -> dict[str, list[str]]:
    """Return the options of every translated select field, by translation key."""
    found: dict[str, list[str]] = {}
    for service in services.values():
        for field in _fields(service)[0].values():
            select = branch(field, "selector.select")
            if key := select.get("translation_key"):
                found[str(key)] = list(_keys(select.get("options", [])))
    return found
