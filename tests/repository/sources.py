"""What the integration's Python sources say, read without running them."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
import re

from .imports import CORE, PACKAGE, Module
from .texts import Tree, branch, placeholders

# A pattern a line of code must not match, and what stands in its place.
_DEPRECATED = {
    r"\bvia_device=|[\"']via_device[\"']": "via_device_id",
    r"\basync_get_device\(": "async_get_device_by_identifier",
    # What another integration keeps there may be read.
    r"\bhass\.data\b(?!\.get\(_MANAGER\))": "runtime_data",
    r"\bimport .*\bPERCENTAGE\b|^\s+PERCENTAGE,": "UnitOfRatio.PERCENTAGE",
    r"\.suggested_area\b": "the area of the device",
    r"\bplatform\.async_register_entity_service\b": (
        "service.async_register_platform_entity_service"
    ),
    r"\b(async_extract_\w+|verify_domain_control)\(\s*(self\.)?_?hass\b": (
        "the helper without hass"
    ),
    r"\basync_forward_entry_setup\(": "async_forward_entry_setups",
    r"\bself\.entity_id\s*=|_attr_entity_id\b": "the name that Home Assistant makes",
    r"\basync_generate_entity_id\b": "the name that Home Assistant makes",
    "\u00b5": "\u03bc (U+03BC)",
    r"\bqos=None\b": "a number",
    r"_reload_and_abort\b": "async_update_and_abort: there is an update listener",
    r"\bshow_advanced_options\b": "a section",
    r"\bbus\.async_fire\b": "an event entity",
    r"\b_attr_icon\b|def icon\(|\bicon=": "icons.json",
    r"^\s+_attr_name = [\"']": "a translation key",
}
# Home Assistant itself shows these.
_OWN_WORDS = frozenset({"Unauthorized", "UnknownUser"})
_ERROR_MODULES = (
    "homeassistant.exceptions",
    "homeassistant.helpers.update_coordinator",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call with keyword arguments somewhere in a module."""

    module: str
    line: int
    name: str
    """Last part of what is called: `async_abort` for `self.async_abort(...)`."""
    arguments: dict[str, ast.expr]

    @property
    def where(self) -> str:
        """Return the place as a person would look for it."""
        return f"{self.module}:{self.line}"

    def text(self, keyword: str) -> str | None:
        """Return a keyword argument if it is a string that the module itself fixes."""
        match self.arguments.get(keyword):
            case ast.Constant(value=str(text)):
                return text
            case ast.Name() | ast.Attribute() as name:
                try:
                    value = evaluate(self.module, name)
                except AttributeError, ModuleNotFoundError, NameError:
                    return None
                return value if isinstance(value, str) else None
            case _:
                return None


def find_calls(modules: Iterable[Module], *names: str) -> list[Call]:
    """Return every call of something with one of these names, in reading order."""
    return [
        call
        for module in modules
        for call in calls_in(module.name, ast.parse(module.source))
        if call.name in names
    ]


def calls_in(module: str, tree: ast.AST) -> Iterator[Call]:
    """Yield every call of a named thing in a piece of source."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(func=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(attr=name))
            ):
                yield Call(
                    module=module,
                    line=node.lineno,
                    name=name,
                    arguments={k.arg: k.value for k in node.keywords if k.arg},
                )


def evaluate(module: str, expression: ast.expr) -> object:
    """Return what an expression yields from the names of its module.

    Raises:
        NameError: It needs a name that only a function has.
    """
    code = compile(ast.Expression(expression), module, "eval")
    return eval(code, dict(vars(import_module(f"{PACKAGE}.{module}"))))


def find_known_strings(modules: Iterable[Module]) -> frozenset[str]:
    """Return every string that the sources spell out or import by a name.

    The modules that spell it out are read; only those of the shell, which take keys
    from Home Assistant, are also imported.
    """
    found = set()
    for module in modules:
        found |= {
            node.value
            for node in ast.walk(ast.parse(module.source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if module.layer not in CORE:
            values = vars(import_module(f"{PACKAGE}.{module.name}")).values()
            found |= {value for value in values if isinstance(value, str)}
    return frozenset(found)


def find_deprecated(modules: Iterable[Module]) -> list[str]:
    """Return every use of an interface that Home Assistant is about to drop."""
    found = []
    for module in modules:
        for number, line in enumerate(module.source.splitlines(), 1):
            if not line.lstrip().startswith("#"):
                found += [
                    f"{module.name}:{number} use {instead}: {line.strip()}"
                    for pattern, instead in _DEPRECATED.items()
                    if re.search(pattern, line)
                ]
        found += [
            f"{module.name}:{node.lineno} use OptionsFlow.config_entry, not an argument"
            for node in ast.walk(ast.parse(module.source))
            if isinstance(node, ast.ClassDef) and _is_flow_with_arguments(node)
        ]
    return found


def _is_flow_with_arguments(node: ast.ClassDef) -> bool:
    return any("OptionsFlow" in ast.unparse(base) for base in node.bases) and any(
        isinstance(part, ast.FunctionDef)
        and part.name == "__init__"
        and len(part.args.args) > 1
        for part in node.body
    )


def find_untranslated_errors(modules: Iterable[Module]) -> list[str]:
    """Return every raise of a Home Assistant error without a translation key."""
    found = []
    for module in modules:
        tree = ast.parse(module.source)
        names = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module in _ERROR_MODULES
            for alias in node.names
        } - _OWN_WORDS
        for node in ast.walk(tree):
            match node:
                case ast.Raise(exc=ast.Call(func=ast.Name(id=name), keywords=keywords)):
                    given = {keyword.arg for keyword in keywords}
                case ast.Raise(exc=ast.Name(id=name)):
                    given = set()
                case _:
                    continue
            if name in names and not {"translation_domain", "translation_key"} <= given:
                found.append(f"{module.name}:{node.lineno} {name} is not translated")
    return found


def find_bad_keys(
    calls: Iterable[Call], translations: Tree, section: str, text_path: str
) -> list[str]:
    """Return calls whose literal translation key or placeholders do not fit the texts.

    Args:
        calls: Calls with `translation_key` and maybe `translation_placeholders`.
        translations: The English texts.
        section: Top-level key to look below, e.g. `exceptions`.
        text_path: Where below the key the text with the placeholders is.
    """
    found = []
    texts = branch(translations, section)
    for call in calls:
        key = call.text("translation_key")
        if key is None:
            continue
        if key not in texts:
            found.append(f"{call.where} {section}.{key} has no text")
            continue
        text = branch(texts, key).get(text_path)
        given = call.arguments.get("translation_placeholders")
        if not isinstance(text, str) or not isinstance(given, ast.Dict | None):
            continue
        names = {
            name.value
            for name in (given.keys if given else ())
            if isinstance(name, ast.Constant)
        }
        if missing := placeholders(text) - names:
            found.append(
                f"{call.where} {section}.{key} gets no value for {sorted(missing)}"
            )
    return found
