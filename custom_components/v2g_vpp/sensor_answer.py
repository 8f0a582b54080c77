"""The sensor of what the home answered last to a program's order."""

from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
)
from homeassistant.const import EntityCategory

from .domain.dispatch import AckCode
from .domain.snapshot import ProgrammeSnapshot
from .entity import ProgrammeEntity

LAST_ANSWER: Final = SensorEntityDescription(
    key="last_answer",
    translation_key="last_answer",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[code.value.lower() for code in AckCode],
)


class AnswerSensor(ProgrammeEntity, SensorEntity):
    """Why an order was refused or ended, or that it was taken."""

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        verdict = part.book.verdict
        self._attr_native_value = None if verdict is None else verdict.value.lower()
        return self._attr_native_value
