"""An exported ledger can be verified, and no cell of it can be changed."""

import json

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ledger import LedgerFormError
from custom_components.v2g_vpp.domain.ledger_check import (
    Break,
    ChainCheck,
    verify_entries,
)
from custom_components.v2g_vpp.domain.ledger_export import (
    read_export,
    read_lines,
    to_csv,
    to_json,
)
from custom_components.v2g_vpp.pki.signing import verify_signature

from .test_ledger import AT, HOME, LEDGER, OWNER, SEAL

JSON = json.dumps(to_json(LEDGER, SEAL, AT), indent=1).encode()
CSV = to_csv(LEDGER, SEAL).encode()


def judge(content: bytes) -> Break | None:
    read = read_export(content)
    check = ChainCheck(verify_signature, public_key=HOME.public_key, owner=OWNER)
    return verify_entries(read.entries, check, read.seal)


@pytest.mark.parametrize("content", [JSON, CSV], ids=["JSON", "CSV"])
def test_an_export_is_good(content: bytes) -> None:
    assert judge(content) is None
    assert list(read_export(content).entries) == LEDGER
    assert read_export(content).seal == SEAL


def test_the_lines_of_the_disk_are_read() -> None:
    text = b"".join(entry.to_line() + b"\n" for entry in LEDGER)
    assert list(read_lines(text)) == LEDGER
    assert read_lines(b"") == ()
    assert read_lines(text[:-5])[-1] is None


@settings(max_examples=400, deadline=None)
@given(place=st.integers(0, len(CSV) - 1), byte=st.integers(33, 126))
def test_no_byte_of_a_table_can_be_another_one(place: int, byte: int) -> None:
    changed = CSV[:place] + bytes([byte]) + CSV[place + 1 :]
    try:
        found = judge(changed)
    except LedgerFormError:
        return
    same = list(read_export(changed).entries) == LEDGER if changed != CSV else True
    # Only what no reader of the table sees may differ, like how a line ends.
    assert found is not None or same


def test_a_cell_must_say_what_the_entry_says() -> None:
    text = CSV.decode()
    assert ",1000," in text
    found = judge(text.replace(",1000,", ",9000,").encode())
    assert found is not None
    assert found.position == 1


@pytest.mark.parametrize("kept", range(1, len(LEDGER)))
def test_a_shortened_export_is_missed(kept: int) -> None:
    assert judge(json.dumps(to_json(LEDGER[:kept], SEAL, AT)).encode()) is not None
    assert judge(to_csv(LEDGER[:kept], SEAL).encode()) is not None
    lines = CSV.splitlines(keepends=True)
    assert judge(b"".join([*lines[: kept + 1], lines[-1]])) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format":"v2gvpp-ledger-1","entries":1}',
        b'{"format":"v2gvpp-ledger-1","entries":[],"seal":{}}',
        b'{"format":1,"format":2}',
        b"[" * 50_000,
    ],
)
def test_what_is_no_export_is_refused(content: bytes) -> None:
    with pytest.raises(LedgerFormError):
        read_export(content)
