"""Reports are checked against the contract, settled by one rule, and kept."""

import base64
from hashlib import sha256
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import pytest

from aggregator.chain import Head, chain_fault, header_of
from aggregator.codec import decode
from aggregator.errors import DataDirectoryError, NotConnectedError
from aggregator.mqtt_session import Outbound
from aggregator.outbox import Outbox
from aggregator.settlement_desk import SettlementDesk
from aggregator.settlement_messages import Report
from aggregator.settling import Tariff, amount_minor, assess
from aggregator.signing import Signer

from .fake import FakeClock
from .test_codec import example

KEY = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
KEYS = {
    "home-1": base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw())
    .rstrip(b"=")
    .decode()
}
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
BODY = json.loads(example("report"))["entry"]["body"]


def digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def make_entry(
    sequence: int,
    previous_hash: str,
    body: Any,
    *,
    kind: str = "event_report",
    key: Ed25519PrivateKey = KEY,
) -> dict[str, Any]:
    covered = {
        "sequence": sequence,
        "previous_hash": previous_hash,
        "kind": kind,
        "made_at": "2026-11-23T17:00:23.000Z",
        "key_id": "home-1",
        "body_hash": digest(body),
    }
    text = digest(covered)
    del covered["body_hash"]
    return {
        **covered,
        "body": body,
        "hash": text,
        "signature": key.sign(f"v2gvpp-ledger-1 entry\0{text}".encode()).hex(),
    }


def make_body(**changes: Any) -> Any:
    return {
        **BODY,
        "registers": [],
        "requested_wh": 1000,
        "delivered_wh": 990,
        "series": {
            "interval_s": 60,
            "power_w": [-990] * 60,
            "raw_power_w": None,
            "requested_w": [-1000] * 60,
            "setpoint_w": [-1000] * 60,
            "quality": [["good", 60]],
        },
        **changes,
    }


def message(entry: Any, links: Any = ()) -> Report:
    document = json.loads(example("report")) | {"links": list(links), "entry": entry}
    return decode(json.dumps(document).encode(), Report)


GENESIS = make_entry(0, "0" * 64, {"programme_id": "evening-peak"}, kind="genesis")


class Bench:
    """A desk whose wire is a list."""

    def __init__(self, folder: Path) -> None:
        self.sent: list[Outbound] = []
        self.is_connected = True
        self.clock = FakeClock()
        signer = Signer.load_or_create(folder / "signing.json")
        self.outbox = Outbox(3, signer, self.clock, self._publish)
        self.folder = folder / "settlements"
        self.desk = self.start()

    def start(self) -> SettlementDesk:
        self.desk = SettlementDesk("north", self.outbox, self.folder)
        self.desk.load()
        return self.desk

    def take(self, entry: Any, links: Any = ()) -> str | None:
        return self.desk.take("home-1", message(entry, links), KEYS)

    @property
    def told(self) -> list[Any]:
        return [json.loads(one.payload) for one in self.sent]

    def _publish(self, outbound: Outbound) -> None:
        if not self.is_connected:
            raise NotConnectedError("away")
        self.sent.append(outbound)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_examples_of_the_contract_are_a_chain_of_the_home() -> None:
    report = decode(example("report"), Report)
    assert chain_fault(None, report.links, report.entry, KEYS) is None
    link, entry = report.links[0], report.entry
    assert chain_fault(None, (), entry, {}) == "signature"
    assert chain_fault(None, (), {**entry, "sequence": 9}, KEYS) == "hash"
    body = {**entry["body"], "delivered_wh": 99}
    assert chain_fault(None, (), {**entry, "body": body}, KEYS) == "hash"
    assert chain_fault(Head(sequence=1, hash="a" * 64), (link,), entry, KEYS) == "link"


def test_a_chain_goes_on_and_nothing_comes_instead() -> None:
    first = make_entry(1, GENESIS["hash"], make_body())
    paid = make_entry(2, first["hash"], {"amount": 1}, kind="settlement")
    second = make_entry(3, paid["hash"], make_body())
    head = Head(sequence=1, hash=first["hash"])
    assert chain_fault(head, (header_of(paid),), second, KEYS) is None
    assert chain_fault(head, (), second, KEYS) is None, "reports may be lost"
    fork = make_entry(2, first["hash"], make_body())
    assert chain_fault(Head(sequence=3, hash=second["hash"]), (), fork, KEYS) == "link"
    other = make_entry(2, "b" * 64, make_body())
    assert chain_fault(head, (), other, KEYS) == "link"
    theft = make_entry(2, first["hash"], make_body(), key=STRANGER)
    assert chain_fault(head, (), theft, KEYS) == "signature"
    bad_key = {"home-1": "!"}
    assert chain_fault(head, (), fork, bad_key) == "signature"


