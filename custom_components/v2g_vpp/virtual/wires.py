"""What speaks each family of versions, on the same hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
import ssl

from .certificates.feature import certificates
from .certificates.own import OwnCertificates
from .certificates.roots import Roots
from .config import Protocol
from .der.feature import grid_settings
from .der.teller import DerTeller
from .features import Feature
from .handlers_device import DeviceHandlers
from .handlers_evse import EvseHandlers
from .handlers_profiles import ProfileHandlers
from .hardware import Hardware
from .jobs import Jobs
from .loops import Loops, Sleep
from .monitoring.feature import monitoring
from .ocpp16.handlers import ChargePointHandlers
from .ocpp16.loops import Loops16
from .ocpp16.numbers import TransactionNumbers
from .ocpp16.status_teller import StatusTeller
from .priority import Priority, priority_feature
from .registration import Registration
from .services.feature import services
from .services.network_profiles import NetworkProfiles
from .state_teller import StateTeller, Teller
from .wakeup import Signal

VERSIONS = {
    Protocol.OCPP_2_1: "2.1",
    Protocol.OCPP_2_0_1: "2.0.1",
    Protocol.OCPP_1_6: "1.6",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the wires of a station share."""

    hardware: Hardware
    network: NetworkProfiles
    priority: Priority
    der_teller: DerTeller
    roots: Roots
    own_certificates: OwnCertificates
    registration: Registration
    jobs: Jobs
    changed: Signal
    sleep: Sleep
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What speaks one family of versions."""

    handlers: Sequence[object]
    loops: Loops
    tellers: Sequence[Teller]
    """One for each EVSE."""

    features: Sequence[Feature] = ()


def wire_2(parts: Parts) -> Wire:
    """Return what speaks OCPP 2.0.1 and 2.1."""
    hardware, jobs, changed = parts.hardware, parts.jobs, parts.changed
    event_ids = count(1)
    features = (
        priority_feature(parts.priority, hardware),
        grid_settings(hardware, jobs, parts.der_teller),
        certificates(hardware, parts.roots, parts.own_certificates),
        monitoring(hardware, jobs, changed, event_ids),
        services(
            hardware,
            parts.registration,
            parts.network,
            changed,
            parts.sleep,
            parts.tls,
        ),
    )
    return Wire(
        handlers=(
            ProfileHandlers(hardware, jobs),
            DeviceHandlers(hardware, jobs),
            EvseHandlers(
                hardware,
                parts.registration,
                jobs,
                {k: v for each in features for k, v in each.triggers.items()},
            ),
            *(handler for each in features for handler in each.handlers),
        ),
        loops=Loops(hardware, parts.registration, changed, parts.sleep),
        tellers=tuple(StateTeller(evse, changed, event_ids) for evse in hardware),
        features=features,
    )


def wire_16(parts: Parts) -> Wire:
    """Return what speaks OCPP 1.6."""
    hardware, numbers = parts.hardware, TransactionNumbers()
    composer = ProfileHandlers(hardware, parts.jobs)
    return Wire(
        handlers=(
            ChargePointHandlers(
                hardware, parts.registration, parts.jobs, numbers, composer
            ),
        ),
        loops=Loops16(
            hardware, parts.registration, parts.changed, parts.sleep, numbers
        ),
        tellers=tuple(StatusTeller(evse, parts.changed) for evse in hardware),
    )
