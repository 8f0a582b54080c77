"""A ledger in which anything was changed is found out."""

import copy
from dataclasses import replace
from itertools import pairwise
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ledger import (
    EntryKind,
    LedgerEntry,
    LedgerFormError,
    LedgerOwner,
    Seal,
    canonical,
    hash_of,
    read_entry,
    read_line,
    read_seal,
    write_checkpoint,
    write_entry,
    write_genesis,
    write_seal,
)
from custom_components.v2g_vpp.domain.ledger_check import (
    Break,
    ChainCheck,
    Flaw,
    verify_entries,
)
from custom_components.v2g_vpp.pki.signing import Ed25519Signer, verify_signature

HOME = Ed25519Signer(b"h" * 32)
THIEF = Ed25519Signer(b"t" * 32)
OWNER = LedgerOwner(region="north", home_id="home-1", programme_id="evening-peak")
AT = "2026-11-23T17:00:00.000Z"
KEY_ID = "home-1"


def make_ledger(count: int = 5) -> list[LedgerEntry]:
    entries = [write_genesis(HOME, KEY_ID, OWNER, AT)]
    for number in range(1, count):
        body = {"event_id": f"event-{number}", "delivered_wh": 1000 * number}
        entries.append(
            write_entry(HOME, KEY_ID, entries[-1], EntryKind.EVENT_REPORT, AT, body)
        )
    return entries


LEDGER = make_ledger()
SEAL = write_seal(HOME, LEDGER[-1])


def judge(
    entries: Any,
    seal: Seal | None = SEAL,
    *,
    public_key: bytes | None = HOME.public_key,
    owner: LedgerOwner | None = OWNER,
) -> Break | None:
    check = ChainCheck(verify_signature, public_key=public_key, owner=owner)
    return verify_entries(entries, check, seal)


def test_a_ledger_that_nobody_touched_is_good() -> None:
    assert judge(LEDGER) is None
    assert judge(LEDGER, public_key=None, owner=None) is None
    assert [read_line(entry.to_line()) for entry in LEDGER] == LEDGER
    assert read_seal(SEAL.to_json()) == SEAL


def test_the_chain_can_be_followed_by_headers_alone() -> None:
    for before, after in pairwise(LEDGER):
        header = after.to_header()
        assert header["previous_hash"] == before.hash
        assert header["body_hash"] == hash_of(after.body)
        covered = {k: v for k, v in header.items() if k not in {"hash", "signature"}}
        assert hash_of(covered) == after.hash


LINES = b"\n".join(entry.to_line() for entry in LEDGER)


def read_lines(text: bytes) -> list[LedgerEntry | None]:
    entries: list[LedgerEntry | None] = []
    for line in text.split(b"\n"):
        try:
            entries.append(read_line(line))
        except LedgerFormError:
            entries.append(None)
    return entries


@settings(max_examples=500, deadline=None)
@given(place=st.integers(0, len(LINES) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_another_one(place: int, byte: int) -> None:
    changed = LINES[:place] + bytes([byte]) + LINES[place + 1 :]
    found = judge(read_lines(changed))
    assert (found is None) is (changed == LINES)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(LINES) - 1), length=st.integers(1, 40))
def test_no_bytes_can_go(place: int, length: int) -> None:
    assert judge(read_lines(LINES[:place] + LINES[place + length :])) is not None


@settings(max_examples=200, deadline=None)
@given(order=st.permutations(range(len(LEDGER))))
def test_entries_cannot_change_places(order: list[int]) -> None:
    found = judge([LEDGER[number] for number in order])
    assert (found is None) is (order == sorted(order))


@settings(max_examples=200, deadline=None)
@given(kept=st.sets(st.integers(0, len(LEDGER) - 1)))
def test_no_entry_can_be_taken_out(kept: set[int]) -> None:
    found = judge([LEDGER[number] for number in sorted(kept)])
    assert (found is None) is (len(kept) == len(LEDGER))


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, len(LEDGER)), source=st.integers(0, len(LEDGER) - 1))
def test_no_entry_can_be_put_in(place: int, source: int) -> None:
    changed = [*LEDGER[:place], LEDGER[source], *LEDGER[place:]]
    found = judge(changed)
    assert found is not None
    assert found.position <= place + 1


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.just({})
)


