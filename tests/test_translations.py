"""Every text that the code shows exists, and every text is shown."""

import ast
import copy
from importlib import import_module
import json
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.config_entries import ConfigFlow
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import DOMAIN
from tests.repository import INTEGRATION
from tests.repository.entities import (
    EntityKey,
    find_bad_entities,
    find_entity_keys,
    of_description,
)
from tests.repository.flows import find_bad_flows, find_flows
from tests.repository.imports import CORE, Module, read_modules
from tests.repository.sources import (
    evaluate,
    find_bad_keys,
    find_calls,
    find_known_strings,
)
from tests.repository.texts import (
    branch,
    compare,
    find_bad_shapes,
    find_bad_steps,
    find_bad_texts,
    service_selectors,
)
from tests.test_static import existing, read_json

ERRORS = (
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
    "HomeAssistantError",
    "ServiceValidationError",
    "UpdateFailed",
)


def shell_modules() -> list[Module]:
    """Return the modules that Home Assistant shows to the user."""
    return [m for m in read_modules(INTEGRATION) if m.layer not in CORE]


@pytest.fixture(scope="module")
def translations() -> dict[str, Any]:
    return read_json(INTEGRATION / "translations" / "en.json")


@pytest.fixture(scope="module")
def known_strings() -> frozenset[str]:
    return find_known_strings(read_modules(INTEGRATION))


def test_texts_follow_the_rules(translations: dict[str, Any]) -> None:
    found = find_bad_texts(translations)
    found += find_bad_steps(translations)
    found += find_bad_shapes(translations)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("Key", "Text"),
        ("key_", "Text"),
        ("a__b", "Text"),
        ("key", "See https://example.org"),
        ("key", "Some <b>bold</b> text"),
        ("key", "[%key:common::state::on%]"),
        ("key", "Station '{name}' left"),
        ("key", "Station {name left"),
        ("key", "Write {{name}} in braces"),
        ("key", " Text"),
        ("key", ""),
    ],
)
def test_planted_bad_text_is_found(key: str, text: str) -> None:
    assert find_bad_texts({"issues": {"good": {"title": "{name} is < 5 A"}}}) == []
    assert find_bad_texts({"issues": {key: {"title": text}}})


STEP = {"data": {"host": "Host"}, "data_description": {"host": "Its address."}}


@pytest.mark.parametrize(
    "step",
    [
        {"data": {"host": "Host"}},
        STEP | {"data_description": {"host": "Its address.", "port": "Its port."}},
        STEP | {"sections": {"more": {"name": "More", "data": {"port": "Port"}}}},
        STEP | {"sections": {"more": {}}},
    ],
)
def test_planted_field_without_description_is_found(step: dict[str, Any]) -> None:
    for path in ("config", "options"):
        assert find_bad_steps({path: {"step": {"user": STEP}}}) == []
        assert find_bad_steps({path: {"step": {"user": step}}})
    fix = {"issues": {"lost": {"title": "Lost", "fix_flow": {"step": {"init": step}}}}}
    assert find_bad_steps(fix)


@pytest.mark.parametrize(
    "texts",
    [
        {"issues": {"lost": {"title": "Lost"}}},
        {"issues": {"lost": {"title": "L", "description": "D", "fix_flow": {}}}},
        {"issues": {"lost": {"description": "D"}}},
        {"exceptions": {"lost": {"text": "Lost"}}},
        {"config_subentries": {"station": {"step": {}, "entry_type": "Station"}}},
    ],
)
def test_planted_bad_shape_is_found(texts: dict[str, Any]) -> None:
    assert find_bad_shapes(texts)


def test_every_entity_has_its_texts_and_icon(translations: dict[str, Any]) -> None:
    keys = find_entity_keys(shell_modules())
    assert keys, "no entity is described"
    icons = read_json(INTEGRATION / "icons.json")
    found = find_bad_entities(keys, translations, icons)
    assert not found, "\n".join(found)


def described() -> list[EntityKey]:
    return [
        of_description("sensor.X", description)
        for description in (
            SensorEntityDescription(
                key="a",
                translation_key="mode",
                device_class=SensorDeviceClass.ENUM,
                options=["idle", "busy"],
            ),
            SensorEntityDescription(key="b", device_class=SensorDeviceClass.POWER),
            SwitchEntityDescription(key="c", translation_key="permit"),
        )
    ]


ENTITY_TEXTS: dict[str, Any] = {
    "entity": {
        "sensor": {"mode": {"name": "Mode", "state": {"idle": "Idle", "busy": "Busy"}}},
        "switch": {"permit": {"name": "Permit"}},
    }
}
ENTITY_ICONS: dict[str, Any] = {
    "entity": {
        "sensor": {"mode": {"default": "mdi:a", "state": {"idle": "mdi:b"}}},
        "switch": {"permit": {"default": "mdi:c"}},
    }
}


def test_matching_entities_have_no_violation() -> None:
    assert find_bad_entities(described(), ENTITY_TEXTS, ENTITY_ICONS) == []


