"""The published JSON Schemas and their examples."""

from functools import cache
import json
from typing import Any

import jsonschema_rs

from tests.repository import ROOT

FOLDER = ROOT / "docs" / "vpp_contract"
NAMES = tuple(
    sorted(p.name.removesuffix(".schema.json") for p in FOLDER.glob("*.schema.json"))
)


@cache
def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_text())


@cache
def validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schema(name))


def example(name: str) -> Any:
    return json.loads((FOLDER / "examples" / f"{name}.json").read_text())
