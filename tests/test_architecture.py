"""The layers, the size of files, and the core that loads without Home Assistant."""

import ast
from pathlib import Path
import subprocess
import sys

import pytest

from tests.repository import INTEGRATION, ROOT
from tests.repository.imports import (
    CORE,
    PURE,
    Module,
    find_forbidden_imports,
    read_modules,
)
from tests.repository.size import MAX_LINES, find_oversize, is_pure_table

LOAD_LAYERS = """
import importlib, pathlib, sys, types

root = pathlib.Path(sys.argv[1])
for name, path in (
    ("custom_components", root / "custom_components"),
    ("custom_components.v2g_vpp", root / "custom_components" / "v2g_vpp"),
):
    # A bare package: its own __init__ would import Home Assistant.
    module = types.ModuleType(name)
    module.__path__ = [str(path)]
    sys.modules[name] = module
for layer in sys.argv[2:]:
    base = root / "custom_components" / "v2g_vpp"
    paths = [*base.glob(f"{layer}.py"), *sorted((base / layer).rglob("*.py"))]
    assert paths, f"{layer} has no module"
    for path in paths:
        parts = path.relative_to(base).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        importlib.import_module(f"custom_components.v2g_vpp.{name}")
loaded = {"homeassistant", "voluptuous", "probatio"} & set(sys.modules)
assert not loaded, f"loaded: {sorted(loaded)}"
"""

# A tree as it should be; each planted mistake is one more module.
SOUND = (
    Module(name="__init__", source="from .csms import server\nfrom .const import D"),
    Module(name="const", source="D = 'v2g_vpp'"),
    Module(name="domain.__init__", source=""),
    Module(name="domain.units", source="import math\nfrom . import ids"),
    Module(name="domain.ids", source=""),
    Module(name="control.ramp", source="from ..domain.units import watts"),
    Module(name="csms.ocpp_lib", source="import ocpp.v16.enums"),
    Module(name="csms.server", source="from aiohttp import web\nimport asyncio"),
    Module(name="csms.probe", source="from ..domain import ids"),
    Module(name="vpp.link", source="from paho.mqtt import client"),
    Module(name="pki.store", source="from cryptography import x509"),
    Module(name="virtual.station", source="import ocpp\nfrom aiohttp import web"),
    Module(name="site", source="import asyncio\nfrom .control import ramp"),
    Module(name="coordinator", source="import homeassistant\nfrom .site import Site"),
    Module(name="sensor", source="from .entity import E\nfrom .coordinator import C"),
    Module(name="entity", source="import homeassistant.core"),
    Module(name="storage", source="from .const import D"),
    Module(name="config_flow", source="from .csms.probe import p\nfrom .pki import s"),
)


def test_every_import_follows_the_layers() -> None:
    found = find_forbidden_imports(read_modules(INTEGRATION))
    assert not found, "\n".join(found)


def test_sound_tree_has_no_violation() -> None:
    assert find_forbidden_imports(SOUND) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("domain.bad", "from ..control import ramp"),
        ("domain.bad", "import asyncio"),
        ("domain.bad", "import logging"),
        ("domain.bad", "from homeassistant.core import callback"),
        ("domain.bad", "import attrs"),
        ("control.bad", "import voluptuous as vol"),
        ("control.bad", "from ..const import D"),
        ("control.bad", "from .. import const"),
        ("control.bad", "from .. import const as settings"),
        ("control.bad", "from custom_components.v2g_vpp.domain import units"),
        ("control.bad", "from ..csms.server import x"),
        ("control.bad", "def f():\n    import homeassistant"),
        ("control.bad", "if TYPE_CHECKING:\n    from ..site import Site"),
        ("control.bad", "from .. import something"),
        ("control.deep.bad", "from ...csms import server"),
        ("csms.bad", "from ..vpp import link"),
        ("csms.bad", "from ..control import ramp"),
        ("csms.bad", "import ocpp"),
        ("csms.bad", "import paho"),
        ("csms.bad", "from homeassistant.util import dt"),
        ("vpp.bad", "from ..pki import store"),
        ("vpp.bad", "import aggregator.codec"),
        ("virtual.bad", "from ..csms import server"),
        ("site", "from .csms import server"),
        ("site.loop", "from ..vpp import link"),
        ("site", "import paho.mqtt"),
        ("site", "from .coordinator import C"),
        ("coordinator", "from .csms import server"),
        ("storage", "from .site import Site"),
        ("readings", "from .coordinator import C"),
        ("sensor", "from .site import Site"),
        ("sensor", "from .control import ramp"),
        ("sensor", "from . import setup"),
        ("sensor", "import tests.conftest"),
        ("config_flow", "from .csms import server"),
        ("config_flow", "from .vpp.link import L"),
        ("__init__", "from .virtual import station"),
        ("__init__", "from . import virtual"),
        ("config_flow", "def f():\n    from .virtual import station"),
    ],
)
def test_planted_import_is_found(name: str, source: str) -> None:
    tree = [module for module in SOUND if module.name != name]
    found = find_forbidden_imports([*tree, Module(name=name, source=source)])
    assert len(found) == 1, found
    assert found[0].startswith(f"{name}:")


