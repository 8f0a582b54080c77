"""A listener with TLS, and stations with certificates of all kinds."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
import ssl
from typing import Any

import aiohttp

from custom_components.v2g_vpp.csms.server import ListenAddress
from custom_components.v2g_vpp.pki.authority import (
    Authority as CertificateAuthority,
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.home_certificates import HomeTrust
from custom_components.v2g_vpp.pki.issuer import HomeIssuer
from custom_components.v2g_vpp.pki.ocpp_tls import OcppTls
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.pki.store import PemStore
from custom_components.v2g_vpp.pki.tls import load_key_pair
from tests.csms.peer import STATION, Peer, Rig, basic

HOST = "127.0.0.1"
OWNER = "My home"


def utcnow() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


class SecureRig(Rig):
    """Listens in the clear and with TLS; its authority is at hand."""

    def __init__(self, folder: Path, *configs: Any, **options: Any) -> None:
        self.material = OcppTls(
            PemStore(folder),
            hosts=(HOST, "homeassistant.local"),
            owner=OWNER,
            utcnow=utcnow,
        )
        context = self.material.open()
        issuer = HomeIssuer(
            self.material.authority,
            owner=OWNER,
            utcnow=utcnow,
            run_blocking=asyncio.to_thread,
        )
        super().__init__(
            *configs,
            secure_address=ListenAddress(host=HOST, port=0, tls=context, issuer=issuer),
            home=HomeTrust(
                self.material, utcnow=utcnow, run_blocking=asyncio.to_thread
            ),
            **options,
        )
        key = PemStore(folder).load("ocpp_key")
        assert key is not None
        self.authority_of_home = CertificateAuthority(
            certificate_pem=self.material.root_pem(), key_pem=key
        )

    @property
    def secure_url(self) -> str:
        return f"wss://{HOST}:{self.server.secure_port}/ocpp/"

    def trusting(self) -> ssl.SSLContext:
        """What a station has that trusts the home and shows no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.material.root_pem())
        return context

    def showing(
        self,
        common_name: str,
        authority: CertificateAuthority | None = None,
        now: datetime | None = None,
        life: timedelta = timedelta(days=1),
    ) -> ssl.SSLContext:
        """What a station has that shows a certificate."""
        pair = create_client_request(common_name)
        certificate = issue_certificate(
            authority or self.authority_of_home,
            pair.csr_pem,
            now or utcnow(),
            LeafPurpose.STATION,
            life=life,
        )
        context = self.trusting()
        load_key_pair(context, certificate, pair.key_pem)
        return context


def stranger() -> CertificateAuthority:
    return create_authority("Somebody else", utcnow())


class SecureDialler:
    """Opens encrypted connections."""

    def __init__(self, rig: SecureRig, session: aiohttp.ClientSession) -> None:
        self.rig = rig
        self.session = session
        self.peers: list[Peer] = []

    async def dial(
        self,
        context: ssl.SSLContext,
        *,
        headers: dict[str, str] | None = None,
        identity: str = STATION,
        protocol: str = "ocpp2.0.1",
    ) -> Peer:
        socket = await self.session.ws_connect(
            self.rig.secure_url + identity,
            protocols=(protocol,),
            headers=basic() if headers is None else headers,
            ssl=context,
        )
        peer = Peer(socket)
        self.peers.append(peer)
        return peer

    async def status(
        self, context: ssl.SSLContext, headers: dict[str, str] | None = None
    ) -> int:
        try:
            peer = await self.dial(context, headers=headers)
        except aiohttp.WSServerHandshakeError as err:
            return err.status
        await peer.leave()
        return 101

    async def plain_status(self, headers: dict[str, str] | None = None) -> int:
        try:
            socket = await self.session.ws_connect(
                self.rig.url + STATION,
                protocols=("ocpp2.0.1",),
                headers=basic() if headers is None else headers,
            )
        except aiohttp.WSServerHandshakeError as err:
            return err.status
        await socket.close()
        return 101
