"""A power in the words of one maker: the text of a message with places for numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
import json
import re
from typing import Any, Final

MAX_TEMPLATE: Final = 1_000
"""House rule; 1.6 leaves the length of the text open."""

NOMINAL_VOLTAGE_V: Final = 230.0

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_SIGNED: Final = frozenset({"power_w", "power_kw", "current_a"})
_MAGNITUDES: Final = frozenset({"charge_w", "discharge_w"})
PLACES: Final = _SIGNED | _MAGNITUDES | {"duration_s", "evse_id", "transaction_id"}
"""What may stand in braces in the text of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPower:
    """What a message has to say."""

    power_w: float
    """Signed; positive flows into the vehicle."""

    duration_s: float
    """After it the station has to end the power by itself."""

    evse_id: int
    transaction_id: str
    phases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSetpoint:
    """How one maker is told a power (OCPP P01): there is no word for it in OCPP 1.6."""

    vendor_id: str
    message_id: str | None
    template: str
    """Text with ``{power_w}``, ``{power_kw}`` or ``{current_a}`` (per phase), each
    negative for a discharge, or with ``{charge_w}`` and ``{discharge_w}``, both never
    negative; ``{duration_s}``, ``{evse_id}`` and ``{transaction_id}`` where needed."""

    @property
    def fingerprint(self) -> str:
        """What tells one message from another: a proof holds for one of them."""
        parts = json.dumps([self.vendor_id, self.message_id, self.template])
        return sha256(parts.encode()).hexdigest()[:16]

    @property
    def is_json(self) -> bool:
        """True for a text that is an object or a list, which 2.x sends as such."""
        return self.template.lstrip()[:1] in ("{", "[") and not _PLACE.match(
            self.template.lstrip()
        )

    def text(self, told: VendorPower) -> str:
        """Return the text for a power; numbers are rounded towards 0."""
        values = _values(told)
        return _PLACE.sub(lambda place: values[place[1]], self.template)

    def data(self, told: VendorPower) -> Any:
        """Return what 2.x sends: the text, or what it stands for."""
        text = self.text(told)
        return json.loads(text) if self.is_json else text


def template_problem(setpoint: VendorSetpoint) -> str | None:
    """Return what is wrong with a template, None when it can be used.

    Returns:
        ``template_too_long``, ``template_unknown_place``, ``template_without_power``
        or ``template_not_json``.
    """
    if len(setpoint.template) > MAX_TEMPLATE:
        return "template_too_long"
    places = frozenset(_PLACE.findall(setpoint.template))
    if places - PLACES:
        return "template_unknown_place"
    if not (places & _SIGNED or places >= _MAGNITUDES):
        return "template_without_power"
    return None if _can_be_read(setpoint) else "template_not_json"


def _can_be_read(setpoint: VendorSetpoint) -> bool:
    try:
        setpoint.data(
            VendorPower(
                power_w=-1.5, duration_s=1, evse_id=1, transaction_id="1", phases=1
            )
        )
    except ValueError:
        return False
    return True


def _values(told: VendorPower) -> Mapping[str, str]:
    power_w = told.power_w
    current_a = power_w / (NOMINAL_VOLTAGE_V * told.phases)
    return {
        "power_w": str(int(power_w)),
        "power_kw": str(int(power_w) / 1000),
        "current_a": str(int(current_a * 10) / 10),
        "charge_w": str(int(max(0.0, power_w))),
        "discharge_w": str(int(max(0.0, -power_w))),
        "duration_s": str(int(told.duration_s)),
        "evse_id": str(told.evse_id),
        # Of a station: as safe inside a text of JSON as outside of one.
        "transaction_id": json.dumps(told.transaction_id)[1:-1],
    }
