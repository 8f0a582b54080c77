"""Which module may import which: the layers of docs/architecture, as a table."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
import sys

PACKAGE = "custom_components.v2g_vpp"

ADAPTERS = frozenset({"csms", "vpp", "pki", "virtual"})
PURE = frozenset({"domain", "control"})
CORE = PURE | ADAPTERS | {"site"}
"""The layers that load without Home Assistant."""

# Targets are dotted names below the integration; a target includes all that it holds.
ALLOWED: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "control": frozenset({"domain"}),
    "csms": frozenset({"domain"}),
    "vpp": frozenset({"domain"}),
    "pki": frozenset({"domain"}),
    "virtual": frozenset({"domain"}),
    "site": frozenset({"domain", "control"}),
    "const": frozenset(),
    "coordinator": frozenset({"const", "domain", "site"}),
    "storage": frozenset({"const", "domain"}),
    "readings": frozenset({"const", "domain"}),
    # The part of the composition root that puts links to aggregators together.
    "programme_opener": frozenset(
        {
            *("const", "coordinator", "domain", "pki", "site", "storage"),
            *(
                "ledger_file",
                "programme_keys",
                "programme_renewal",
                "programme_source",
                "subentry_facts",
                "system_clock",
                "vpp",
                "watches",
            ),
            "ledger_removal",
        }
    ),
}
SHELL = frozenset({"const", "domain"})
"""For every other module of the shell, besides the shell itself."""
# What a flow and the composition root do with a certificate.
FLOW_PARTS = frozenset({"programme_renewal"})
FLOWS = SHELL | {"csms.probe", "vpp.probe", "pki"}

# Third-party packages of each core layer; the ones that are missing have none.
LIBRARIES: dict[str, frozenset[str]] = {
    "csms": frozenset({"aiohttp", "jsonschema_rs", "multidict", "orjson", "yarl"}),
    "csms.ocpp_lib": frozenset({"ocpp"}),
    "vpp": frozenset({"paho", "jsonschema_rs"}),
    "pki": frozenset({"cryptography"}),
    "virtual": frozenset({"aiohttp", "cryptography", "jsonschema_rs", "ocpp"}),
}
NOT_PURE = frozenset({"asyncio", "logging", "random", "socket", "threading", "time"})
"""Of the standard library, what the layers without effects have no use for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a module imports."""

    target: str
    """Absolute dotted name, the imported attribute included."""
    line: int
    is_relative: bool
    is_lazy: bool
    """Inside a function or for type checkers only, so not run when loading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the integration: its name below the package, and its source."""

    name: str
    """Dotted, e.g. `control.ramp`; a package's own module is `control.__init__`."""
    source: str

    @property
    def layer(self) -> str:
        """Return the first part of the name."""
        return self.name.partition(".")[0]


def read_modules(folder: Path) -> tuple[Module, ...]:
    """Read every module of the integration, in the order of their names."""
    return tuple(
        Module(
            name=".".join(path.relative_to(folder).with_suffix("").parts),
            source=path.read_text(encoding="utf-8"),
        )
        for path in sorted(folder.rglob("*.py"))
    )


def find_imports(module: Module) -> Iterator[Import]:
    """Yield every import of the module, relative ones resolved."""
    package = f"{PACKAGE}.{module.name}".split(".")[:-1]
    yield from _walk(ast.parse(module.source), package, is_lazy=False)


def _walk(node: ast.AST, package: list[str], *, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(
                    target=alias.name,
                    line=child.lineno,
                    is_relative=False,
                    is_lazy=is_lazy,
                )
        elif isinstance(child, ast.ImportFrom):
            base = package[: len(package) - child.level + 1] if child.level else []
            parts = [*base, *(child.module.split(".") if child.module else [])]
            for alias in child.names:
                yield Import(
                    target=".".join([*parts, alias.name]),
                    line=child.lineno,
                    is_relative=child.level > 0,
                    is_lazy=is_lazy,
                )
        else:
            yield from _walk(child, package, is_lazy=is_lazy or _defers(child))


def _defers(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


def find_forbidden_imports(modules: Iterable[Module]) -> list[str]:
    """Return every import that the tables above do not allow."""
    modules = tuple(modules)
    roots = frozenset(module.layer for module in modules)
    return [
        f"{module.name}:{item.line} {reason}: {item.target}"
        for module in modules
        for item in find_imports(module)
        if (reason := _objection(module, item, roots))
    ]


def _objection(module: Module, item: Import, roots: frozenset[str]) -> str | None:
    target = item.target
    if target == PACKAGE or target.startswith(f"{PACKAGE}."):
        return _objection_to_own(module, item, roots)
    if target.partition(".")[0] in {"aggregator", "tests", "script"}:
        return "the integration is installed alone"
    if module.layer in CORE:
        return _objection_to_library(module, target.partition(".")[0])
    return None


def _objection_to_own(
    module: Module, item: Import, roots: frozenset[str]
) -> str | None:
    target = item.target.removeprefix(PACKAGE).removeprefix(".")
    layer = target.partition(".")[0]
    if module.layer in CORE and not item.is_relative:
        return "a core layer imports relatively"
    if layer not in roots and layer not in ALLOWED:
        target = layer = "__init__"
    if layer == "virtual" and module.layer != "virtual" and not item.is_lazy:
        return "the virtual station is loaded only when it is used"
    if layer == module.layer or module.layer == "__init__":
        return None
    allowed = _allowed_for(module.layer, roots)
    if any(target == name or target.startswith(f"{name}.") for name in allowed):
        return None
    return f"{module.layer} may not import {layer}"


def _allowed_for(layer: str, roots: frozenset[str]) -> frozenset[str]:
    if layer in ALLOWED:
        return ALLOWED[layer]
    shell = roots - CORE - {"__init__"}
    return shell | (FLOWS if "flow" in layer or layer in FLOW_PARTS else SHELL)


def _objection_to_library(module: Module, library: str) -> str | None:
    if library in sys.stdlib_module_names:
        if module.layer in PURE and library in NOT_PURE:
            return "a layer without effects has no use for it"
        return None
    allowed = LIBRARIES.get(module.layer, frozenset()) | LIBRARIES.get(
        module.name, frozenset()
    )
    return None if library in allowed else f"not a library of {module.layer}"
