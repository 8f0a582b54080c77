"""What every action that asks a charger for a service is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.core import SupportsResponse

from .domain.requests import StationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class StationAction:
    """One action: its fields, and the request that it stands for."""

    name: str
    fields: Mapping[Any, Any]
    build: Callable[[Mapping[str, Any], int], StationRequest]
    """From the fields and the number of the EVSE; ``WHOLE_STATION`` for a charger."""

    needs_evse: bool = False
    is_admin: bool = False
    response: SupportsResponse = SupportsResponse.NONE
