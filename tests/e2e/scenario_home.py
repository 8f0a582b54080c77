"""The owner and the site of a scenario, in the words of the scenario files."""

from collections.abc import Awaitable, Callable
import re

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import ClockState, EvseState
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.virtual.scenario.scenario import Scenario
from tests.e2e.virtual_home import VEHICLES, VirtualHome, key_of

DEFAULT_DIALECTS = {
    Protocol.OCPP_2_1: DischargeDialect.V21_DYNAMIC,
    Protocol.OCPP_2_0_1: DischargeDialect.NEG_LIMIT_W,
    Protocol.OCPP_1_6: DischargeDialect.NEG_LIMIT_W,
}

type Deed = Callable[[VirtualHome, int], Awaitable[object]]
type Look = Callable[[VirtualHome, int], bool]


def dialect_of(scenario: Scenario) -> DischargeDialect:
    given = scenario.given
    if not given.dialect:
        return DEFAULT_DIALECTS[given.protocol]
    return DischargeDialect(given.dialect)


def read_owner(text: str) -> Deed:
    """Return what the owner does; ValueError for anything that no file may say."""
    if (found := re.fullmatch(r"discharges at (\d+) W", text)) is not None:
        power_w = float(found[1])
        return lambda home, evse_id: home.policy(
            evse_id, mode=Mode.DISCHARGE_NOW, max_discharge_power_w=power_w
        )
    return _OWNER[text] if text in _OWNER else _refuse(text, _OWNER)


def read_site(text: str) -> Look:
    """Return what is looked at; ValueError for anything that no file may say."""
    what, _, name = text.partition(" ")
    match what:
        case "fault":
            code = FaultCode(name)
            return lambda home, n: code in home.evse_at(n).faults
        case "state":
            state = EvseState(name)
            return lambda home, n: home.evse_at(n).state is state
        case "blocked":
            reason = Reason(name.removeprefix("by "))
            return lambda home, n: home.evse_at(n).discharge_blocked_by is reason
        case "clock":
            clock = ClockState(name)
            return lambda home, _: home.site.snapshot.stations[0].clock_state is clock
    return _SITE[text] if text in _SITE else _refuse(text, _SITE)


def _refuse[T](text: str, allowed: dict[str, T]) -> T:
    raise ValueError(f"'{text}' is none of {', '.join(allowed)}")


async def _choose(home: VirtualHome, evse_id: int) -> None:
    """Say which vehicle it is: only ISO 15118-20 lets one say that itself."""
    await home.until(lambda: home.evse_at(evse_id).has_transaction, 60, "a transaction")
    if home.evse_at(evse_id).vehicle_id is None:
        await home.policy(evse_id, vehicle_id=VEHICLES[evse_id][0])


async def _allow(home: VirtualHome, evse_id: int) -> None:
    await _choose(home, evse_id)
    await home.grant(evse_id)


_OWNER: dict[str, Deed] = {
    "allows discharge": _allow,
    "chooses the vehicle": _choose,
    "charges": lambda home, n: home.policy(n, mode=Mode.CHARGE_NOW),
    "stops": lambda home, n: home.policy(n, mode=Mode.OFF),
    "acknowledges": lambda home, n: home.site.reset_emergency_stop(key_of(n)),
}
_SITE: dict[str, Look] = {
    "no fault": lambda home, n: home.evse_at(n).faults == (),
    "offline": lambda home, _: not home.site.snapshot.stations[0].is_connected,
}


class ScenarioHome:
    """Does and looks at what the station cannot."""

    def __init__(self, home: VirtualHome) -> None:
        self._home = home

    async def do(self, text: str, evse_id: int) -> None:
        await read_owner(text)(self._home, evse_id)

    def is_so(self, text: str, evse_id: int) -> bool:
        return read_site(text)(self._home, evse_id)
