"""How a vehicle and its station talk to one another."""

from dataclasses import dataclass
from enum import StrEnum


class VehicleProtocol(StrEnum):
    """What a vehicle and its station speak; the first alone can discharge."""

    ISO_15118_20 = "iso_15118_20"
    ISO_15118_2 = "iso_15118_2"
    DIN_70121 = "din_70121"
    OTHER = "other"
    NOTHING = "nothing"
    """Neither knows what the other speaks."""


_PROTOCOLS = (
    ("15118:-20", VehicleProtocol.ISO_15118_20),
    ("15118:2:", VehicleProtocol.ISO_15118_2),
    ("din:70121", VehicleProtocol.DIN_70121),
)
"""By a part of the name that ISO 15118 gives each one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleLink:
    """How a vehicle and its station talk, as far as the station tells."""

    pilot_state: str = ""
    """Of IEC 61851, A to F; empty while not told."""

    protocol: str | None = None
    """That both agreed on; empty when they found none, None while not told."""

    offered: tuple[str, ...] = ()
    """Protocols that the vehicle has, in the order of its preference."""

    @property
    def is_mismatch(self) -> bool:
        """True when the vehicle has protocols and the station none of them."""
        return bool(self.offered) and self.protocol == ""

    @property
    def family(self) -> VehicleProtocol | None:
        """What they speak, None while not told."""
        if self.protocol is None:
            return None
        if not self.protocol:
            return VehicleProtocol.NOTHING
        name = self.protocol.lower()
        return next(
            (family for part, family in _PROTOCOLS if part in name),
            VehicleProtocol.OTHER,
        )
