"""Whatever an action is given, it is done or refused in words: nothing else comes out."""

from collections.abc import Mapping
from datetime import timedelta
import json
from typing import Any, Final

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_bytes
from homeassistant.util.yaml import load_yaml_dict
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
import pytest
import voluptuous as vol

from custom_components.v2g_vpp import action_schema
from custom_components.v2g_vpp.const import DOMAIN
from tests.repository import ROOT
from tests.shell.home import STATION_ID, VEHICLE_ID, Home

ACTIONS: Final = load_yaml_dict(
    str(ROOT / "custom_components" / DOMAIN / "services.yaml")
)
EXAMPLES: Final = 8
"""Of each action; some four hundred calls in all."""

TEXTS: Final = st.sampled_from(
    ["", "\ud800", "\x00", "x" * 70_000, "NaN", "../../etc/passwd", "{{ 1/0 }}", "💡"]
)
JUNK: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**400)
    | st.floats()
    | st.text(max_size=20)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def value_of(field: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return what a form would give, and what it would not."""
    selector = field.get("selector") or {}
    fitting: st.SearchStrategy[Any] = (
        st.just(field["example"]) if "example" in field else JUNK
    )
    if "number" in selector:
        fitting |= st.floats(-30_000, 30_000) | st.integers(-30_000, 30_000)
    if "duration" in selector:
        fitting |= st.sampled_from(
            [{"hours": 1}, {"days": 10**9}, {"hours": -1}, "99:99", 10**12, {"x": 1}]
        )
    if "boolean" in selector:
        fitting |= st.booleans()
    if "select" in selector:
        fitting |= st.sampled_from([str(one) for one in selector["select"]["options"]])
    return fitting | fitting | JUNK


def fields_of(action: str, devices: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return what an action may be called with."""
    fields = dict((ACTIONS[action] or {}).get("fields") or {})
    # The right device twice: with another one nothing else is looked at.
    device = st.sampled_from(devices) | st.sampled_from(devices) | JUNK
    optional = {
        name: device if name == "device_id" else value_of(field or {})
        for name, field in fields.items()
    }
    required = {
        name: optional.pop(name)
        for name, field in fields.items()
        if (field or {}).get("required")
    }
    sound = st.fixed_dictionaries(required, optional=optional)
    return sound | sound | st.dictionaries(st.text(max_size=8), JUNK, max_size=2)


def drawn(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """Return examples of a strategy, always the same."""
    found: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=timedelta(seconds=5),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@pytest.mark.parametrize("action", sorted(ACTIONS))
async def test_junk_is_refused_in_words(home: Home, action: str) -> None:
    await home.connect()
    await home.plug_in()
    devices = [
        home.evse_device_id,
        home.device_id(f"station/{STATION_ID}"),
        home.device_id(f"vehicle/{VEHICLE_ID}"),
    ]
    supports = home.hass.services.supports_response(DOMAIN, action)
    for fields in drawn(fields_of(action, devices)):
        try:
            answer = await home.hass.services.async_call(
                DOMAIN,
                action,
                fields,
                blocking=True,
                return_response=supports.value != "none",
            )
            json_bytes(answer)
        except vol.Invalid:
            continue
        except HomeAssistantError as err:
            if not err.translation_key:
                raise
    # What was taken of it can be written to disk, and read again.
    await home.site._keeper.save()
    assert home.site.snapshot.is_store_readable


def test_every_action_has_its_form() -> None:
    texts = json.loads(
        (ROOT / "custom_components" / DOMAIN / "translations" / "en.json").read_text()
    )
    assert set(texts["services"]) == set(ACTIONS)
    assert {name.partition(".")[0] for name in action_schema.FIELD_ERRORS} <= set(
        ACTIONS
    )
