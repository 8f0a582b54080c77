"""Sentences that an action answers with, in the language of the home."""

from collections.abc import Mapping

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .domain.setpoint import Reason
from .domain.units import watts_to_kilowatts


class Sentences:
    """Texts in the language of the home."""

    def __init__(self, sentences: Mapping[str, str], names: Mapping[str, str]) -> None:
        """Take the translations of exceptions and of entities."""
        self._sentences, self._names = sentences, names

    def sentence(self, key: str, **placeholders: str) -> str:
        """Return a sentence with its placeholders filled in."""
        text = self._sentences[f"component.{DOMAIN}.exceptions.{key}.message"]
        return text.format(**placeholders)

    def name(self, reason: Reason) -> str:
        """Return what a sensor shows for a reason."""
        return self._names[f"component.{DOMAIN}.entity.sensor.reason.state.{reason}"]


async def async_sentences(hass: HomeAssistant) -> Sentences:
    """Return the sentences of the language of the home."""
    language = hass.config.language
    return Sentences(
        await async_get_translations(hass, language, "exceptions", [DOMAIN]),
        await async_get_translations(hass, language, "entity", [DOMAIN]),
    )


def kilowatts(power_w: float) -> str:
    """Return a power in kW with one decimal."""
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(watts_to_kilowatts(power_w), 1) + 0.0:.1f}"
