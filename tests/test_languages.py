"""Every language says all that English says, and shows the same placeholders."""

import copy
from typing import Any

import pytest

from script.rig import translation_check
from tests.repository import INTEGRATION
from tests.repository.languages import (
    compare_language,
    find_reworded,
    languages,
    read_texts,
)
from tests.repository.words import read_words

ENGLISH: dict[str, Any] = {
    "exceptions": {
        "lost": {"message": "The charger {station} is lost. Look at `{url}`, **now**."},
        "busy": {"message": "Wait.\n\n- Or do not."},
    },
    "entity": {
        "button": {"stop": {"name": "Stop"}, "halt": {"name": "Halt"}},
        "sensor": {"mode": {"name": "Mode", "state": {"on": "On", "off": "Off"}}},
    },
    "issues": {"lost": {"title": 'Press **Stop**, or "Halt"'}},
    "system_health": {"info": {"same": "OCPP"}},
}
GERMAN: dict[str, Any] = {
    "exceptions": {
        "lost": {"message": "**Jetzt** `{url}` ansehen: {station} ist verloren."},
        "busy": {"message": "Warte.\n\n- Oder nicht."},
    },
    "entity": {
        "button": {"stop": {"name": "Stopp"}, "halt": {"name": "Halt"}},
        "sensor": {"mode": {"name": "Modus", "state": {"on": "Ein", "off": "Aus"}}},
    },
    "issues": {"lost": {"title": "**Stopp** oder „Halt“ drücken"}},
    "system_health": {"info": {"same": "OCPP"}},
}


def test_languages_beside_english_are_there() -> None:
    assert languages() == ["de", "fr", "nl"]


def test_matching_language_has_no_finding() -> None:
    assert compare_language(ENGLISH, GERMAN).lines() == []


@pytest.mark.parametrize(
    ("key", "text", "kind"),
    [
        ("lost", "{station} ist verloren: **jetzt** `{url}`, {name}.", "placeholders"),
        ("lost", "**Jetzt** `{url}` ansehen.", "placeholders"),
        ("lost", "**Jetzt** `{url}` ansehen: {station ist verloren.", "placeholders"),
        ("lost", "**Jetzt** {url} ansehen: {station} ist verloren.", "markup"),
        ("lost", "Jetzt `{url}` ansehen: {station} ist verloren.", "markup"),
        ("busy", "Warte. Oder nicht.", "markup"),
        ("lost", ENGLISH["exceptions"]["lost"]["message"], "untranslated"),
        ("busy", "", "bad"),
        ("busy", "Warte.\n\n- Oder <b>nicht</b>.", "bad"),
    ],
)
def test_planted_mistake_of_a_text_is_found(key: str, text: str, kind: str) -> None:
    planted = copy.deepcopy(GERMAN)
    planted["exceptions"][key]["message"] = text
    assert getattr(compare_language(ENGLISH, planted), kind)


@pytest.mark.parametrize("title", ["**Ende** oder „Halt“", "**Stopp** oder „Ende“"])
def test_planted_other_name_than_on_the_screen_is_found(title: str) -> None:
    planted = copy.deepcopy(GERMAN)
    planted["issues"]["lost"]["title"] = title
    assert compare_language(ENGLISH, planted).misnamed == ["issues.lost.title"]


def test_planted_names_and_choices_that_became_the_same_are_found() -> None:
    planted = copy.deepcopy(GERMAN)
    planted["entity"]["button"]["halt"]["name"] = "Stopp"
    planted["entity"]["sensor"]["mode"]["state"]["off"] = "Ein"
    assert compare_language(ENGLISH, planted).alike == [
        "entity.button.halt.name",
        "entity.sensor.mode.state.off",
    ]


def test_planted_missing_and_stale_keys_are_found() -> None:
    planted = copy.deepcopy(GERMAN)
    planted["exceptions"]["gone"] = planted["exceptions"].pop("busy")
    found = compare_language(ENGLISH, planted)
    assert found.missing == ["exceptions.busy.message"]
    assert found.stale == ["exceptions.gone.message"]
    assert found.lines() == [
        "exceptions.busy.message: missing",
        "exceptions.gone.message: stale",
    ]


@pytest.mark.parametrize("language", languages())
def test_language_says_all_that_english_says(language: str) -> None:
    found = compare_language(read_texts("en"), read_texts(language)).lines()
    assert not found, "\n".join(found)


def test_dashboard_has_the_same_words_in_every_language() -> None:
    words = read_words(INTEGRATION / "frontend" / "v2g_vpp.js")
    assert set(words) == {"en", "de", "nl", "fr"}
    for language, texts in words.items():
        assert list(texts) == list(words["en"]), language
        assert all(texts.values()), language


def test_the_program_tells_what_a_language_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"en": ENGLISH, "de": {"exceptions": {}}}
    monkeypatch.setattr(translation_check, "read_texts", texts.__getitem__)
    assert translation_check.main(["de"]) == translation_check.DIFFERENT
    shown = capsys.readouterr().out
    assert "de exceptions.busy.message: missing" in shown
    assert "de: 9 missing, 0 stale, 0 with other placeholders" in shown
    texts["de"] = GERMAN
    assert translation_check.main(["de"]) == translation_check.ALIKE


def test_reworded_text_is_found_until_its_translation_changes_too() -> None:
    now, has = copy.deepcopy((ENGLISH, GERMAN))
    now["exceptions"]["busy"]["message"] = "Wait longer.\n\n- Or do not."
    now["exceptions"]["new"] = {"message": "New."}
    key = "exceptions.busy.message"
    assert find_reworded((ENGLISH, now), (GERMAN, has)) == [key]
    assert find_reworded((ENGLISH, now), ({}, has)) == []
    has["exceptions"]["busy"]["message"] = "Warte länger.\n\n- Oder nicht."
    assert find_reworded((ENGLISH, now), (GERMAN, has)) == []


def test_the_program_reads_an_older_revision() -> None:
    assert (
        translation_check.main(["de", "--since", "HEAD"]) != translation_check.UNUSABLE
    )
    unusable = translation_check.main(["de", "--since", "no-such-revision"])
    assert unusable == translation_check.UNUSABLE


def test_the_program_refuses_a_language_that_is_not_there() -> None:
    assert translation_check.main(["xx"]) == translation_check.UNUSABLE
