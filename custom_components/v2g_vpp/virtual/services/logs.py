"""Logs of the station, uploaded when the CSMS asks (OCPP 2.x N01)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import ssl
from typing import Any, Final

from ..evse import Evse
from ..loops import Sleep
from ..ocpp_package import Action, call, call_result, on
from ..peer import Peer
from ..schedule import WireObject
from ..wakeup import Signal
from .transfer import TextFile, address_of, upload
from .work import Work

RETRY_S: Final = 10
"""House rule, where the CSMS allows more tries and gives no interval."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogRequest:
    """One upload that was asked for."""

    request_id: int
    location: str
    file: TextFile
    tries: int
    retry_s: float


class Logs:
    """At most one upload at a time; a newer one takes its place."""

    def __init__(
        self, evse: Evse, changed: Signal, sleep: Sleep, tls: ssl.SSLContext | None
    ) -> None:
        """Serve the logs of a station; ``tls`` is for ``https`` addresses."""
        self._evse = evse
        self._changed = changed
        self._sleep = sleep
        self._tls = tls
        self._work = Work()
        self._request: LogRequest | None = None
        self._uploading_id: int | None = None
        self._writers: Mapping[str, Callable[[], str]] = {
            "DiagnosticsLog": self._write_diagnostics,
            "SecurityLog": self._write_security,
        }

    @on(Action.get_log)
    def on_get_log(
        self,
        log: WireObject,
        log_type: str,
        request_id: int,
        retries: int = 0,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """Begin an upload, in place of one that runs."""
        write = self._writers.get(log_type)
        if write is None:
            return call_result.GetLog(status="Rejected")
        self._evse.advance()
        serial = self._evse.config.serial_number
        file = TextFile(
            name=f"{serial}-{log_type}-{request_id}.log", content=write().encode()
        )
        status = "Accepted" if self._request is None else "AcceptedCanceled"
        self._request = LogRequest(
            request_id=request_id,
            location=log["remoteLocation"],
            file=file,
            tries=1 + retries,
            retry_s=RETRY_S if retry_interval is None else retry_interval,
        )
        self._work.abort()
        self._changed.notify()
        return call_result.GetLog(status=status, filename=file.name)

    async def run(self, peer: Peer) -> None:
        """Upload what is asked for until the link is gone; then it is tried again."""
        while True:
            request = self._request
            if request is None:
                await self._changed.wait()
                continue
            is_done = await self._work.run(self._upload(peer, request))
            if not is_done:
                self._uploading_id = None
                await _tell(peer, "AcceptedCanceled", request.request_id)
            if self._request is request:
                self._request = None

    async def tell_status(self, peer: Peer) -> None:
        """Tell how far it is, because the CSMS asked."""
        if self._uploading_id is None:
            await _tell(peer, "Idle", None)
        else:
            await _tell(peer, "Uploading", self._uploading_id)

    async def _upload(self, peer: Peer, request: LogRequest) -> None:
        self._uploading_id = request.request_id
        await _tell(peer, "Uploading", request.request_id)
        url = address_of(request.location, request.file)
        for left in reversed(range(request.tries)):
            status = await upload(url, request.file, self._tls)
            if status == "Uploaded" or not left:
                self._uploading_id = None
                await _tell(peer, status, request.request_id)
                return
            await self._sleep(request.retry_s)

    def _write_diagnostics(self) -> str:
        evse = self._evse
        lines = [
            f"{evse.clock_text()} {evse.config.vendor} {evse.config.model}",
            f"connector {evse.connector_status()}",
            f"handle {evse.handle_c():.1f} Celsius",
            f"power {evse.path.true_power_w:.0f} W",
            *(f"condition {each}" for each in sorted(evse.conditions.active)),
        ]
        return "\n".join(lines) + "\n"

    def _write_security(self) -> str:
        return f"{self._evse.clock_text()} StartupOfTheDevice\n"


async def _tell(peer: Peer, status: str, request_id: int | None) -> None:
    await peer.tell(call.LogStatusNotification(status=status, request_id=request_id))
