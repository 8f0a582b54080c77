"""What the station does on a link of 1.6."""

import logging
from typing import Any, override

from ..evse import Evse
from ..hardware import Hardware
from ..loops import Loops, Sleep
from ..ocpp_package import call_16
from ..peer import Peer
from ..registration import Registration
from ..wakeup import Signal
from .handlers import boot_notification
from .numbers import TransactionNumbers
from .translation import message_of

_LOGGER = logging.getLogger(__name__)

START = "StartTransaction"


class Loops16(Loops):
    """The loops whose messages differ."""

    def __init__(
        self,
        hardware: Hardware,
        registration: Registration,
        changed: Signal,
        sleep: Sleep,
        numbers: TransactionNumbers,
    ) -> None:
        """Share the numbers of transactions with the handlers."""
        super().__init__(hardware, registration, changed, sleep)
        self._numbers = numbers

    @override
    async def pull_values(self, peer: Peer) -> None:
        """Ask for nothing: no profile of 1.6 wants to be asked."""

    @override
    async def tell_expired_reservations(self, peer: Peer, evse: Evse) -> None:
        """Let a reservation end; the status of the connector says that it did."""
        while True:
            evse.admission.take_expired_reservation(evse.now().mono_s)
            await self._changed.wait()

    @override
    async def _boot(self, peer: Peer) -> dict[str, Any]:
        return await peer.call(boot_notification(self._hardware))

    @override
    async def _beat(self, peer: Peer) -> None:
        await self._tell_heartbeat(peer, call_16.Heartbeat())

    @override
    async def _send_event(self, peer: Peer, event: Any) -> dict[str, Any]:
        transaction_id = event.transaction_info["transactionId"]
        message = message_of(event, self._numbers.number_of(transaction_id))
        if message is None:
            return {}
        answer = await peer.call(message)
        if event.event_type == "Started":
            self._numbers.give(transaction_id, answer["transactionId"])
        elif event.event_type == "Ended":
            self._numbers.forget(transaction_id)
        return {"idTokenInfo": answer.get("idTagInfo", {"status": "Accepted"})}

    @override
    async def _authorize(self, peer: Peer, evse: Evse) -> None:
        remote = evse.admission.remote_start
        token = {"idToken": evse.config.id_token, "type": "Central"}
        id_token = dict(remote.id_token) if remote is not None else token
        if not evse.admission.may_use_reservation(id_token):
            evse.admission.refuse()
            return
        answer = await peer.call(call_16.Authorize(id_tag=id_token["idToken"][:20]))
        if not evse.wants_authorization():
            return
        if answer["idTagInfo"]["status"] == "Accepted":
            evse.start_transaction(id_token, frozenset())
        else:
            evse.admission.refuse()

    @override
    async def _state_needs(self, peer: Peer, evse: Evse) -> None:
        """Let power flow: 1.6 has no word for what a vehicle needs."""
        evse.needs_stated(is_bidirectional=evse.takes_negative_limits())
        evse.needs_answered(wait_s=0.0)
