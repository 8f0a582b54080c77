"""Bring a programme of the home to life: the composition root's part about links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from . import subentry_facts as facts
from .const import CONF_PROGRAMME_ID, CONF_SOURCE, STORE_LEDGER, STORE_PROGRAMME
from .coordinator import Close, V2gConfigEntry
from .domain.errors import StoreUnreadable
from .domain.ids import ProgrammeId
from .domain.ledger import LedgerEntry, LedgerOwner
from .domain.ledger_book import Tell
from .domain.ports import Signer, Spawn
from .ledger_file import LedgerFile
from .ledger_removal import async_part_from_ledger, ledger_path
from .pki import signing, tls
from .programme_keys import async_take_keys
from .programme_renewal import take_over
from .programme_source import EntityProgramme
from .site import Site
from .site.ledger_desk import LedgerDesk, LedgerPorts
from .storage import HaStore
from .system_clock import SystemClock, draw_uniform
from .vpp import link, link_config, rehearsal
from .watches import ProgrammeWatch

LOCAL = "local"
"""Region and home of a ledger that no operator knows."""


def rehearsal_desk(site: Site, clock: SystemClock) -> rehearsal.RehearsalDesk:
    """Return who plays an aggregator in front of the home, with throw-away keys."""
    return rehearsal.RehearsalDesk(
        stage=site,
        clock=clock,
        make_signer=lambda: signing.Ed25519Signer(signing.create_signing_seed()),
        verify=signing.verify_signature,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeOpener:
    """Opens the programmes of one home."""

    hass: HomeAssistant
    entry: V2gConfigEntry
    site: Site
    clock: SystemClock
    spawn: Spawn
    make_store: Callable[[str], HaStore]

    async def open(self, subentry: ConfigSubentry) -> Close:
        """Bring the programme of a subentry to life; returns what ends it."""
        programme_id = ProgrammeId(subentry.data[CONF_PROGRAMME_ID])
        try:
            data = await async_take_keys(self.hass, self.entry, subentry)
        except StoreUnreadable as err:
            # Without its keys there is no link, and the home goes on.
            end = self._kept_away(programme_id, subentry.title, err)
        else:
            end = await self._open(subentry, data)

        async def close(*, is_removed: bool) -> None:
            await end(is_removed=is_removed)
            if is_removed:
                await async_part_from_ledger(
                    self.hass, self.entry.runtime_data, programme_id
                )

        return close

    def _kept_away(
        self, programme_id: ProgrammeId, title: str, err: StoreUnreadable
    ) -> Close:
        watch = ProgrammeWatch(self.hass, programme_id, title)
        watch.failed(err)

        async def close(*, is_removed: bool) -> None:
            watch.ended()
            if is_removed:
                for store in (STORE_PROGRAMME, STORE_LEDGER):
                    await self.make_store(f"{store}.{programme_id}").remove()

        return close

    async def _open(self, subentry: ConfigSubentry, data: Mapping[str, Any]) -> Close:
        hass = self.hass
        if CONF_SOURCE in data:
            return await self._open_entities(subentry, data)
        config = link_config.VppLinkConfig(**facts.programme(subentry))
        watch = ProgrammeWatch(hass, config.programme_id, subentry.title)
        store = self.make_store(f"{STORE_PROGRAMME}.{config.programme_id}")
        ports = link_config.LinkPorts(
            make_context=partial(tls.client_context, *facts.tls_material(data)),
            receiver=self.site,
            store=store,
            clock=self.clock,
            spawn=self.spawn,
            run_blocking=hass.async_add_executor_job,
            signer=signing.Ed25519Signer(facts.signing_seed(data)),
            verify=signing.verify_signature,
            on_problem=watch.failed,
            on_recovered=watch.recovered,
            on_certificate=partial(self._take_certificate, subentry),
            on_clock=watch.clock_told,
            uniform=draw_uniform,
            on_heard=self.site.report_heard,
            on_settlement=self.site.settlement_received,
        )
        connection = link.VppLink(config, ports)
        self.site.add_programme(config.programme_id, connection, facts.grant(data))
        owner = LedgerOwner(
            region=config.region,
            home_id=config.home_id,
            programme_id=config.programme_id,
        )
        desk, kept = await self._open_ledger(
            owner, ports.signer, watch, connection.send_report
        )
        renewers = self.entry.runtime_data.renewers
        renewers[config.programme_id] = connection.renew_certificate
        await watch.started(connection.start)

        async def close(*, is_removed: bool) -> None:
            await (connection.leave() if is_removed else connection.stop())
            renewers.pop(config.programme_id, None)
            self.site.remove_programme(config.programme_id, is_removed=is_removed)
            await desk.close()
            watch.ended()
            if is_removed:
                await store.remove()
                await kept.remove()

        return close

    async def _open_entities(
        self, subentry: ConfigSubentry, data: Mapping[str, Any]
    ) -> Close:
        """Bring a programme to life that entities feed: its ledger is told to nobody."""
        programme_id = ProgrammeId(subentry.data[CONF_PROGRAMME_ID])
        watch = ProgrammeWatch(self.hass, programme_id, subentry.title)
        signer = signing.Ed25519Signer(facts.signing_seed(data))
        owner = LedgerOwner(
            region=LOCAL, home_id=LOCAL, programme_id=subentry.data[CONF_PROGRAMME_ID]
        )

        def tell(entry: LedgerEntry, links: object) -> None:
            self.site.report_heard(programme_id, entry.sequence)

        store = self.make_store(f"{STORE_PROGRAMME}.{programme_id}")
        programme = EntityProgramme(
            self.hass, self.site, self.clock, dict(subentry.data), store
        )
        grant = facts.grant(subentry.data)
        self.site.add_programme(programme_id, programme, grant)
        desk, kept = await self._open_ledger(owner, signer, watch, tell)
        await programme.start()

        async def close(*, is_removed: bool) -> None:
            programme.stop()
            self.site.remove_programme(programme_id, is_removed=is_removed)
            await desk.close()
            watch.ended()
            if is_removed:
                await store.remove()
                await kept.remove()

        return close

    async def _open_ledger(
        self, owner: LedgerOwner, signer: Signer, watch: ProgrammeWatch, tell: Tell
    ) -> tuple[LedgerDesk, HaStore]:
        """Open the ledger of a programme; return it and what keeps its open part."""
        programme_id = ProgrammeId(owner.programme_id)
        store = self.make_store(f"{STORE_LEDGER}.{programme_id}")
        path = ledger_path(self.hass, programme_id)
        desk_ports = LedgerPorts(
            book=LedgerFile(path, owner, signer, signing.verify_signature),
            store=store,
            run_blocking=self.hass.async_add_executor_job,
            clock=self.clock,
            spawn=self.spawn,
            tell=tell,
            written=watch.ledger_written,
            changed_by_hand=watch.ledger_changed,
        )
        return await self.site.use_ledger(programme_id, desk_ports), store

    def _take_certificate(self, subentry: ConfigSubentry, pem: str) -> None:
        coming = take_over(self.hass, self.entry, subentry, pem)
        self.spawn(coming, "v2g_vpp certificate")
