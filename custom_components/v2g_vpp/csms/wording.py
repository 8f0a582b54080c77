"""What the product asks of a station, in the words of each OCPP version."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from .versions import V16, V21, V201
from .wording_2 import Request, Wording2
from .wording_16 import Wording16


class Wording(Protocol):
    """Pure functions from a wish to a request; ids and units are those of 2.x."""

    def set_profile(self, request: Mapping[str, Any]) -> Request:
        """Return the request that installs a profile, given in 2.x form."""
        ...

    def clear_profile(self, profile_id: int) -> Request:
        """Return the request that removes one profile, never more."""
        ...

    def composite(self, evse_id: int, duration_s: int) -> Request:
        """Return the question what a station would do from now on."""
        ...

    def composite_in(self, answer: Mapping[str, Any]) -> object:
        """Return the schedule of an answer to ``composite``, None without one."""
        ...

    def start_transaction(self, evse_id: int, remote_start_id: int) -> Request:
        """Return the request that begins a transaction."""
        ...

    def end_transaction(self, transaction_id: str) -> Request:
        """Return the request that ends a transaction."""
        ...

    def change_availability(self, evse_id: int, *, is_operative: bool) -> Request:
        """Return the request that takes an EVSE, or all (0), out of operation or back."""
        ...

    def reset(self) -> Request:
        """Return the request to restart now, whatever runs."""
        ...

    def trigger(self, message: str, evse_id: int = 0, connector_id: int = 0) -> Request:
        """Return the request to send a message, named as in 2.x, now."""
        ...


_WORDINGS: Final[Mapping[str, Wording]] = {
    V21.protocol: Wording2(),
    V201.protocol: Wording2(),
    V16.protocol: Wording16(),
}


def wording_of(protocol: str) -> Wording:
    """Return the wording of a sub-protocol that is served."""
    return _WORDINGS[protocol]
