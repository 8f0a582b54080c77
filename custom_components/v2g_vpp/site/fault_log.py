"""Faults in the log, with the codes that users, manuals and operators know them by."""

from collections.abc import Set as AbstractSet
import logging

from ..domain.faults import FAULT_BEHAVIOUR, FaultCode
from ..domain.ids import EvseKey

_LOGGER = logging.getLogger(__name__)


class FaultLog:
    """Say once when a fault begins and once when it is over."""

    def __init__(self) -> None:
        """Start with nothing said: a latch that survived a restart is said again."""
        self._said: dict[EvseKey, frozenset[FaultCode]] = {}

    def note(self, key: EvseKey, faults: AbstractSet[FaultCode]) -> None:
        """Take the faults of an EVSE, those that are latched among them."""
        said = self._said.get(key, frozenset())
        if faults == said:
            return
        for code in sorted(faults - said):
            stays = FAULT_BEHAVIOUR[code].is_latched
            _LOGGER.warning("%s: %s%s", key, code, " (latched)" if stays else "")
        for code in sorted(said - faults):
            _LOGGER.info("%s: %s is over", key, code)
        self._said[key] = frozenset(faults)

    def forget(self, key: EvseKey) -> None:
        """Drop what was said of an EVSE that is gone."""
        self._said.pop(key, None)
