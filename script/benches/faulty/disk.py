"""The disk of a home, which the bench fills: a small one where it may mount that.

Mounts are the bench's own: nobody outside its process and its children sees them, and they
go with it.
"""

import asyncio
import contextlib
import errno
import os
from pathlib import Path
import resource
import shutil
import subprocess
from typing import Final

SIZE_MIB: Final = 96
"""A configuration folder of this bench takes some 10 MiB, its recorder included."""

FILLER: Final = "filler"
PIECE: Final = bytes(1 << 16)
MOUNT_TIMEOUT_S: Final = 10.0


def take_own_mounts() -> bool:
    """Keep what is mounted from now on from everybody else; True where that may be.

    Call it before there is any thread: those of before would not follow.
    """
    try:
        os.unshare(os.CLONE_NEWNS)
    except OSError:
        return False
    return _mount("--make-rprivate", "/")


class HomeDisk:
    """What holds the configuration folder of one home."""

    def __init__(self, *, may_mount: bool) -> None:
        """Mount nothing yet."""
        self._may_mount = may_mount
        self._own: Path | None = None

    @property
    def is_own(self) -> bool:
        """True: it can really be full. Else no file of the process may grow."""
        return self._own is not None

    def prepare(self, directory: Path) -> None:
        """Mount it before anything is in the folder; blocks."""
        directory.mkdir(parents=True)
        options = f"size={SIZE_MIB}m,mode=0700"
        if self._may_mount and _mount(
            *("-t", "tmpfs", "-o", options), "tmpfs", str(directory)
        ):
            self._own = directory

    def close(self) -> None:
        """Give the folder back after all programs have ended; blocks."""
        own, self._own = self._own, None
        if own is not None:
            # What somebody still reads is theirs to the end.
            _run("umount", "--lazy", str(own))

    async def fill(self, pid: int) -> None:
        """Leave no room for the process."""
        if self._own is not None:
            await asyncio.to_thread(_fill, self._own / FILLER)
        else:
            _limit(pid, 0)

    async def empty(self, pid: int | None) -> None:
        """Make room again; the process may be gone."""
        if self._own is not None:
            await asyncio.to_thread((self._own / FILLER).unlink, missing_ok=True)
        elif pid is not None:
            _limit(pid, None)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        size = len(PIECE)
        while size:
            # What is left gets smaller pieces, down to the last byte.
            try:
                file.write(PIECE[:size])
            except OSError as err:
                if err.errno != errno.ENOSPC:
                    raise
                size //= 2


def _limit(pid: int, size: int | None) -> None:
    """Let no file of a process grow, or be written anew; None: as far as it may."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    soft = hard if size is None else size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def _mount(*arguments: str) -> bool:
    return _run("mount", *arguments)


def _run(program: str, *arguments: str) -> bool:
    path = shutil.which(program)
    if path is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [path, *arguments],
            capture_output=True,
            timeout=MOUNT_TIMEOUT_S,
            check=False,
        )
        return done.returncode == 0
    return False
