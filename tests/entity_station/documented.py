"""The configuration that the documentation shows, as a user would copy it."""

from pathlib import Path
from typing import Any

from homeassistant.util.yaml import parse_yaml

from tests.repository.docs import blocks

PAGES = Path(__file__).parents[2] / "docs"
QUASAR_PAGE = "entity_chargers.md"


def yaml_blocks(page: str) -> list[dict[str, Any]]:
    """Return what each YAML block of a page says."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = [parse_yaml(block) for block in blocks(text, "yaml")]
    return [block for block in found if isinstance(block, dict)]


def with_endpoint(config: dict[str, Any], port: int) -> dict[str, Any]:
    """Return the configuration with the one line that each user has to change."""
    hub = {**config["modbus"][0], "host": "127.0.0.1", "port": port}
    return {**config, "modbus": [hub]}
