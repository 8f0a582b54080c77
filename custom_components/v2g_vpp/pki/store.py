"""Certificates and keys on disk, where they must be files."""

from contextlib import suppress
import os
from pathlib import Path
import re
import shutil

from ..domain.errors import StoreUnreadable

_FILE_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_PRIVATE_FILE = 0o600
_PRIVATE_DIRECTORY = 0o700


class PemStore:
    """A private directory with one PEM text per name. Every method is blocking."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; it is made with the first write."""
        self._directory = directory

    def save(self, name: str, pem: str) -> None:
        """Write a text that only the owner of the process can read, or nothing.

        A reader sees the old text or the new one, never a part.
        """
        self._directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        self._directory.chmod(_PRIVATE_DIRECTORY)
        target = self._path(name)
        draft = target.with_suffix(".new")
        with suppress(FileNotFoundError):
            draft.unlink()
        # O_EXCL and the mode at creation: at no moment can anyone else open it.
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def load(self, name: str) -> str | None:
        """Return the text, None when there is none.

        Raises:
            StoreUnreadable: when it exists and cannot be read.
        """
        try:
            return self._path(name).read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as err:
            raise StoreUnreadable(name) from err

    def delete(self, name: str) -> None:
        """Remove the text, when there is one."""
        self._path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every text and the directory, when there is one.

        Raises:
            OSError: when something of it cannot be removed.
        """
        with suppress(FileNotFoundError):
            shutil.rmtree(self._directory)

    def _path(self, name: str) -> Path:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(name)
        return self._directory / f"{name}.pem"