@settings(max_examples=300, deadline=None)
@given(
    number=st.integers(0, len(LEDGER) - 1),
    field=st.sampled_from(sorted(LEDGER[0].to_json())),
    value=JUNK,
)
def test_no_field_can_hold_another_value(number: int, field: str, value: Any) -> None:
    documents = [copy.deepcopy(entry.to_json()) for entry in LEDGER]
    if documents[number][field] == value and value is not True:
        return
    documents[number][field] = value
    entries: list[LedgerEntry | None] = []
    for document in documents:
        try:
            entries.append(read_entry(document))
        except LedgerFormError:
            entries.append(None)
    found = judge(entries)
    assert found is not None
    assert found.position <= number


def test_who_changes_an_entry_and_mends_the_hash_lacks_the_key() -> None:
    forged = write_entry(
        THIEF,
        KEY_ID,
        LEDGER[1],
        EntryKind.EVENT_REPORT,
        AT,
        {"event_id": "event-2", "delivered_wh": 99_000},
    )
    found = judge([*LEDGER[:2], forged, *LEDGER[3:]])
    assert found == Break(flaw=Flaw.SIGNATURE, position=2, sequence=2)


def test_whoever_writes_it_all_anew_is_not_the_home() -> None:
    genesis = write_genesis(THIEF, KEY_ID, OWNER, AT)
    assert judge([genesis], write_seal(THIEF, genesis)) == Break(
        flaw=Flaw.OWNER, position=0, sequence=0
    )


def test_the_ledger_of_another_home_is_not_ours() -> None:
    other = replace(OWNER, home_id="home-2")
    assert judge(LEDGER, owner=other) == Break(flaw=Flaw.OWNER, position=0, sequence=0)


@pytest.mark.parametrize("kept", range(1, len(LEDGER)))
def test_missing_entries_at_the_end_are_found_by_the_seal(kept: int) -> None:
    assert judge(LEDGER[:kept]) == Break(flaw=Flaw.END, position=kept, sequence=None)


def test_an_older_seal_is_enough_for_what_is_signed_after_it() -> None:
    # The seal is written after the entry; between the two the power may fail.
    assert judge(LEDGER, write_seal(HOME, LEDGER[-2])) is None
    assert judge(LEDGER[:1], None) is None
    assert judge(LEDGER, None) == Break(flaw=Flaw.SEAL, position=5, sequence=None)
    assert judge(LEDGER, write_seal(THIEF, LEDGER[-1])) == Break(
        flaw=Flaw.SEAL, position=5, sequence=None
    )


def test_a_checkpoint_stands_for_what_was_kept_long_enough() -> None:
    checkpoint = write_checkpoint(HOME, OWNER, LEDGER[2], AT)
    shortened = [checkpoint, *LEDGER[3:]]
    assert judge(shortened) is None
    again = write_checkpoint(HOME, OWNER, LEDGER[3], AT)
    assert judge([again, *LEDGER[4:]]) is None
    assert judge([checkpoint, *LEDGER[4:]]) == Break(
        flaw=Flaw.SEQUENCE, position=1, sequence=4
    )
    forged = write_checkpoint(THIEF, OWNER, LEDGER[2], AT)
    assert judge([forged, *LEDGER[3:]]) == Break(
        flaw=Flaw.OWNER, position=0, sequence=2
    )
    everything = write_checkpoint(HOME, OWNER, LEDGER[-1], AT)
    assert judge([everything]) is None
    follower = write_entry(
        HOME, KEY_ID, everything, EntryKind.EVENT_REPORT, AT, {"event_id": "event-6"}
    )
    assert judge([everything, follower], write_seal(HOME, follower)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"power_w": 1.0},
        {"power_w": 2**53},
        {"größe": 1},
        {"a": [{"b": float("nan")}]},
        {"a": b"x"},
        {"a": "\ud800"},
    ],
)
def test_what_two_readers_could_write_differently_is_refused(body: Any) -> None:
    with pytest.raises(LedgerFormError):
        write_entry(HOME, KEY_ID, LEDGER[0], EntryKind.EVENT_REPORT, AT, body)


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii"), max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**53) + 1, 2**53 - 1)
            # Surrogates are no text.
            | st.text(st.characters(codec="utf-8"), max_size=5),
            lambda part: st.lists(part, max_size=3),
            max_leaves=5,
        ),
        max_size=5,
    )
)
def test_the_canonical_form_is_read_back_as_it_was(document: Any) -> None:
    assert json.loads(canonical(document)) == document
    assert canonical(json.loads(canonical(document))) == canonical(document)
