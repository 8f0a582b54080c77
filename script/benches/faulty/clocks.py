"""The wall clock of a process, which the bench steps and slews.

A library of forty lines is put before the C library's, so that everything in that process
sees the other time: Python, OpenSSL, SQLite. It needs a C compiler; where there is none,
what needs it is not run, and the result says so.
"""

from collections.abc import Mapping
from pathlib import Path
import shutil
import struct
import subprocess
import time
from typing import Final

SOURCE: Final = Path(__file__).with_name("shifted_clock.c")
VARIABLE: Final = "V2G_VPP_BENCH_CLOCK"
_FORM: Final = struct.Struct("ddd")
COMPILE_TIMEOUT_S: Final = 60.0


class ShiftedClock:
    """The clock of one process: true until it is shifted."""

    def __init__(self, directory: Path, name: str) -> None:
        """Name the files; ``prepare`` makes them."""
        self._path = directory / f"clock_{name}"
        self._library = directory / "shifted_clock.so"
        self._env: Mapping[str, str] = {}

    @property
    def env(self) -> Mapping[str, str]:
        """What to add to the environment of the process; empty without a compiler."""
        return self._env

    @property
    def is_available(self) -> bool:
        """True where the clock can be shifted."""
        return bool(self._env)

    def prepare(self) -> None:
        """Compile and start with the true time; blocks."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.set(0.0)
        if compiler is None:
            return
        done = subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", self._library, SOURCE],
            capture_output=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
        if done.returncode == 0:
            self._env = {"LD_PRELOAD": str(self._library), VARIABLE: str(self._path)}

    def set(self, offset_s: float, drift_ppm: float = 0.0) -> None:
        """Put the clock ahead of the true one, s, and let it gain, millionths."""
        base_s = time.time()  # noqa: TID251 - the clock itself is what is set here
        content = _FORM.pack(offset_s, drift_ppm / 1e6, base_s)
        if not self._path.exists():
            self._path.write_bytes(content)
            return
        # In place: the process has this very file mapped.
        with self._path.open("r+b") as file:
            file.write(content)
