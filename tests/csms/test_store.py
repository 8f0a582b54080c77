"""What is kept of stations survives, and what cannot be read is said."""

import asyncio
from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.device_model import ModelSummary
from custom_components.v2g_vpp.csms.store import BootData, StationRecord, StationStore
from custom_components.v2g_vpp.csms.transactions import TransactionRecord
from custom_components.v2g_vpp.domain.errors import StoreNewer, StoreUnreadable
from custom_components.v2g_vpp.domain.ids import StationId, TransactionId
from custom_components.v2g_vpp.domain.ports import StoredData
from tests.csms.peer import MemoryStore

CS1, CS2 = StationId("CS1"), StationId("CS2")
RECORD = StationRecord(
    boot=BootData(vendor="Acme", model="V2X1", serial_number=None, firmware="1.0"),
    summary=ModelSummary(firmware="1.0", evse_ids=(1, 2)),
    transactions=(
        TransactionRecord(
            transaction_id=TransactionId("t1"), evse_id=1, seen=((0, 3),)
        ),
    ),
    has_updates=False,
)


async def reopened(store: MemoryStore) -> StationStore:
    stations = StationStore(store, lambda coro, _: coro.close())
    await stations.load()
    return stations


async def test_a_record_survives_a_restart() -> None:
    store = MemoryStore()
    stations = await reopened(store)
    assert stations.find(CS1) == StationRecord()
    stations.keep(CS1, RECORD)
    stations.keep(CS2, StationRecord())
    stations = await reopened(store)
    assert stations.find(CS1) == RECORD
    stations.retain({CS2})
    assert stations.find(CS1) == StationRecord()
    await stations.flush()
    assert (await reopened(store)).find(CS1) == StationRecord()


async def test_a_registration_is_written_at_once() -> None:
    store = MemoryStore()
    writes: list[Any] = []
    stations = StationStore(store, lambda coro, _: writes.append(coro))
    stations.keep_now(CS1, replace(RECORD, summary=None))
    (write,) = writes
    await write
    assert (await reopened(store)).find(CS1).boot == RECORD.boot


async def test_what_waits_for_a_write_is_served_by_one() -> None:
    store = SlowStore()
    writes: list[Any] = []
    stations = StationStore(store, lambda coro, _: writes.append(coro))
    for number in range(50):
        stations.keep_now(StationId(f"CS{number}"), RECORD)
    await asyncio.gather(*writes)
    assert store.saves == 2, "the first, and one for all that came meanwhile"
    first = asyncio.ensure_future(stations.kept(CS1, StationRecord()))
    await asyncio.sleep(0)
    writing = asyncio.ensure_future(writes[50])
    await asyncio.sleep(0)
    stations.keep_now(CS1, RECORD)
    await asyncio.gather(first, writing, writes[51])
    assert store.saves == 4, "what came after a write began is not in it"
    assert (await reopened(store)).find(CS1) == RECORD


class SlowStore(MemoryStore):
    async def save(self, data: StoredData) -> None:
        document = json.loads(json.dumps(data))
        await asyncio.sleep(0.01)
        await super().save(document)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"stations": []},
        {"stations": {"CS1": None}},
        {"stations": {"CS1": {"boot": {"vendor": "only"}}}},
        {"stations": {"CS1": {"transactions": [{}]}}},
    ],
)
async def test_a_document_of_another_shape_is_unreadable(data: Any) -> None:
    store = MemoryStore()
    store.data = data
    with pytest.raises(StoreUnreadable):
        await reopened(store)


async def test_a_document_of_a_newer_version_is_refused_as_such() -> None:
    store = MemoryStore()
    store.data = {"version": 2, "stations": {"CS1": {"of": "another shape"}}}
    with pytest.raises(StoreNewer):
        await reopened(store)
