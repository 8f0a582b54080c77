"""What speaks each family of versions, put together from the parts of a station."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
import ssl

from .evse import Evse
from .features import Feature
from .handlers_device import DeviceHandlers
from .handlers_evse import EvseHandlers
from .handlers_profiles import ProfileHandlers
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a station has, whatever it speaks."""

    evse: Evse
    registration: Registration
    jobs: Jobs
    network: NetworkProfiles
    priority: Priority
    changed: Signal
    sleep: Sleep
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What speaks one family of versions."""

    handlers: Sequence[object]
    loops: Loops
    teller: Teller
    features: Sequence[Feature] = ()


def wire_2(parts: Parts) -> Wire:
    """Return what speaks OCPP 2.0.1 and 2.1."""
    evse, registration, changed = parts.evse, parts.registration, parts.changed
    event_ids = count(1)
    features = (
        priority_feature(parts.priority, evse),
        monitoring(evse, parts.jobs, changed, event_ids),
        services(evse, registration, parts.network, changed, parts.sleep, parts.tls),
    )
    triggers = {name: job for each in features for name, job in each.triggers.items()}
    return Wire(
        handlers=(
            ProfileHandlers(evse, parts.jobs),
            DeviceHandlers(evse, parts.jobs),
            EvseHandlers(evse, registration, parts.jobs, triggers),
            *(handler for each in features for handler in each.handlers),
        ),
        loops=Loops(evse, registration, changed, parts.sleep),
        teller=StateTeller(evse, changed, event_ids),
        features=features,
    )


def wire_16(parts: Parts) -> Wire:
    """Return what speaks OCPP 1.6."""
    evse, numbers = parts.evse, TransactionNumbers()
    handlers = ChargePointHandlers(
        evse,
        parts.registration,
        parts.jobs,
        numbers,
        ProfileHandlers(evse, parts.jobs),
    )
    return Wire(
        handlers=(handlers,),
        loops=Loops16(evse, parts.registration, parts.changed, parts.sleep, numbers),
        teller=StatusTeller(evse, parts.changed, handlers),
    )