@pytest.mark.parametrize(
    ("in_icons", "change"),
    [
        (False, {"sensor": {"mode": {"name": "Mode", "state": {"idle": "Idle"}}}}),
        (False, {"sensor": {}}),
        (False, {"switch": {"permit": {"name": "P"}, "other": {"name": "O"}}}),
        (True, {"switch": {}}),
        (True, {"switch": {"permit": {"default": "m"}, "other": {"default": "m"}}}),
        (True, {"sensor": {"mode": {"default": "m", "state": {"gone": "m"}}}}),
    ],
)
def test_planted_gap_of_an_entity_is_found(
    in_icons: bool, change: dict[str, Any]
) -> None:
    texts, icons = copy.deepcopy((ENTITY_TEXTS, ENTITY_ICONS))
    (icons if in_icons else texts)["entity"] |= change
    assert find_bad_entities(described(), texts, icons)


def test_planted_entity_without_a_name_is_found() -> None:
    bare = of_description("sensor.X", SensorEntityDescription(key="b"))
    assert find_bad_entities([bare], {}, {})


def test_every_error_key_has_a_text_and_a_use(
    translations: dict[str, Any], known_strings: frozenset[str]
) -> None:
    calls = find_calls(shell_modules(), *ERRORS)
    found = find_bad_keys(calls, translations, "exceptions", "message")
    found += _unused(branch(translations, "exceptions"), known_strings)
    assert not found, "\n".join(found)


def test_every_issue_key_has_a_text_and_a_use(
    translations: dict[str, Any], known_strings: frozenset[str]
) -> None:
    calls = find_calls(shell_modules(), "async_create_issue", "create_issue")
    found = find_bad_keys(calls, translations, "issues", "title")
    found += find_bad_keys(calls, translations, "issues", "description")
    found += _unused(branch(translations, "issues"), known_strings)
    for call in calls:
        issue = branch(translations, f"issues.{call.text('translation_key')}")
        fixable = call.arguments.get("is_fixable")
        if issue and isinstance(fixable, ast.Constant):
            if fixable.value != ("fix_flow" in issue):
                found.append(f"{call.where} is_fixable does not match the texts")
    assert not found, "\n".join(found)


def _unused(keys: Any, known_strings: frozenset[str]) -> list[str]:
    return [f"{key}: in no source" for key in keys if key not in known_strings]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("HomeAssistantError(translation_key='lost')", 1),
        ("HomeAssistantError(translation_key='gone')", 1),
        ("HomeAssistantError(translation_key='lost', translation_placeholders={})", 1),
        (
            "UpdateFailed(translation_key='lost', translation_placeholders={'name': x})",
            0,
        ),
        ("HomeAssistantError(translation_key=key)", 0),
        ("Other(translation_key='gone')", 0),
    ],
)
def test_planted_error_key_without_a_text_is_found(source: str, count: int) -> None:
    texts = {"exceptions": {"lost": {"message": "{name} is lost"}}}
    calls = find_calls([Module(name="planted", source=source)], *ERRORS)
    assert len(find_bad_keys(calls, texts, "exceptions", "message")) == count


def test_every_choice_has_a_text(translations: dict[str, Any]) -> None:
    services = existing(INTEGRATION / "services.yaml")
    selectors = service_selectors(load_yaml_dict(str(services)))
    for call in find_calls(shell_modules(), "SelectSelectorConfig"):
        if key := call.text("translation_key"):
            options = evaluate(call.module, call.arguments["options"])
            assert isinstance(options, list), call.where
            selectors[key] = [str(option) for option in options]
    texts = branch(translations, "selector")
    found = compare("selector", texts, selectors)
    for key, choices in selectors.items():
        options = branch(texts, f"{key}.options")
        found += compare(f"selector.{key}.options", options, choices)
    assert not found, "\n".join(found)


def test_every_flow_has_its_texts(
    translations: dict[str, Any], known_strings: frozenset[str]
) -> None:
    existing(INTEGRATION / "config_flow.py")
    import_module(f"custom_components.{DOMAIN}.config_flow")
    flows = find_flows(DOMAIN, MockConfigEntry(domain=DOMAIN))
    found = find_bad_flows(flows, translations, known_strings)
    assert not found, "\n".join(found)


class PlantedFlow(ConfigFlow):
    """A flow in this file, so that its source can be read like the integration's."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> Any:
        if user_input is None:
            return self.async_abort(reason="not_now")
        return self.async_show_form(step_id="user", errors={"base": "no_link"})


FLOW_TEXTS: dict[str, Any] = {
    "config": {
        "step": {"user": {"data": {"host": "Host"}}},
        "abort": {"not_now": "Not now"},
        "error": {"no_link": "No link"},
    }
}


def test_matching_flow_has_no_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _planted_flow(monkeypatch, FLOW_TEXTS) == []


@pytest.mark.parametrize(
    "change",
    [
        {"step": {}},
        {"abort": {}},
        {"error": {}},
        {"step": {"user": {}, "gone": {}}},
        {"step": {"user": {"data": {"gone": "Gone"}}}},
        {"abort": {"not_now": "Not now", "gone": "Gone"}},
    ],
)
def test_planted_gap_of_a_flow_is_found(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    texts = {"config": FLOW_TEXTS["config"] | change}
    assert len(_planted_flow(monkeypatch, texts)) == 1


def _planted_flow(monkeypatch: pytest.MonkeyPatch, texts: dict[str, Any]) -> list[str]:
    monkeypatch.setattr("tests.repository.flows.PACKAGE", "tests")
    known = {"host", "no_link", "not_now"}
    return find_bad_flows({"config": PlantedFlow}, json.loads(json.dumps(texts)), known)
