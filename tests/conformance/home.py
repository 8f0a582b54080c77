"""Our whole home in real time: link, site, ledger, listener and a virtual station."""

from collections.abc import Callable, Mapping
from pathlib import Path
import random
from typing import Any, Self, override

from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import LedgerOwner
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.site.ledger_desk import LedgerPorts
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.vpp.link import VppLink
from custom_components.v2g_vpp.vpp.link_config import LinkPorts, VppLinkConfig
from tests.e2e.virtual_home import VirtualHome
from tests.vpp.actors import (
    AGGREGATOR_KEYS,
    HOME,
    HOME_SIGNER,
    PROGRAMME,
    REGION,
    MemoryStore,
)
from tests.vpp.rig import run_blocking

PROGRAMME_ID = ProgrammeId(PROGRAMME)


class LinkedHome(VirtualHome):
    """A home that takes part in a program; nothing of it is simulated but the car."""

    def __init__(
        self,
        port: int,
        context: Any,
        directory: Path,
        make_link: Callable[[VppLinkConfig, LinkPorts], VppLink] = VppLink,
        aggregator_keys: Mapping[str, str] = AGGREGATOR_KEYS,
    ) -> None:
        super().__init__(Protocol.OCPP_2_1, clock=SystemClock())
        self._port = port
        self._context = context
        self._directory = directory
        self._make_link = make_link
        self._aggregator_keys = aggregator_keys
        self._store = MemoryStore()

    @override
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.plug()
        await self.grant()
        self.link = self._linked()
        self.site.add_programme(PROGRAMME_ID, self.link)
        await self._open_ledger()
        await self.link.start()
        return self

    @override
    async def __aexit__(self, *details: object) -> None:
        await self.link.stop()
        await super().__aexit__(*details)
        for store in (self.site_store, self.station_store):
            store.crash()

    async def restart(self) -> None:
        """Start the link anew from what it had written down."""
        await self.link.stop()
        self.site.remove_programme(PROGRAMME_ID, is_removed=False)
        self.link = self._linked()
        self.site.add_programme(PROGRAMME_ID, self.link)
        await self.link.start()

    def _linked(self) -> VppLink:
        self._ports = LinkPorts(
            make_context=lambda: self._context,
            receiver=self.site,
            store=self._store,
            clock=self.clock,
            spawn=self._spawn,
            run_blocking=run_blocking,
            signer=HOME_SIGNER,
            verify=verify_signature,
            on_problem=lambda _: None,
            on_recovered=lambda: None,
            on_certificate=lambda _: None,
            on_clock=lambda _: None,
            on_heard=self.site.report_heard,
            on_settlement=self.site.settlement_received,
            uniform=random.uniform,
        )
        config = VppLinkConfig(
            host="127.0.0.1",
            port=self._port,
            region=REGION,
            home_id=HOME,
            programme_id=PROGRAMME_ID,
            aggregator_keys=self._aggregator_keys,
            tick_s=0.25,
        )
        return self._make_link(config, self._ports)

    async def _open_ledger(self) -> None:
        owner = LedgerOwner(region=REGION, home_id=HOME, programme_id=PROGRAMME_ID)
        path = self._directory / "ledger.jsonl"
        ports = LedgerPorts(
            book=LedgerFile(path, owner, HOME_SIGNER, verify_signature),
            store=MemoryStore(),
            run_blocking=run_blocking,
            clock=self.clock,
            spawn=self._spawn,
            tell=self.link.send_report,
            written=lambda *_: None,
            changed_by_hand=lambda *_: None,
        )
        await self.site.use_ledger(PROGRAMME_ID, ports)
