"""The kit judges home and aggregator, so it shares no code with either."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import ROOT

MODULES = sorted((ROOT / "conformance").rglob("*.py"))
FORBIDDEN = {"aggregator", "custom_components", "homeassistant", "script", "tests"}


def imported_packages(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_kit_imports_neither_side(path: Path) -> None:
    assert not FORBIDDEN & set(imported_packages(path.read_text()))


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 10
    for name in FORBIDDEN:
        assert set(imported_packages(f"from {name}.x import y")) & FORBIDDEN
