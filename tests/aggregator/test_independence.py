"""The aggregator checks the home against the contract, so it shares no code with it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "aggregator").rglob("*.py"))
FORBIDDEN = {"custom_components", "homeassistant", "tests", "script"}


def imported_packages(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_aggregator_imports_nothing_of_the_home(path: Path) -> None:
    assert not FORBIDDEN & set(imported_packages(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_aggregator_touches_no_private_part_of_its_mqtt_library(path: Path) -> None:
    tree = ast.parse(path.read_text())
    private = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in {"_client", "client"}
    ]
    assert not private


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 10
    assert set(imported_packages("import custom_components.v2g_vpp.vpp")) & FORBIDDEN
    assert set(imported_packages("from custom_components import x")) & FORBIDDEN