def test_composition_root_may_load_the_virtual_station_when_needed() -> None:
    root = Module(name="__init__", source="def f():\n    from .virtual import station")
    assert find_forbidden_imports([*SOUND[1:], root]) == []


def test_aggregator_stands_alone() -> None:
    folder = ROOT / "aggregator"
    assert folder.is_dir(), "aggregator/ is missing"
    found = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _imports_any(node, {"custom_components", "homeassistant", "tests"})
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import custom_components.v2g_vpp.vpp.codec",
        "from custom_components.v2g_vpp import const",
        "def f():\n    from homeassistant import core",
    ],
)
def test_planted_import_of_the_aggregator_is_found(source: str) -> None:
    names = {"custom_components", "homeassistant"}
    assert any(_imports_any(node, names) for node in ast.walk(ast.parse(source)))


def _imports_any(node: ast.AST, packages: set[str]) -> bool:
    match node:
        case ast.Import(names=names):
            targets = [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            targets = [module]
        case _:
            return False
    return any(target.partition(".")[0] in packages for target in targets)


def test_every_file_has_a_readable_size() -> None:
    found = find_oversize(ROOT)
    assert not found, "\n".join(found)


def test_planted_long_file_is_found(tmp_path: Path) -> None:
    package = tmp_path / "custom_components" / "v2g_vpp"
    package.mkdir(parents=True)
    (package / "long.py").write_text("def f(): ...\n" * (MAX_LINES + 1))
    (package / "table.py").write_text("X = 1\n" * (MAX_LINES + 1))
    (package / "__init__.py").write_text("X = 1\n" * 151)
    found = find_oversize(tmp_path)
    assert [line.partition(":")[0] for line in found] == [
        "custom_components/v2g_vpp/__init__.py",
        "custom_components/v2g_vpp/long.py",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Doc."""\nfrom x import y\nA: int = 1\ntype B = int\nC = (y(a=1),)', True),
        ("def f(): ...", False),
        ("class A: ...", False),
        ("for a in b: print(a)", False),
    ],
)
def test_pure_table_has_only_imports_and_values(source: str, expected: bool) -> None:
    assert is_pure_table(source) is expected


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(sorted(PURE), id="domain and control"),
        pytest.param(sorted(CORE), id="every core layer"),
    ],
)
def test_core_loads_without_home_assistant(layers: list[str]) -> None:
    result = _load(str(ROOT), layers)
    assert result.returncode == 0, result.stderr


def test_planted_core_that_loads_home_assistant_is_found(tmp_path: Path) -> None:
    control = tmp_path / "custom_components" / "v2g_vpp" / "control"
    control.mkdir(parents=True)
    (control / "bad.py").write_text("import homeassistant\n")
    result = _load(str(tmp_path), ["control"])
    assert result.returncode == 1
    assert "loaded: ['homeassistant'" in result.stderr


def _load(root: str, layers: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOAD_LAYERS, root, *layers],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
