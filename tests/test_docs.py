"""The pages for the owner: every link, entity, action, flow and rule that they name."""

import json
from pathlib import Path
import re
import shutil
import subprocess
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.v2g_vpp.domain.faults import FAULT_BEHAVIOUR
from tests.repository import INTEGRATION, ROOT
from tests.repository.docs import (
    PLATFORMS,
    anchors,
    blocks,
    described,
    links,
    rows,
    sections,
)

DOCS: Final = ROOT / "docs"
PAGES: Final = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")))
UNNAMED: Final = {
    ("binary_sensor", "plug"): "Plug",
    ("sensor", "frequency"): "Frequency",
    ("sensor", "power"): "Power",
    ("sensor", "voltage"): "Voltage",
}
"""What Home Assistant calls an entity that has the name of its device class."""

ENTITY_HEAD: Final = ("Entity", "Kind", "On at first", "What it tells")

RULE_PAGES: Final = {
    "docs-actions": ("actions.md",),
    "docs-conditions": ("automations.md",),
    "docs-configuration-parameters": ("install.md", "entities.md"),
    "docs-data-update": ("data_update.md",),
    "docs-examples": ("blueprints.md", "node_red.md", "actions.md"),
    "docs-high-level-description": ("../README.md",),
    "docs-installation-instructions": ("install.md",),
    "docs-installation-parameters": ("install.md",),
    "docs-known-limitations": ("chargers.md",),
    "docs-removal-instructions": ("removal.md",),
    "docs-supported-devices": ("chargers.md",),
    "docs-supported-functions": ("entities.md",),
    "docs-troubleshooting": ("troubleshooting.md",),
    "docs-triggers": ("automations.md",),
    "docs-use-cases": ("use_cases.md",),
}
"""Where the pages are that a rule of the quality scale asks for."""


def _page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _texts() -> dict[str, Any]:
    content = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def _entity_texts() -> dict[str, dict[str, Any]]:
    found = _texts()["entity"]
    assert isinstance(found, dict)
    return found


def _services() -> dict[str, Any]:
    return dict(load_yaml_dict(str(INTEGRATION / "services.yaml")))


def _described() -> dict[tuple[str, str], bool]:
    """Return whether an entity is on at first, by platform and name."""
    texts, found = _entity_texts(), {}
    for platform, description in described(PLATFORMS):
        key = description.translation_key
        name = (
            texts[platform][key]["name"].replace("{phase}", "1 to 3")
            if key
            else UNNAMED[platform, str(description.device_class)]
        )
        found[platform, name] = description.entity_registry_enabled_default
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_link_leads_somewhere(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    wrong = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or not target.is_relative_to(ROOT):
            wrong.append(f"{link}: is not there")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            wrong.append(f"{link}: has no such heading")
    assert not wrong, "\n".join(wrong)


def test_wrong_link_is_found_and_code_is_not_one() -> None:
    page = "[a](gone.md#b)\n```\n[c](d.md)\n```\n# A `big` Step, now\n"
    assert links(page) == ["gone.md#b"]
    assert anchors(page) == {"a-big-step-now"}


def test_index_names_every_page() -> None:
    named = {link.partition("#")[0] for link in links(_page("README.md"))}
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} <= named


def test_entities_are_documented_with_their_default_and_no_others_are() -> None:
    told = {}
    for row in rows(_page("entities.md")):
        bold = re.fullmatch(r"\*\*(.+)\*\*", row[0])
        if bold is None or len(row) < len(ENTITY_HEAD):
            continue
        assert row[2] in ("on", "off"), row
        told[row[1].lower().replace(" ", "_"), bold[1]] = row[2] == "on"
    assert told == _described()


def test_each_translated_entity_has_a_description_that_the_page_is_held_against() -> (
    None
):
    known = {name for _, name in _described()}
    for platform, entities in _entity_texts().items():
        for key, texts in entities.items():
            name = texts["name"].replace("{phase}", "1 to 3")
            assert name in known, f"{platform} {key}"


def test_parameters_are_documented_and_no_others_are() -> None:
    texts = _texts()
    trees = [texts["config"], texts["options"], *texts["config_subentries"].values()]
    known = {
        label
        for tree in trees
        for step in tree["step"].values()
        for label in step.get("data", {}).values()
    }
    told = {
        bold[1]
        for page in ("install.md", "programs.md")
        for row in rows(_page(page))
        if (bold := re.fullmatch(r"\*\*(.+)\*\*", row[0])) is not None
    }
    assert told == known


def test_what_blocks_a_discharge_is_documented() -> None:
    told = {
        bold[1]
        for row in rows(_page("troubleshooting.md"))
        if (bold := re.fullmatch(r"\*\*(.+)\*\*", row[0])) is not None
    }
    states = _entity_texts()["sensor"]["discharge_blocked_by"]["state"]
    assert told == set(states.values())


def test_faults_are_documented_with_how_they_behave() -> None:
    told = {
        row[0].strip("`"): (row[2] == "yes", row[3].startswith("0 W"))
        for row in rows(_page("troubleshooting.md"))
        if row[0].startswith("`")
    }
    assert told == {
        code.value: (behaviour.is_latched, behaviour.stops_charging)
        for code, behaviour in FAULT_BEHAVIOUR.items()
    }


