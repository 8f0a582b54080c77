"""New firmware: fetched, checked, installed by a reboot (OCPP 2.x L01, L02)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
import re
import ssl
from typing import Any, Final

from ..device_model import VariableName
from ..hardware import Hardware
from ..loops import Sleep
from ..ocpp_package import Action, call, call_result, on
from ..peer import Peer
from ..registration import Registration
from ..schedule import WireObject, parse_time
from ..wakeup import Signal
from .firmware_signature import SigningCertificate
from .transfer import download
from .work import Work

IMAGE: Final = re.compile(rb"\AVIRTUAL-FIRMWARE ([A-Za-z0-9._-]{1,50})\n")
"""How an image for this station begins: its name, then its version."""

RETRY_S: Final = 10
VERSION: Final = VariableName(component="ChargingStation", variable="FirmwareVersion")
FIRMWARE_UPDATE: Final = "FirmwareUpdate"
"""Reason of the boot with the new firmware."""


class Stage(IntEnum):
    """What is to be done next."""

    FETCH = 1
    INSTALL = 2
    REBOOT = 3
    TELL = 4


@dataclass(slots=True, kw_only=True, eq=False)
class Update:
    """One update; only ``Firmware`` changes it."""

    request_id: int
    location: str
    retrieve_at: datetime
    install_at: datetime | None
    tries: int
    retry_s: float
    certificate: SigningCertificate | None
    signature: str
    stage: Stage = Stage.FETCH
    version: str = ""


class Firmware:
    """At most one update at a time; a newer one takes its place."""

    def __init__(
        self,
        hardware: Hardware,
        registration: Registration,
        changed: Signal,
        sleep: Sleep,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Serve the firmware of a station; ``tls`` is for ``https`` addresses."""
        self._hardware = hardware
        self._registration = registration
        self._changed = changed
        self._sleep = sleep
        self._tls = tls
        self._work = Work()
        self._update: Update | None = None
        self._told: tuple[str, int | None] = ("Idle", None)
        self._steps: Mapping[Stage, Any] = {
            Stage.FETCH: self._fetch,
            Stage.INSTALL: self._install,
            Stage.REBOOT: self._reboot,
            Stage.TELL: self._finish,
        }

    @on(Action.update_firmware)
    def on_update_firmware(
        self,
        request_id: int,
        firmware: WireObject,
        retries: int = 0,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """Begin an update, in place of one that runs."""
        certificate = None
        if "signingCertificate" in firmware:
            certificate = SigningCertificate.parse(firmware["signingCertificate"])
            if certificate is None:
                return call_result.UpdateFirmware(status="InvalidCertificate")
        if self._update is not None and self._update.stage >= Stage.REBOOT:
            return call_result.UpdateFirmware(status="Rejected")
        status = "Accepted" if self._update is None else "AcceptedCanceled"
        install_at = firmware.get("installDateTime")
        self._update = Update(
            request_id=request_id,
            location=firmware["location"],
            retrieve_at=parse_time(firmware["retrieveDateTime"]),
            install_at=None if install_at is None else parse_time(install_at),
            tries=1 + retries,
            retry_s=RETRY_S if retry_interval is None else retry_interval,
            certificate=certificate,
            signature=firmware.get("signature", ""),
        )
        self._work.abort()
        self._changed.notify()
        return call_result.UpdateFirmware(status=status)

    def rebooted(self) -> None:
        """Run the new firmware after the reboot that installed it."""
        if self._update is not None and self._update.stage is Stage.REBOOT:
            self._hardware.model.store(VERSION, self._update.version)
            self._update.stage = Stage.TELL

    async def run(self, peer: Peer) -> None:
        """Go on with the update until the link is gone."""
        while True:
            update = self._update
            if update is None or self._registration.reboot_reason is not None:
                await self._changed.wait()
                continue
            await self._work.run(self._steps[update.stage](peer, update))

    async def tell_status(self, peer: Peer) -> None:
        """Tell the last status again, because the CSMS asked (L01.FR.25, FR.26)."""
        status, request_id = self._told
        if status == "Installed":
            status, request_id = "Idle", None
        await peer.call(
            call.FirmwareStatusNotification(status=status, request_id=request_id)
        )

    async def _fetch(self, peer: Peer, update: Update) -> None:
        if update.retrieve_at > self._hardware.now().at:
            await self._tell(peer, "DownloadScheduled", update)
            while update.retrieve_at > self._hardware.now().at:
                await self._changed.wait()
        image = None
        for left in reversed(range(update.tries)):
            await self._tell(peer, "Downloading", update)
            image = await download(update.location, self._tls)
            if image is not None or not left:
                break
            await self._sleep(update.retry_s)
        if image is None:
            await self._fail(peer, "DownloadFailed", update)
            return
        await self._tell(peer, "Downloaded", update)
        await self._check(peer, update, image)

    async def _check(self, peer: Peer, update: Update, image: bytes) -> None:
        if update.certificate is not None:
            if not update.certificate.has_signed(image, update.signature):
                await self._fail(peer, "InvalidSignature", update)
                await _tell_security(peer, "InvalidFirmwareSignature", self._hardware)
                return
            await self._tell(peer, "SignatureVerified", update)
        found = IMAGE.match(image)
        if found is None:
            await self._fail(peer, "InstallVerificationFailed", update)
            return
        update.version = found[1].decode()
        update.stage = Stage.INSTALL

    async def _install(self, peer: Peer, update: Update) -> None:
        if self._must_wait(update):
            await self._tell(peer, "InstallScheduled", update)
            while self._must_wait(update):
                await self._changed.wait()
        await self._tell(peer, "Installing", update)
        update.stage = Stage.REBOOT

    async def _reboot(self, peer: Peer, update: Update) -> None:
        await self._tell(peer, "InstallRebooting", update)
        self._registration.request_reboot(FIRMWARE_UPDATE)

    async def _finish(self, peer: Peer, update: Update) -> None:
        await self._tell(peer, "Installed", update)
        self._update = None
        await _tell_security(peer, "FirmwareUpdated", self._hardware)

    def _must_wait(self, update: Update) -> bool:
        is_early = (
            update.install_at is not None
            and update.install_at > self._hardware.now().at
        )
        return is_early or self._hardware.is_busy

    async def _fail(self, peer: Peer, status: str, update: Update) -> None:
        await self._tell(peer, status, update)
        if self._update is update:
            self._update = None

    async def _tell(self, peer: Peer, status: str, update: Update) -> None:
        self._told = (status, update.request_id)
        await peer.tell(
            call.FirmwareStatusNotification(status=status, request_id=update.request_id)
        )


async def _tell_security(peer: Peer, event: str, hardware: Hardware) -> None:
    await peer.tell(
        call.SecurityEventNotification(type=event, timestamp=hardware.clock_text())
    )
