"""The threat model names tests that exist, and the dashboard runs nothing of a name."""

import ast
from pathlib import Path
import re

import pytest

from tests.repository import ROOT

TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "security.md"
DASHBOARD = ROOT / "custom_components" / "v2g_vpp" / "frontend" / "v2g_vpp.js"

UNGUARDED = 1
"""Attacks that nothing here stands in the way of, and the page says so."""


def threats() -> list[list[str]]:
    """Return the rows of the threat model."""
    _, _, model = PAGE.read_text(encoding="utf-8").partition("## Threat model")
    model, _, _ = model.partition("\n## ")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in model.splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]
    return [row for row in rows if row[0] != "What is at stake"]


def names() -> list[str]:
    return [name for row in threats() for name in re.findall(r"`([^`]+)`", row[3])]


def defined_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_model_is_whole() -> None:
    rows = threats()
    assert len(rows) >= 30
    assert all(len(row) == 4 for row in rows)
    assert all(cell for row in rows for cell in row[:3])
    assert sum(not row[3] for row in rows) == UNGUARDED


@pytest.mark.parametrize("name", sorted(set(names())))
def test_attack_is_played_by_a_test_that_exists(name: str) -> None:
    module, _, test = name.partition("::")
    path = TESTS / f"{module}.py"
    assert path.exists(), module
    assert test in defined_in(path)


def test_dashboard_runs_nothing_that_a_name_says() -> None:
    """Names come from chargers; core cards show them as text, but for Markdown."""
    source = DASHBOARD.read_text(encoding="utf-8")
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    )
    assert re.findall(banned, source) == []
    # A Markdown card is a template of Home Assistant: only words of ours go in.
    cards = re.findall(r'type: "markdown", content: ([^}]*?) }', source)
    assert cards == ["all.words.empty"]
    assert source.count("markdown") == len(cards)
    assert "content_template" not in source


def test_there_is_a_way_to_report() -> None:
    assert (ROOT / "SECURITY.md").exists()
    assert "SECURITY.md" in PAGE.read_text(encoding="utf-8")
