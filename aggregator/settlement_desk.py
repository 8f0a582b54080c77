"""Takes reports, checks their chain, settles events, and keeps both over a restart."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from pathlib import Path
from typing import Any
import uuid

from .chain import Head, begins_anew, chain_fault
from .enrolment import Enrolment
from .errors import DataDirectoryError, NotConnectedError
from .files import read_json, write_json
from .homes import Home
from .outbox import Outbox, Sending
from .settlement_messages import Deduction, Report, Settlement
from .settling import Tariff, amount_minor, assess
from .topics import down_topic

_LOGGER = logging.getLogger(__name__)

SETTLEMENT = Sending(qos=1, expiry_s=7 * 86_400)

KEPT_EVENTS = 1000
"""Per home; older ones were settled long ago."""

SENT_AGAIN = 20
"""Newest settlements that a home hears again after each hello: a session that begins
clean has lost what was sent meanwhile."""


@dataclass(slots=True)
class HomeAccount:
    """What is kept of one home's reports."""

    head: Head | None = None
    parts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Event id -> hash of the report's entry -> delivered, accepted, test."""

    settlements: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Event id -> what was told."""

    faults: int = 0
    restarts: int = 0
    """How often the home began another ledger."""


class SettlementDesk:
    """The aggregator's memory of reports and settlements, one file per home."""

    def __init__(
        self, region: str, outbox: Outbox, folder: Path, tariff: Tariff | None = None
    ) -> None:
        """Keep everything under ``folder``; ``load`` comes first."""
        self._region, self._outbox, self._folder = region, outbox, folder
        self._tariff = tariff or Tariff()
        self._accounts: dict[str, HomeAccount] = {}
        self._dirty: set[str] = set()
        self._writing: asyncio.Task[None] | None = None
        self.counters: Counter[str] = Counter()

    def load(self) -> None:
        """Read what was kept.

        Raises:
            DataDirectoryError: when a file is damaged: a lost head would hide a
                ledger that was changed.
        """
        for path in sorted(self._folder.glob("*.json")):
            document = read_json(path)
            try:
                self._accounts[path.stem] = _account(document or {})
            except (KeyError, TypeError, ValueError) as err:
                raise DataDirectoryError(f"cannot read {path}") from err

    def account(self, home_id: str) -> HomeAccount:
        """Return what is kept of a home."""
        return self._accounts.setdefault(home_id, HomeAccount())

    def take_from(self, home: Home, enrolment: Enrolment, report: Report) -> None:
        """Settle the event of a report; a ledger that was changed is only told of."""
        fault = self.take(home.home_id, report, enrolment.signing_keys or {})
        if fault is not None:
            home.counters["broken_ledger"] += 1
            _LOGGER.warning("%s: its ledger is broken: %s", home.home_id, fault)

    def take(self, home_id: str, report: Report, keys: Mapping[str, str]) -> str | None:
        """Settle the event of a report whose message was signed.

        Returns:
            What is wrong with its place in the ledger, None: nothing.
        """
        account, entry = self.account(home_id), report.entry
        body: Mapping[str, Any] = entry["body"]
        event_id = str(body["event_id"])
        if entry["hash"] in account.parts.get(event_id, {}):
            self.counters["reports_again"] += 1
            self._tell(home_id, event_id)
            return None
        fault = self._fault(home_id, account, report, keys)
        if fault is not None:
            account.faults += 1
            self.counters["reports_broken"] += 1
            self._save(home_id)
            return fault
        self.counters["reports"] += 1
        account.head = Head(sequence=entry["sequence"], hash=entry["hash"])
        self._book(account, event_id, entry["hash"], body)
        self._save(home_id)
        self._tell(home_id, event_id)
        return None

    def tell_again(self, home_id: str) -> None:
        """Send the newest settlements of a home again; it knows them by their id."""
        for event_id in list(self.account(home_id).settlements)[-SENT_AGAIN:]:
            self._tell(home_id, event_id)

    def forget(self, home_id: str) -> None:
        """Expect another ledger under this name: another installation follows."""
        self._accounts.pop(home_id, None)
        self._save(home_id)

    async def close(self) -> None:
        """Wait for what is being written."""
        while self._writing is not None:
            await self._writing

    # ---- inside

    def _fault(
        self,
        home_id: str,
        account: HomeAccount,
        report: Report,
        keys: Mapping[str, str],
    ) -> str | None:
        head = account.head
        if head is not None and begins_anew(report.links):
            # The home told its owner why; what it says from now on is a chain again.
            account.restarts += 1
            _LOGGER.warning("%s: began another ledger", home_id)
            head = None
        return chain_fault(head, report.links, report.entry, keys)

    def _book(
        self,
        account: HomeAccount,
        event_id: str,
        entry_hash: str,
        body: Mapping[str, Any],
    ) -> None:
        found = assess(body)
        parts = account.parts.setdefault(event_id, {})
        parts[entry_hash] = {
            "delivered_wh": found.delivered_wh,
            "accepted_wh": found.accepted_wh,
            "test": found.is_test,
        }
        while len(account.parts) > KEPT_EVENTS:
            oldest = next(iter(account.parts))
            del account.parts[oldest]
            account.settlements.pop(oldest, None)
        if any(part["test"] for part in parts.values()):
            return
        accepted_wh = sum(part["accepted_wh"] for part in parts.values())
        delivered_wh = sum(part["delivered_wh"] for part in parts.values())
        account.settlements.pop(event_id, None)
        account.settlements[event_id] = {
            "settlement_id": str(uuid.uuid7()),
            "accepted_wh": accepted_wh,
            "amount_minor": amount_minor(accepted_wh, self._tariff),
            "currency": self._tariff.currency,
            "deducted_wh": delivered_wh - accepted_wh,
        }

    def _tell(self, home_id: str, event_id: str) -> None:
        kept = self.account(home_id).settlements.get(event_id)
        if kept is None:
            return
        topic = down_topic(self._region, home_id, "settlement")
        deducted_wh = kept["deducted_wh"]
        settlement = Settlement(
            **self._outbox.envelope(topic),
            settlement_id=kept["settlement_id"],
            event_id=event_id,
            accepted_wh=kept["accepted_wh"],
            amount_minor=kept["amount_minor"],
            currency=kept["currency"],
            deductions=(
                (Deduction(code="out_of_tolerance", energy_wh=deducted_wh),)
                if deducted_wh > 0
                else ()
            ),
        )
        try:
            self._outbox.send(self._outbox.prepare(topic, settlement, SETTLEMENT))
        except NotConnectedError:
            # Told again after the next hello.
            self.counters["settlements_unsent"] += 1
            return
        self.counters["settlements"] += 1

    def _save(self, home_id: str) -> None:
        self._dirty.add(home_id)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(
                self._write(), name="settlements"
            )

    async def _write(self) -> None:
        try:
            while self._dirty:
                home_id = self._dirty.pop()
                account = self._accounts.get(home_id)
                path = self._folder / f"{home_id}.json"
                if account is None:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                    continue
                try:
                    await asyncio.to_thread(write_json, path, _document(account))
                except DataDirectoryError:
                    _LOGGER.exception("%s: settlements are not kept", home_id)
        finally:
            self._writing = None


def _document(account: HomeAccount) -> dict[str, Any]:
    head = account.head
    return {
        "head": None
        if head is None
        else {"sequence": head.sequence, "hash": head.hash},
        "parts": {event: dict(parts) for event, parts in account.parts.items()},
        "settlements": dict(account.settlements),
        "faults": account.faults,
        "restarts": account.restarts,
    }


def _account(document: Mapping[str, Any]) -> HomeAccount:
    head = document["head"]
    return HomeAccount(
        head=None
        if head is None
        else Head(sequence=int(head["sequence"]), hash=str(head["hash"])),
        parts={event: dict(parts) for event, parts in document["parts"].items()},
        settlements={
            event: dict(kept) for event, kept in document["settlements"].items()
        },
        faults=int(document["faults"]),
        restarts=int(document["restarts"]),
    )
