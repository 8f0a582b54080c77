"""Manifest, actions, icons, deprecated interfaces and programs of the developer."""

import ast
import json
from pathlib import Path
import stat
import struct
import subprocess
import tomllib
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.repository import INTEGRATION, ROOT
from tests.repository.imports import Module, read_modules
from tests.repository.manifest import find_bad_manifest
from tests.repository.sources import (
    find_deprecated,
    find_known_strings,
    find_untranslated_errors,
)
from tests.repository.texts import branch, find_bad_services

SCRIPTS = (
    "audit",
    "bench",
    "check",
    "conformance",
    "demo",
    "ledger",
    "scenario",
    "setup",
    "test",
    "translations",
)

GOOD_MANIFEST = {
    "domain": "v2g_vpp",
    "name": "V2G",
    "codeowners": ["@someone"],
    "config_flow": True,
    "documentation": "https://example.org",
    "integration_type": "hub",
    "iot_class": "local_push",
    "issue_tracker": "https://example.org/issues",
    "requirements": ["ocpp>=2.1,<3"],
    "single_config_entry": True,
    "version": "0.1.0",
}


def existing(path: Path) -> Path:
    """Return the path, or fail in words that name what is missing."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing", pytrace=False)
    return path


def read_json(path: Path) -> dict[str, Any]:
    content = json.loads(existing(path).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_manifest_is_as_home_assistant_wants_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifest = read_json(INTEGRATION / "manifest.json")
    found = find_bad_manifest(manifest, INTEGRATION.name, project["version"])
    assert not found, "\n".join(found)


def test_good_manifest_has_no_violation() -> None:
    assert find_bad_manifest(GOOD_MANIFEST, "v2g_vpp", "0.1.0") == []


@pytest.mark.parametrize(
    "change",
    [
        {"aaa": 1},
        {"quality_scale": "gold"},
        {"domain": "other"},
        {"version": "0.2.0"},
        {"config_flow": False},
        {"documentation": "http://example.org"},
        {"codeowners": ["someone"]},
        {"requirements": ["ocpp==2.1.0"]},
        {"requirements": ["ocpp>=2.1"]},
        {"requirements": ["ocpp"]},
        {"requirements": ["ocpp >"]},
        {"requirements": ["paho-mqtt>=2,<3", "ocpp>=2.1,<3"]},
    ],
    ids=str,
)
def test_planted_mistake_in_the_manifest_is_found(change: dict[str, object]) -> None:
    found = find_bad_manifest(GOOD_MANIFEST | change, "v2g_vpp", "0.1.0")
    # A key that does not belong is also at the wrong place.
    assert [line for line in found if not line.startswith("keys:")] or "aaa" in change
    assert found


def test_hacs_knows_the_integration() -> None:
    hacs = read_json(ROOT / "hacs.json")
    assert hacs["name"]
    assert tuple(map(int, hacs["homeassistant"].split(".")))[:2] >= (2026, 9)


def test_icon_of_the_integration_is_a_square_png() -> None:
    header = existing(INTEGRATION / "brand" / "icon.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:24]) in {(256, 256), (512, 512)}


def test_texts_are_only_in_translations() -> None:
    assert not (INTEGRATION / "strings.json").exists()


def test_setup_in_yaml_is_refused_in_words() -> None:
    root = ast.parse((INTEGRATION / "__init__.py").read_text(encoding="utf-8"))
    names = {
        target.id
        for node in root.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert "CONFIG_SCHEMA" in names


def test_actions_texts_and_icons_match() -> None:
    services = load_yaml_dict(str(existing(INTEGRATION / "services.yaml")))
    found = find_bad_services(
        services,
        read_json(INTEGRATION / "translations" / "en.json"),
        read_json(INTEGRATION / "icons.json"),
    )
    found += [
        f"services.{name}: in no source"
        for name in services.keys() - find_known_strings(read_modules(INTEGRATION))
    ]
    assert not found, "\n".join(found)


def test_icons_are_of_the_design_set() -> None:
    def icons(tree: dict[str, Any]) -> list[str]:
        return [
            icon
            for value in tree.values()
            for icon in (icons(value) if isinstance(value, dict) else [str(value)])
        ]

    assert not [
        icon
        for icon in icons(read_json(INTEGRATION / "icons.json"))
        if not icon.startswith("mdi:")
    ]


SERVICES: dict[str, Any] = {
    "stop": None,
    "set_limit": {
        "fields": {
            "limit": {"selector": {"number": {}}},
            "more": {"fields": {"until": {"selector": {"datetime": None}}}},
        }
    },
}
SERVICE_TEXTS: dict[str, Any] = {
    "services": {
        "stop": {"name": "Stop", "description": "Stops."},
        "set_limit": {
            "name": "Set limit",
            "description": "Sets it.",
            "fields": {
                "limit": {"name": "Limit", "description": "In watts."},
                "until": {"name": "Until", "description": "Its end."},
            },
            "sections": {"more": {"name": "More"}},
        },
    }
}
SERVICE_ICONS: dict[str, Any] = {
    "services": {"stop": {"service": "mdi:stop"}, "set_limit": {"service": "mdi:x"}}
}


def test_matching_actions_have_no_violation() -> None:
    assert find_bad_services(SERVICES, SERVICE_TEXTS, SERVICE_ICONS) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("services", "stop"),
        ("services.stop", "name"),
        ("services.set_limit.fields", "until"),
        ("services.set_limit.fields.limit", "description"),
        ("services.set_limit.sections", "more"),
    ],
)
def test_planted_gap_in_the_texts_of_actions_is_found(path: str, key: str) -> None:
    texts = json.loads(json.dumps(SERVICE_TEXTS))
    del branch(texts, path)[key]  # type: ignore[attr-defined]  # a dict, just parsed
    assert find_bad_services(SERVICES, texts, SERVICE_ICONS)
    assert find_bad_services({"stop": None}, SERVICE_TEXTS, SERVICE_ICONS)
    assert find_bad_services(SERVICES, SERVICE_TEXTS, {"services": {}})


def test_no_deprecated_interface_is_used() -> None:
    found = find_deprecated(read_modules(INTEGRATION))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "DeviceInfo(via_device=(DOMAIN, 'x'))",
        "registry.async_get_device(identifiers=x)",
        "hass.data[DOMAIN] = 1",
        "from homeassistant.const import PERCENTAGE",
        "area = device.suggested_area",
        "platform.async_register_entity_service('x', {}, 'y')",
        "await service.async_extract_entity_ids(hass, call)",
        "class F(OptionsFlow):\n    def __init__(self, entry): ...",
        "await hass.config_entries.async_forward_entry_setup(entry, 'sensor')",
        "self.entity_id = 'sensor.x'",
        "registry.async_generate_entity_id('a', 'b')",
        "unit = '\u00b5V'",
        "client.publish(topic, qos=None)",
        "return self.async_update_reload_and_abort(entry)",
        "if self.show_advanced_options: ...",
        "hass.bus.async_fire('x')",
        "_attr_icon = 'mdi:car'",
    ],
)
def test_planted_deprecated_interface_is_found(source: str) -> None:
    assert len(find_deprecated([Module(name="sensor", source=source)])) == 1


def test_what_a_class_leaves_open_is_abstract() -> None:
    # An error at the first call comes too late: such a class must not be made at all.
    found = [
        path.name
        for path in sorted(INTEGRATION.rglob("*.py"))
        if "raise NotImplementedError" in path.read_text(encoding="utf-8")
    ]
    assert not found


def test_every_error_for_the_user_is_translated() -> None:
    found = find_untranslated_errors(read_modules(INTEGRATION))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("raised", "count"),
    [
        ("HomeAssistantError('text')", 1),
        ("HomeAssistantError", 1),
        ("HomeAssistantError(translation_key='x')", 1),
        ("HomeAssistantError(translation_domain=D, translation_key='x')", 0),
        ("ValueError('text')", 0),
    ],
)
def test_planted_untranslated_error_is_found(raised: str, count: int) -> None:
    source = (
        f"from homeassistant.exceptions import HomeAssistantError\nraise {raised}\n"
    )
    found = find_untranslated_errors([Module(name="services", source=source)])
    assert len(found) == count


@pytest.mark.parametrize("name", SCRIPTS)
def test_program_explains_itself(name: str) -> None:
    path = existing(ROOT / "script" / name)
    assert path.stat().st_mode & stat.S_IXUSR
    result = subprocess.run(
        [path, "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0
    assert f"script/{name}" in result.stdout


def test_every_program_is_in_the_list() -> None:
    programs = {
        path.name
        for path in (ROOT / "script").iterdir()
        if path.is_file() and not path.suffix
    }
    assert programs <= set(SCRIPTS)
