"""The ledger of one programme on disk; every method blocks, so it runs in the executor.

One file of one line per entry, only ever appended to, and beside it a small one that
says which entry is the last. A crash at any moment leaves a ledger that is good, at
worst with a torn last line that is put aside and told of.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
import errno
import json
import os
from pathlib import Path
import threading
from typing import Any, Final, override

from .domain.errors import LedgerNotWritten
from .domain.ledger import (
    FAMILY,
    FORMAT,
    EntryKind,
    LedgerEntry,
    LedgerFormError,
    LedgerOwner,
    Seal,
    canonical,
    read_line,
    read_seal,
    write_checkpoint,
    write_entry,
    write_genesis,
    write_seal,
)
from .domain.ledger_book import LedgerBook, Opened, Verified
from .domain.ledger_check import Break, ChainCheck, Flaw, verify_entries
from .domain.ports import Signer, Verify
from .domain.wall_time import format_moment

FILE_MODE: Final = 0o600
"""Times of absence can be read from it: the owner alone."""

KEY_ID: Final = "home-1"

MOST_BYTES: Final = 128 * 1024 * 1024
"""House rule: three events of four hours a day for 400 days need half of it. An
aggregator that commands without end must not fill the disk: the older half goes."""

WHOLE_FOR: Final = timedelta(days=8)
"""A day longer than a report may still have to be told."""

SAMPLES: Final = "series"
"""Most of a report, and of no use for its figures."""
_CLOSED: Final = "closed"
_NEWER: Final = "written by a newer version"


class LedgerFile(LedgerBook):
    """Append, verify, read; one instance is the only writer of its file."""

    def __init__(
        self, path: Path, owner: LedgerOwner, signer: Signer, verify: Verify
    ) -> None:
        """Name the file; nothing is read before ``open``."""
        self._path = path
        self._seal_path = path.with_name(f"{path.name}.seal")
        self._torn_path = path.with_name(f"{path.name}.torn")
        self._owner, self._signer, self._verify = owner, signer, verify
        self._last: LedgerEntry | None = None
        self._size = 0
        self._has_left_part = False
        """Part of a line may stand at the end of the file."""

        self._follows_hash: str | None = None
        self._is_closed = False
        self._lock = threading.Lock()  # Two workers of the executor must not mix.

    @override
    def open(self, now: str) -> Opened:
        with self._writing():
            if is_of_newer_form(self._path):
                raise LedgerNotWritten(str(self._path), _NEWER)
            torn = self._put_torn_line_aside()
            found = self._check()
            aside = None
            if found.break_ is not None:
                aside = self._put_all_aside()
            if self._last is not None:
                self._write_seal(self._last)
            if torn:
                self._append(EntryKind.DAMAGE, now, {"torn_bytes": torn})
            return Opened(
                entries=tuple(self._read_light(now)), torn_bytes=torn, set_aside=aside
            )

    @override
    def append(
        self, kind: EntryKind, now: str, body: Mapping[str, Any]
    ) -> tuple[LedgerEntry, ...]:
        with self._writing():
            return self._append(kind, now, body)

    @override
    def verify(self) -> Verified:
        with self._guarded():
            last, size = self._last, self._size
            found = self._check()
            self._last, self._size = last, size
            return found

    @override
    def read(self) -> tuple[tuple[LedgerEntry, ...], Seal | None]:
        with self._guarded():
            return tuple(self._read_good()), self._read_seal()

    @override
    def forget_before(self, before: str, now: str) -> int:
        with self._writing():
            return self._forget_before(before, now)

    @override
    def close(self) -> None:
        with self._lock:
            self._is_closed = True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one worker write, and none once it is closed: the file may be gone."""
        with self._guarded():
            if self._is_closed:
                raise LedgerNotWritten(str(self._path), _CLOSED)
            yield

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Let one worker in, and what the disk objects to out as our own error."""
        with self._lock:
            try:
                yield
            except OSError as err:
                raise LedgerNotWritten(
                    str(self._path), err.strerror or type(err).__name__
                ) from err

    # ---- writing

    def _append(
        self, kind: EntryKind, now: str, body: Mapping[str, Any]
    ) -> tuple[LedgerEntry, ...]:
        began = () if self._last is not None else (self._begin(now),)
        entry = write_entry(self._signer, KEY_ID, self._last, kind, now, body)
        self._write_line(entry)
        # An older seal vouches for less, but for nothing wrong: the entry stays.
        with suppress(OSError):
            self._write_seal(entry)
        if self._size > MOST_BYTES:
            with suppress(OSError):
                half = self._size // 2
                self._forget(now, lambda _, offset: offset < half)
        return (*began, entry)

    def _begin(self, now: str) -> LedgerEntry:
        genesis = write_genesis(
            self._signer, KEY_ID, self._owner, now, follows_hash=self._follows_hash
        )
        self._write_line(genesis)
        try:
            self._write_seal(genesis)
        except OSError:
            # More than one entry without any seal would look like a theft.
            self._path.unlink(missing_ok=True)
            self._last, self._size = None, 0
            raise
        _sync_folder(self._path.parent)
        return genesis

    def _write_line(self, entry: LedgerEntry) -> None:
        line = entry.to_line() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        try:
            if self._has_left_part:
                os.ftruncate(handle, self._size)
            # What a full disk takes of the line goes, so that the next one fits on.
            self._has_left_part = True
            try:
                _write(handle, line)
            except OSError:
                os.ftruncate(handle, self._size)
                self._has_left_part = False
                raise
            self._has_left_part = False
        finally:
            os.close(handle)
        self._size += len(line)
        self._last = entry

    def _write_seal(self, last: LedgerEntry) -> None:
        content = canonical(write_seal(self._signer, last).to_json()) + b"\n"
        _replace_file(self._seal_path, content)

    # ---- reading

    def _check(self) -> Verified:
        """Read it all; afterwards the last good entry is where writing goes on."""
        check = ChainCheck(
            self._verify, public_key=self._signer.public_key, owner=self._owner
        )
        seal, is_readable = None, True
        try:
            seal = self._read_seal()
        except LedgerFormError:
            is_readable = False
        found = verify_entries(self._read(), check, seal)
        if found is None and not is_readable:
            found = Break(flaw=Flaw.SEAL, position=check.count, sequence=None)
        self._last = check.last
        self._size = self._path.stat().st_size if self._path.exists() else 0
        return Verified(count=check.count, break_=found)

    def _read(self) -> Iterator[LedgerEntry | None]:
        for entry, _ in self._read_lengths():
            yield entry

    def _read_lengths(self) -> Iterator[tuple[LedgerEntry | None, int]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    yield read_line(line.removesuffix(b"\n")), len(line)
                except LedgerFormError:
                    yield None, len(line)

    def _read_good(self) -> Iterator[LedgerEntry]:
        for entry in self._read():
            if entry is None:
                return
            yield entry

    def _read_light(self, now: str) -> Iterator[LedgerEntry]:
        """Yield the good entries, those that nobody is told any more without samples."""
        since = format_moment(datetime.fromisoformat(now) - WHOLE_FOR)
        for entry in self._read_good():
            if entry.made_at >= since or SAMPLES not in entry.body:
                yield entry
            else:
                body = {k: v for k, v in entry.body.items() if k != SAMPLES}
                yield replace(entry, body=body)

    def _read_seal(self) -> Seal | None:
        try:
            return read_seal(json.loads(self._seal_path.read_bytes()))
        except FileNotFoundError:
            return None
        except ValueError as err:
            raise LedgerFormError("seal") from err

    # ---- damage

    def _put_torn_line_aside(self) -> int:
        """Move what a crash left of a line away; return how long it was, bytes."""
        if not self._path.exists():
            return 0
        content = self._path.read_bytes()
        end = content.rfind(b"\n") + 1
        torn = content[end:]
        if not torn:
            return 0
        with self._path.open("r+b") as file:
            with suppress(LedgerFormError):
                # Only the end of the line is missing: nothing was lost.
                read_line(torn)
                file.seek(0, os.SEEK_END)
                file.write(b"\n")
                file.flush()
                os.fsync(file.fileno())
                return 0
            aside = os.open(
                self._torn_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE
            )
            try:
                _write(aside, torn + b"\n")
            finally:
                os.close(aside)
            file.truncate(end)
            os.fsync(file.fileno())
        return len(torn)

    def _put_all_aside(self) -> str:
        """Move a ledger that cannot be believed away, and begin a new one."""
        number = 1
        while (aside := self._aside(number)).exists():
            number += 1
        if self._path.exists():
            self._path.replace(aside)
        if self._seal_path.exists():
            self._seal_path.replace(aside.with_name(f"{aside.name}.seal"))
        _sync_folder(self._path.parent)
        self._follows_hash = self._last.hash if self._last is not None else None
        self._last, self._size = None, 0
        return aside.name

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.changed-{number}")

    def _forget_before(self, before: str, now: str) -> int:
        return self._forget(now, lambda entry, _: entry.made_at < before)

    def _forget(self, now: str, is_old: Callable[[LedgerEntry, int], bool]) -> int:
        """Put a checkpoint in the place of what is old, by entry and its offset.

        What stays is copied as it is: a year of it would not fit into the memory of a
        small computer as objects, and what somebody changed stays to be found.
        """
        old, cut = 0, 0
        last_removed: LedgerEntry | None = None
        for entry, length in self._read_lengths():
            if entry is None:
                return 0
            if not is_old(entry, cut):
                break
            last_removed, old, cut = entry, old + 1, cut + length
        if last_removed is None or old < 2:
            # One entry alone is the beginning itself.
            return 0
        checkpoint = write_checkpoint(self._signer, self._owner, last_removed, now)
        with self._path.open("rb") as file:
            file.seek(cut)
            kept = file.read(self._size - cut)
        content = checkpoint.to_line() + b"\n" + kept
        _replace_file(self._path, content)
        self._last = self._last if kept else checkpoint
        self._size, self._has_left_part = len(content), False
        return old


def is_of_newer_form(path: Path) -> bool:
    """Return True for a ledger that a newer version of this integration began."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.readline())["body"]["format"]
    except OSError, KeyError, TypeError, ValueError:
        return False
    return isinstance(said, str) and said.startswith(FAMILY) and said != FORMAT


def _replace_file(path: Path, content: bytes) -> None:
    """Write a private file whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        _write(handle, content)
    finally:
        os.close(handle)
    new.replace(path)
    _sync_folder(path.parent)


def _write(handle: int, content: bytes) -> None:
    """Write all of it and return when it is on disk."""
    if os.write(handle, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
