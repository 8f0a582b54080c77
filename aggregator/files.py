"""Files of the data directory: written whole or not at all, private where secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import fcntl
import json
import os
from pathlib import Path
import tempfile
from typing import Any

from .errors import DataDirectoryError

PRIVATE_MODE = 0o600
"""Keys and codes: the owner alone."""

PUBLIC_MODE = 0o644
"""Certificates and lists that the broker reads as another user."""


def write_file(path: Path, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Replace a file by ``content``; a crash leaves the old or the new one.

    Raises:
        DataDirectoryError: when the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise DataDirectoryError(f"cannot write {path}: {err.strerror}") from err


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a private JSON document."""
    write_file(path, (json.dumps(document, indent=1) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON document, None when there is none.

    Raises:
        DataDirectoryError: when it exists and is not a JSON object.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as err:
        raise DataDirectoryError(f"cannot read {path}: {err}") from err
    if not isinstance(document, dict):
        raise DataDirectoryError(f"cannot read {path}: not a JSON object")
    return document


@contextmanager
def exclusive_use(directory: Path) -> Iterator[None]:
    """Keep a second aggregator, or a command beside a running one, out.

    Two writers would lose each other's invitations, and two leaders with one epoch
    would fence each other off at every home.

    Raises:
        DataDirectoryError: when another process holds the directory.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (directory / "lock").open("ab")
    except OSError as err:
        raise DataDirectoryError(f"cannot use {directory}: {err.strerror}") from err
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise DataDirectoryError(
                f"{directory} is in use by a running aggregator: use its HTTP "
                "interface, or stop it first"
            ) from err
        yield