@pytest.mark.parametrize(
    ("changes", "accepted_wh"),
    [
        ({}, 990),
        ({"delivered_wh": 1010, "requested_wh": 1000}, 1000),
        ({"delivered_wh": 0}, 0),
        ({"test": True}, 0),
        ({"series": {**make_body()["series"], "power_w": [-500] * 60}}, 520),
        ({"series": {**make_body()["series"], "power_w": [None] * 60}}, 20),
        ({"series": {**make_body()["series"], "power_w": [990] * 60}}, 20),
        (
            {
                "registers": [
                    {
                        "resource": "CS1/1",
                        "charged_wh_start": 10,
                        "charged_wh_end": 10,
                        "discharged_wh_start": 100,
                        "discharged_wh_end": 600,
                    }
                ]
            },
            520,
        ),
        (
            {
                "registers": [
                    {
                        "resource": "CS1/1",
                        "charged_wh_start": None,
                        "charged_wh_end": None,
                        "discharged_wh_start": None,
                        "discharged_wh_end": 600,
                    }
                ]
            },
            990,
        ),
    ],
)
def test_accepted_is_what_samples_and_registers_bear_out(
    changes: Any, accepted_wh: int
) -> None:
    assert assess(make_body(**changes)).accepted_wh == accepted_wh


def test_the_amount_is_rounded_to_the_smallest_unit() -> None:
    tariff = Tariff(amount_minor_per_kwh=25, currency="EUR")
    assert amount_minor(990, tariff) == 25
    assert amount_minor(0, tariff) == 0


async def test_a_report_is_settled_once_and_told_as_often_as_it_comes(
    bench: Bench,
) -> None:
    first = make_entry(1, GENESIS["hash"], make_body(delivered_wh=995))
    assert bench.take(first, [header_of(GENESIS)]) is None
    assert bench.take(first, [header_of(GENESIS)]) is None
    one, again = bench.told
    assert one["accepted_wh"] == 995
    assert one["settlement_id"] == again["settlement_id"]
    assert one["seq"] < again["seq"]
    assert bench.desk.counters["reports_again"] == 1
    second = make_entry(2, first["hash"], make_body())
    assert bench.take(second) is None
    assert bench.told[-1]["accepted_wh"] == 995 + 990
    assert bench.told[-1]["settlement_id"] != one["settlement_id"]
    await bench.desk.close()


async def test_what_was_settled_outlives_a_restart(bench: Bench) -> None:
    first = make_entry(1, GENESIS["hash"], make_body(delivered_wh=1020))
    bench.is_connected = False
    assert bench.take(first, [header_of(GENESIS)]) is None
    await bench.desk.close()
    bench.is_connected = True
    bench.start()
    bench.desk.tell_again("home-1")
    (told,) = bench.told
    assert told["deductions"] == [{"code": "out_of_tolerance", "energy_wh": 20}]
    fork = make_entry(1, GENESIS["hash"], make_body(event_id="another"))
    assert bench.take(fork) == "link"
    assert bench.desk.account("home-1").faults == 1
    await bench.desk.close()


async def test_a_test_is_never_settled(bench: Bench) -> None:
    assert bench.take(make_entry(1, GENESIS["hash"], make_body(test=True))) is None
    assert bench.sent == []
    await bench.desk.close()


async def test_another_ledger_of_a_home_is_counted(bench: Bench) -> None:
    first = make_entry(1, GENESIS["hash"], make_body())
    bench.take(first, [header_of(GENESIS)])
    genesis = make_entry(0, "0" * 64, {"follows_hash": "x"}, kind="genesis")
    anew = make_entry(1, genesis["hash"], make_body(event_id="later"))
    assert bench.take(anew, [header_of(genesis)]) is None
    assert bench.desk.account("home-1").restarts == 1
    bench.desk.forget("home-1")
    await bench.desk.close()
    assert not list(bench.folder.glob("*.json"))


def test_a_damaged_file_is_no_file_of_a_home_without_reports(bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / "home-1.json").write_text('{"head": 1}')
    with pytest.raises(DataDirectoryError):
        bench.start()