def test_modes_are_documented() -> None:
    modes = _entity_texts()["select"]["mode"]["state"].values()
    told = {row[0].strip("*") for row in rows(_page("entities.md"))}
    assert set(modes) <= told


def test_actions_are_documented_with_their_fields_and_no_others_are() -> None:
    told, services = sections(_page("actions.md")), _services()
    assert sorted(told) == sorted(services)
    for name, service in services.items():
        fields = {row[0].strip("`"): row[1] for row in rows(told[name])}
        wanted = {
            field: "yes" if content.get("required") else "no"
            for field, content in service["fields"].items()
        }
        assert fields == wanted, name
        for block in blocks(told[name], "yaml"):
            _check_call(block, services)


def _check_call(block: str, services: dict[str, Any]) -> None:
    """Hold an example in YAML against the fields of its action."""
    called = re.findall(r"action: v2g_vpp\.(\w+)", block)
    assert called, block
    for name in called:
        assert name in services, name
    if len(called) == 1:
        given = re.search(r"^data:\n((?:  .*\n)*)", block, re.MULTILINE)
        fields = re.findall(r"^  (\w+):", given[1], re.MULTILINE) if given else []
        wanted = services[called[0]]["fields"]
        assert set(fields) <= set(wanted), called[0]
        needed = {name for name, field in wanted.items() if field.get("required")}
        assert needed <= set(fields), called[0]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_actions_named_anywhere_exist(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    known = {*_services(), *_texts()["triggers"], *_texts()["conditions"], *FILES}
    assert set(re.findall(r"v2g_vpp\.(\w+)", page)) <= known


def test_triggers_and_conditions_are_documented_and_no_others_are() -> None:
    told = {row[0].strip("`"): row[1].strip("*") for row in rows(_page(AUTOMATIONS))}
    texts = _texts()
    known = {**texts["triggers"], **texts["conditions"]}
    assert told == {key: one["name"] for key, one in known.items()}


AUTOMATIONS: Final = "automations.md"
FILES: Final = {"policy", "stations", "programme", "ledger", "enrolment", "keys", "pki"}
"""What stands behind the domain in the name of a file, not of an action."""


def _flows() -> list[dict[str, Any]]:
    nodes = []
    for block in blocks(_page("node_red.md"), "json"):
        flow = json.loads(block)
        assert isinstance(flow, list)
        ids = {node["id"] for node in flow}
        assert len(ids) == len(flow)
        for node in flow:
            targets = {one for wires in node.get("wires", []) for one in wires}
            assert targets <= ids, node["id"]
        nodes += flow
    return nodes


def test_flows_of_node_red_call_actions_with_fields_that_exist() -> None:
    services, count = _services(), 0
    for node in _flows():
        name = node.get("action", "")
        if not name.startswith("v2g_vpp."):
            continue
        count += 1
        wanted = services[name.removeprefix("v2g_vpp.")]["fields"]
        data = json.loads(node["data"])
        assert set(data) <= set(wanted), node["id"]
        needed = {field for field, value in wanted.items() if value.get("required")}
        assert needed <= set(data), node["id"]
    assert count >= 3


def test_flows_of_node_red_name_entities_that_exist() -> None:
    known = {
        f"{platform}.": {re.sub(r"\W+", "_", name.lower()).strip("_") for name in names}
        for platform in PLATFORMS
        for names in [[n for kind, n in _described() if kind == platform]]
    }
    states = _entity_texts()
    count = 0
    for node in _flows():
        for entity in _entities_of(node):
            platform, _, rest = entity.partition(".")
            if platform not in PLATFORMS:
                continue  # A helper that the reader makes.
            count += 1
            assert any(rest.endswith(name) for name in known[f"{platform}."]), entity
        if node["type"] == "server-state-changed" and node["ifState"]:
            key = node["entities"]["entity"][0].rsplit("outlet_1_", 1)[-1]
            key = {"controlled_by": "control_owner"}.get(key, key)
            texts = states["sensor"].get(key, {}).get("state", {})
            assert not texts or node["ifState"] in texts, node["ifState"]
    assert count >= 3


def _entities_of(node: dict[str, Any]) -> list[str]:
    entities = node.get("entities")
    if isinstance(entities, dict):
        return list(entities["entity"])
    return [*node.get("entityId", []), *_one(node.get("entity_id"))]


def _one(entity: str | None) -> list[str]:
    return [] if entity is None else [entity]


def test_firewall_of_the_security_page_is_legal() -> None:
    rules = blocks(_page("security.md"), "nft")
    assert len(rules) == 1
    assert rules[0].count("{") == rules[0].count("}")
    nft = shutil.which("nft")
    if nft is None:
        pytest.skip("nft is not installed")
    done = subprocess.run(
        [nft, "-c", "-f", "-"],
        input=rules[0],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not permitted" in done.stderr or done.returncode == 0, done.stderr


def test_rules_about_documentation_are_backed_by_pages() -> None:
    ledger = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
    told = {
        name: rule if isinstance(rule, str) else rule["status"]
        for name, rule in ledger.items()
        if name.startswith("docs-")
    }
    done = {name for name, status in told.items() if status == "done"}
    assert done == set(RULE_PAGES)
    for name, pages in RULE_PAGES.items():
        for page in pages:
            assert (DOCS / page).is_file(), f"{name}: {page}"
