"""The profiles that are shipped, and what is none."""

from pathlib import Path

import pytest
import voluptuous as vol

from custom_components.v2g_vpp.const import CONF_FREE_STATES, CONF_PLUGGED_STATES
from custom_components.v2g_vpp.entity_profile import (
    GENERIC,
    EntityProfile,
    ProfileEvidence,
    load_profiles,
)
from custom_components.v2g_vpp.entity_station_form import PROFILE_IDS
from tests.repository import INTEGRATION
from tests.test_static import read_json

SHIPPED = load_profiles()
FILE = """
id: {name}
version: 1
evidence: from_documents
vendor: Maker
model: One
set_up:
  write_way: signed_number
  stop_way: zero
  {extra}
unconfirmed: []
"""


def write(folder: Path, name: str, extra: str = "", stem: str | None = None) -> None:
    path = folder / f"{stem or name}.yaml"
    path.write_text(FILE.format(name=name, extra=extra), encoding="utf-8")


def test_every_profile_has_a_name_on_the_screen_and_the_generic_one_comes_first() -> (
    None
):
    texts = read_json(INTEGRATION / "translations" / "en.json")
    assert set(texts["selector"]["entity_profile"]["options"]) == set(SHIPPED)
    assert list(SHIPPED) == PROFILE_IDS
    assert PROFILE_IDS[0] == GENERIC


@pytest.mark.parametrize("profile", SHIPPED.values(), ids=list(SHIPPED))
def test_no_profile_claims_what_nobody_saw(profile: EntityProfile) -> None:
    assert profile.evidence is ProfileEvidence.FROM_DOCUMENTS
    assert profile.unconfirmed, "what is from documents leaves something open"


@pytest.mark.parametrize("profile", SHIPPED.values(), ids=list(SHIPPED))
def test_words_of_a_profile_have_one_meaning(profile: EntityProfile) -> None:
    words = [
        word.casefold()
        for key, value in profile.set_up.items()
        if key.endswith("_states")
        for word in value
    ]
    assert len(words) == len(set(words))
    has_words = CONF_PLUGGED_STATES in profile.set_up
    assert has_words is (CONF_FREE_STATES in profile.set_up)


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "one", stem="another")
    with pytest.raises(vol.Invalid, match="its id is one"):
        load_profiles(tmp_path)


@pytest.mark.parametrize(
    "extra",
    [
        "watchdog: 60",
        "watchdog_s: -1",
        "min_charge_w: .inf",
        "min_charge_w: much",
        "plugged_states: [1, 2]",
        "phases: '2'",
        "zero_forbidden: perhaps",
    ],
)
def test_a_fact_that_cannot_be_is_refused(tmp_path: Path, extra: str) -> None:
    write(tmp_path, "one", extra)
    with pytest.raises(vol.Invalid):
        load_profiles(tmp_path)


def test_a_sound_file_is_a_profile(tmp_path: Path) -> None:
    write(tmp_path, "one", "watchdog_s: 30")
    profile = load_profiles(tmp_path)["one"]
    assert profile.identity == {
        "profile": "one",
        "profile_version": 1,
        "vendor": "Maker",
        "model": "One",
    }
    assert profile.set_up["watchdog_s"] == 30
