"""How long a file may be."""

import ast
from pathlib import Path

MAX_LINES = 400
MAX_LINES_OF_COMPOSITION_ROOT = 150
FOLDERS = ("aggregator", "conformance", "custom_components", "script", "tests")
_TABLE_PARTS = (ast.AnnAssign, ast.Assign, ast.Import, ast.ImportFrom, ast.TypeAlias)


def find_oversize(root: Path) -> list[str]:
    """Return every Python file that is too long to be read as one thing."""
    composition_root = root / "custom_components" / "v2g_vpp" / "__init__.py"
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            lines = len(source.splitlines())
            limit = MAX_LINES
            if path == composition_root:
                limit = MAX_LINES_OF_COMPOSITION_ROOT
            elif is_pure_table(source):
                continue
            if lines > limit:
                found.append(f"{path.relative_to(root)}: {lines} lines of {limit}")
    return found


def is_pure_table(source: str) -> bool:
    """Tell whether a module only names values: no function, class or statement."""
    return all(
        isinstance(node, _TABLE_PARTS)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in ast.parse(source).body
    )
