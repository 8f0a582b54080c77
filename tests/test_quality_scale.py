"""The ledger of the quality scale says what the code says."""

from collections.abc import Callable, Mapping
import json
import tomllib
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.repository import INTEGRATION, ROOT
from tests.repository.docs import PLATFORMS, described

RULES: Final = frozenset(
    [
        "action-exceptions",
        "action-setup",
        "appropriate-polling",
        "async-dependency",
        "brands",
        "common-modules",
        "config-entry-unloading",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-actions",
        "docs-conditions",
        "docs-configuration-parameters",
        "docs-data-update",
        "docs-examples",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-installation-parameters",
        "docs-known-limitations",
        "docs-removal-instructions",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-triggers",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-event-setup",
        "entity-translations",
        "entity-unavailable",
        "entity-unique-id",
        "exception-translations",
        "has-entity-name",
        "icon-translations",
        "inject-websession",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "reconfiguration-flow",
        "repair-issues",
        "runtime-data",
        "stale-devices",
        "strict-typing",
        "test-before-configure",
        "test-before-setup",
        "test-coverage",
        "unique-config-entry",
    ]
)
"""Of Home Assistant's quality scale, as of 2026.10."""

DISCOVERIES: Final = ("bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf")


def _ledger() -> dict[str, tuple[str, str]]:
    """Return status and comment of each rule."""
    rules = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
    return {
        name: (rule, "")
        if isinstance(rule, str)
        else (rule["status"], rule.get("comment", ""))
        for name, rule in rules.items()
    }


def _code(name: str) -> str:
    return (INTEGRATION / f"{name}.py").read_text(encoding="utf-8")


def _read(name: str) -> dict[str, Any]:
    content = json.loads((INTEGRATION / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def _all_code() -> str:
    return "\n".join(path.read_text("utf-8") for path in INTEGRATION.glob("*.py"))


def _is_strict() -> bool:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return bool(project["tool"]["mypy"]["strict"])


EVIDENCE: Final[Mapping[str, Callable[[], bool]]] = {
    "action-setup": lambda: "async def async_setup(" in _code("__init__"),
    "appropriate-polling": lambda: (
        "update_interval" not in _all_code().replace("update_interval=None", "")
        and "_attr_should_poll = False" in _code("entity")
    ),
    "brands": (INTEGRATION / "brand" / "icon.png").is_file,
    "common-modules": lambda: bool(_code("coordinator") and _code("entity")),
    "config-entry-unloading": lambda: "async_unload_entry" in _code("__init__"),
    "config-flow": lambda: _read("manifest.json")["config_flow"],
    "diagnostics": lambda: (
        "async_get_config_entry_diagnostics" in _code("diagnostics")
        and "async_get_device_diagnostics" in _code("diagnostics")
    ),
    "discovery": lambda: any(key in _read("manifest.json") for key in DISCOVERIES),
    "docs-conditions": lambda: bool(_read("translations/en.json").get("conditions")),
    "docs-triggers": lambda: bool(_read("translations/en.json").get("triggers")),
    "entity-category": lambda: any(d.entity_category for _, d in described(PLATFORMS)),
    "entity-device-class": lambda: any(d.device_class for _, d in described(PLATFORMS)),
    "entity-disabled-by-default": lambda: any(
        not d.entity_registry_enabled_default for _, d in described(PLATFORMS)
    ),
    "entity-translations": lambda: all(
        d.translation_key or d.device_class for _, d in described(PLATFORMS)
    ),
    "exception-translations": lambda: bool(_read("translations/en.json")["exceptions"]),
    "has-entity-name": lambda: "_attr_has_entity_name = True" in _code("entity"),
    "icon-translations": lambda: bool(_read("icons.json")["entity"]),
    "integration-owner": lambda: bool(_read("manifest.json")["codeowners"]),
    "parallel-updates": lambda: all(
        "\nPARALLEL_UPDATES = " in _code(platform) for platform in PLATFORMS
    ),
    "reauthentication-flow": lambda: (
        "async_step_reauth" in _all_code() and "async_start_reauth" in _all_code()
    ),
    "reconfiguration-flow": lambda: (
        "async_step_reconfigure" in _code("config_flow")
        and "async_step_reconfigure" in _code("subentry_flows")
    ),
    "repair-issues": lambda: "async_create_fix_flow" in _code("repairs"),
    "runtime-data": lambda: (
        "entry.runtime_data = " in _all_code() and "hass.data[" not in _all_code()
    ),
    "stale-devices": lambda: "async_remove_config_entry_device" in _code("__init__"),
    "strict-typing": _is_strict,
    "unique-config-entry": lambda: _read("manifest.json")["single_config_entry"],
}
"""What can be seen in the code; the other rules are judged by tests of their own."""


def test_ledger_names_every_rule_and_no_other() -> None:
    assert set(_ledger()) == RULES


def test_what_is_not_done_says_why() -> None:
    for name, (status, comment) in _ledger().items():
        assert status in ("done", "todo", "exempt"), name
        assert status == "done" or comment, name


@pytest.mark.parametrize("rule", sorted(EVIDENCE))
def test_rule_is_done_where_the_code_shows_it_and_only_there(rule: str) -> None:
    assert EVIDENCE[rule]() is (_ledger()[rule][0] == "done")
