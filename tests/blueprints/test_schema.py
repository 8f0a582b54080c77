"""Every blueprint is one that Home Assistant takes, and that a user can import."""

from pathlib import Path
import re
from urllib.parse import quote

from homeassistant.components.automation.config import (
    AUTOMATION_BLUEPRINT_SCHEMA,
)
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.blueprints.car_home import FOLDER, ROOT

REPOSITORY = "https://github.com/v2g-vpp/v2g-vpp"
IMPORT = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
FILES = sorted(FOLDER.glob("*.yaml"))
NUMBER = 14
"""What the product promises."""


def blueprint_of(path: Path) -> Blueprint:
    return Blueprint(
        load_yaml_dict(str(path)),
        expected_domain="automation",
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )


def test_there_are_as_many_as_promised() -> None:
    assert len(FILES) == NUMBER


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_home_assistant_takes_it(path: Path) -> None:
    blueprint = blueprint_of(path)
    assert blueprint.validate() is None
    meta = blueprint.metadata
    assert meta["source_url"].endswith(f"/automation/v2g_vpp/{path.name}")
    assert meta["source_url"].startswith(REPOSITORY)
    assert meta["name"]
    assert meta["description"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_input_has_a_name_and_a_selector_and_is_used(path: Path) -> None:
    blueprint = blueprint_of(path)
    text = path.read_text(encoding="utf-8")
    for key, value in blueprint.inputs.items():
        assert value["name"], key
        assert "selector" in value, key
        assert f"!input {key}\n" in text, f"{key} is asked for and not used"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_readme_has_a_button_that_imports_it(path: Path) -> None:
    url = f"{REPOSITORY}/blob/main/{path.relative_to(ROOT)}"
    text = (ROOT / "docs" / "blueprints.md").read_text(encoding="utf-8")
    assert IMPORT + quote(url, safe="") in text


def test_every_blueprint_is_run_by_a_test() -> None:
    text = "".join(
        test.read_text(encoding="utf-8") for test in Path(__file__).parent.glob("*.py")
    )
    found = set(re.findall(r'automate\(\s*"(\w+)"', text))
    assert found == {path.stem for path in FILES}
