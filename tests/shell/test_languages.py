"""Home Assistant shows the texts of this integration in the user's language."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
import pytest

from custom_components.v2g_vpp.const import DOMAIN

TEXTS = {
    "de": {
        "config": ("step.home.title", "Dein Zuhause"),
        "config_subentries": ("charging_station.entry_type", "Ladestation"),
        "device": ("evse.name", "Anschluss {number}"),
        "entity": ("sensor.soc.name", "Ladestand"),
        "exceptions": ("target_not_vehicle.message", "Wähle ein Fahrzeug."),
        "issues": (
            "clock_wrong.title",
            "Die Uhr von Ladestation {station} geht falsch",
        ),
        "options": ("step.init.title", "Zähler deines Zuhauses"),
        "selector": ("regulator.options.battery", "Die Hausbatterie, von selbst"),
        "services": ("set_power.name", "Leistung einstellen"),
        "triggers": ("fault_reported.name", "Störung gemeldet"),
        "conditions": ("is_discharging.name", "Anschluss entlädt"),
    },
    "nl": {
        "config": ("step.home.title", "Je woning"),
        "config_subentries": ("charging_station.entry_type", "Laadpaal"),
        "device": ("evse.name", "Aansluiting {number}"),
        "entity": ("sensor.soc.name", "Laadniveau"),
        "exceptions": ("target_not_vehicle.message", "Kies een voertuig."),
        "issues": (
            "clock_wrong.title",
            "De klok van laadpaal {station} loopt verkeerd",
        ),
        "options": ("step.init.title", "Meters van je woning"),
        "selector": ("regulator.options.battery", "De thuisbatterij, vanzelf"),
        "services": ("set_power.name", "Vermogen instellen"),
        "triggers": ("fault_reported.name", "Storing gemeld"),
        "conditions": ("is_discharging.name", "Aansluiting ontlaadt"),
    },
    "fr": {
        "config": ("step.home.title", "Votre maison"),
        "config_subentries": ("charging_station.entry_type", "Borne"),
        "device": ("evse.name", "Prise {number}"),
        "entity": ("sensor.soc.name", "Niveau de charge"),
        "exceptions": ("target_not_vehicle.message", "Choisissez un véhicule."),
        "issues": ("clock_wrong.title", "L'horloge de la borne {station} est fausse"),
        "options": ("step.init.title", "Compteurs de votre maison"),
        "selector": (
            "regulator.options.battery",
            "La batterie domestique, d'elle-même",
        ),
        "services": ("set_power.name", "Régler la puissance"),
        "triggers": ("fault_reported.name", "Défaut signalé"),
        "conditions": ("is_discharging.name", "La prise décharge"),
    },
}


@pytest.mark.parametrize(
    ("language", "category"),
    [(language, category) for language, texts in TEXTS.items() for category in texts],
)
async def test_text_is_shown_in_the_language_of_the_home(
    hass: HomeAssistant, language: str, category: str
) -> None:
    hass.config.language = language
    key, text = TEXTS[language][category]
    shown = await async_get_translations(
        hass, hass.config.language, category, [DOMAIN], config_flow=category == "config"
    )
    assert shown[f"component.{DOMAIN}.{category}.{key}"] == text
