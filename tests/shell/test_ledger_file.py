"""The ledger on disk survives crashes, a full disk and 400 days, and tells of thieves."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import errno
import os
from pathlib import Path
import stat
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp import ledger_file
from custom_components.v2g_vpp.domain.errors import LedgerNotWritten
from custom_components.v2g_vpp.domain.ledger import EntryKind, LedgerOwner
from custom_components.v2g_vpp.domain.ledger_check import Flaw
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import Ed25519Signer, verify_signature

HOME = Ed25519Signer(b"h" * 32)
OWNER = LedgerOwner(region="north", home_id="home-1", programme_id="evening-peak")
AT = "2026-11-23T17:00:00.000Z"
LATER = "2026-11-24T17:00:00.000Z"


class Crash(BaseException):
    """The process ends here: no code of ours sees it."""


def open_ledger(path: Path) -> tuple[LedgerFile, Any]:
    ledger = LedgerFile(path, OWNER, HOME, verify_signature)
    return ledger, ledger.open(AT)


def write_report(ledger: LedgerFile, number: int, now: str = AT) -> None:
    ledger.append(EntryKind.EVENT_REPORT, now, {"event_id": f"event-{number}"})


def events(path: Path) -> list[str]:
    _, opened = open_ledger(path)
    return [
        entry.body["event_id"]
        for entry in opened.entries
        if entry.kind is EntryKind.EVENT_REPORT
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_what_was_written_is_there_and_private(path: Path) -> None:
    ledger, opened = open_ledger(path)
    assert opened.entries == ()
    write_report(ledger, 1)
    write_report(ledger, 2)
    assert events(path) == ["event-1", "event-2"]
    assert ledger.verify().count == 3
    assert ledger.verify().break_ is None
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


class Disk:
    """Calls of the operating system, of which one is the last."""

    NAMES = ("write", "fsync", "ftruncate", "close", "replace", "rename", "open")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
        self.left = step
        self.real_write = os.write
        for name in self.NAMES:
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if self.left == 0:
                self.left = -1
                if name == "write":
                    self.real_write(arguments[0], arguments[1][:7])
                raise Crash
            self.left -= self.left > 0
            return real(*arguments, **options)

        return call


@pytest.mark.parametrize("step", range(24))
def test_a_crash_at_any_step_of_writing_loses_nothing_that_was_told(
    path: Path, step: int
) -> None:
    ledger, _ = open_ledger(path)
    with pytest.MonkeyPatch.context() as patch:
        told = []
        Disk(patch, step)
        with suppress(Crash):
            for number in (1, 2):
                write_report(ledger, number)
                told.append(f"event-{number}")
    again, opened = open_ledger(path)
    assert opened.set_aside is None
    found = events(path)
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1
    write_report(again, 3)
    assert again.verify().break_ is None
    assert events(path)[-1] == "event-3"


@settings(max_examples=60, deadline=None)
@given(kept=st.integers(1, 400))
def test_a_torn_last_line_is_put_aside_and_told(
    tmp_path_factory: pytest.TempPathFactory, kept: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "ledger.jsonl"
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    size = path.stat().st_size
    write_report(ledger, 2)
    seal = path.with_name(f"{path.name}.seal")
    line = path.read_bytes()[size:]
    kept = min(kept, len(line) - 2)
    # The power failed inside of the second write: its seal was never written.
    other = LedgerFile(path.with_name("other"), OWNER, HOME, verify_signature)
    other.open(AT)
    write_report(other, 1)
    seal.write_bytes(path.with_name("other.seal").read_bytes())
    os.truncate(path, size + kept)
    again, opened = open_ledger(path)
    assert opened.torn_bytes == kept
    assert [entry.kind for entry in opened.entries] == [
        EntryKind.GENESIS,
        EntryKind.EVENT_REPORT,
        EntryKind.DAMAGE,
    ]
    assert path.with_name(f"{path.name}.torn").read_bytes() == line[:kept] + b"\n"
    write_report(again, 3)
    assert again.verify().break_ is None
    assert events(path) == ["event-1", "event-3"]


def test_a_line_that_only_lacks_its_end_is_kept(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    os.truncate(path, path.stat().st_size - 1)
    _, opened = open_ledger(path)
    assert opened.torn_bytes == 0
    assert len(opened.entries) == 2
    assert events(path) == ["event-1"]


@contextmanager
def full_disk() -> Iterator[None]:
    real = os.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda handle, content: real(handle, content[:10]))
        yield


@pytest.mark.parametrize("is_first", [True, False])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    path: Path, is_first: bool
) -> None:
    ledger, _ = open_ledger(path)
    if not is_first:
        write_report(ledger, 1)
    with full_disk(), pytest.raises(LedgerNotWritten, match="No space left"):
        write_report(ledger, 2)
    assert ledger.verify().break_ is None
    write_report(ledger, 2)
    assert events(path) == (["event-2"] if is_first else ["event-1", "event-2"])


def test_a_disk_that_cannot_be_read_is_our_own_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LedgerNotWritten):
        open_ledger(path)


@pytest.mark.parametrize(
    ("old", "new"), [(b"event-1", b"event-9"), (b'"sequence":2', b'"sequence":7')]
)
def test_a_changed_ledger_is_put_aside_and_a_new_one_begins(
    path: Path, old: bytes, new: bytes
) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    write_report(ledger, 2)
    path.write_bytes(path.read_bytes().replace(old, new))
    assert ledger.verify().break_ is not None
    changed = path.read_bytes()
    again, opened = open_ledger(path)
    assert opened.set_aside == "ledger.jsonl.changed-1"
    assert path.with_name(opened.set_aside).read_bytes() == changed
    write_report(again, 3)
    assert events(path) == ["event-3"]
    entries, _ = again.read()
    assert entries[0].body["follows_hash"] is not None


def test_a_ledger_of_a_newer_form_is_left_as_it_is(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    older = path.read_bytes()
    newer = older.replace(b"v2gvpp-ledger-1", b"v2gvpp-ledger-2")
    path.write_bytes(newer)
    assert ledger_file.is_of_newer_form(path)
    before = sorted(path.parent.iterdir())
    with pytest.raises(LedgerNotWritten, match="newer"):
        open_ledger(path)
    assert path.read_bytes() == newer
    assert sorted(path.parent.iterdir()) == before
    path.write_bytes(older)
    assert events(path) == ["event-1"]


@pytest.mark.parametrize("content", ["", "{}", "[]\n", '{"body": 1}\n', "\0\n"])
def test_what_is_no_ledger_is_of_no_newer_form(path: Path, content: str) -> None:
    path.write_text(content)
    assert not ledger_file.is_of_newer_form(path)


def test_entries_that_were_cut_off_are_missed(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    size = path.stat().st_size
    write_report(ledger, 2)
    os.truncate(path, size)
    found = ledger.verify().break_
    assert found is not None
    assert found.flaw is Flaw.END


def test_a_seal_that_was_changed_or_taken_is_missed(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    seal = path.with_name(f"{path.name}.seal")
    seal.write_text("{}")
    assert getattr(ledger.verify().break_, "flaw", None) is Flaw.SEAL
    seal.unlink()
    assert getattr(ledger.verify().break_, "flaw", None) is Flaw.SEAL


def test_after_400_days_a_checkpoint_keeps_the_chain(path: Path) -> None:
    ledger, _ = open_ledger(path)
    for number in range(1, 5):
        write_report(ledger, number, AT if number < 3 else LATER)
    assert ledger.forget_before(AT, LATER) == 0
    assert ledger.forget_before(LATER, LATER) == 3
    assert ledger.verify().break_ is None
    write_report(ledger, 5, LATER)
    assert events(path) == ["event-3", "event-4", "event-5"]
    assert ledger.forget_before("2028", LATER) == 4
    assert ledger.verify().break_ is None
    assert ledger.forget_before("2028", LATER) == 0
    write_report(ledger, 6, LATER)
    assert events(path) == ["event-6"]
    assert ledger.verify().break_ is None


def test_a_disk_error_while_forgetting_leaves_it_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = open_ledger(path)
    for number in range(1, 4):
        write_report(ledger, number)
    before = path.read_bytes()

    def refuse(handle: int, content: bytes) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(LedgerNotWritten, match="Read-only"):
            ledger.forget_before(LATER, LATER)
    assert path.read_bytes() == before
    write_report(ledger, 4)
    assert ledger.verify().break_ is None


def test_a_beginning_that_cannot_be_sealed_is_none(path: Path) -> None:
    ledger, _ = open_ledger(path)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(LedgerNotWritten):
            write_report(ledger, 1)
    assert not path.exists()
    write_report(ledger, 1)
    assert events(path) == ["event-1"]


def test_a_later_seal_that_cannot_be_written_takes_nothing_back(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        write_report(ledger, 2)
    assert ledger.verify().break_ is None
    assert events(path) == ["event-1", "event-2"]


def test_an_entry_is_on_the_disk_before_it_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_report(ledger, 2)
    assert path.stat().st_ino in synced


def test_a_closed_ledger_is_read_but_never_written(path: Path) -> None:
    ledger, _ = open_ledger(path)
    write_report(ledger, 1)
    ledger.close()
    assert ledger.verify().count == 2
    assert len(ledger.read()[0]) == 2
    path.unlink()
    for write in (
        lambda: ledger.open(AT),
        lambda: write_report(ledger, 2),
        lambda: ledger.forget_before(LATER, LATER),
    ):
        with pytest.raises(LedgerNotWritten):
            write()
    assert not path.exists()


def test_an_aggregator_without_end_does_not_fill_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_file, "MOST_BYTES", 20_000)
    ledger, _ = open_ledger(path)
    for number in range(200):
        write_report(ledger, number)
        assert path.stat().st_size < 21_000
    assert ledger.verify().break_ is None
    kept = events(path)
    assert kept == [f"event-{number}" for number in range(200 - len(kept), 200)]
    assert len(kept) >= 15


def test_old_reports_are_read_without_their_samples_and_stay_whole_on_disk(
    path: Path,
) -> None:
    ledger, _ = open_ledger(path)
    body = {"event_id": "event", "series": {"power_w": [1] * 100}}
    months_later = "2027-03-01T00:00:00.000Z"
    ledger.append(EntryKind.EVENT_REPORT, AT, body)
    ledger.append(EntryKind.EVENT_REPORT, months_later, body)
    again = LedgerFile(path, OWNER, HOME, verify_signature)
    opened = again.open(months_later)
    assert [dict(one.body) for one in opened.entries[1:]] == [
        {"event_id": "event"},
        body,
    ]
    entries, _ = again.read()
    assert [dict(one.body) for one in entries[1:]] == [body, body]
    assert again.verify().break_ is None
