"""End the rig's programs when the program that started them is gone.

Run as `python -m script.rig.guard` with a pipe as standard input. Each line is `add PID`
or `remove PID`. At the end of the input, whatever was added and not removed is ended, the
last one first. So nothing outlives the rig, not even when the rig itself is killed.
"""

import contextlib
from dataclasses import dataclass
import os
from pathlib import Path
import signal
import sys
import time

TERM_TIMEOUT_S = 20.0
"""Home Assistant ends within 3 s; it is given time to write its database."""

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ward:
    """One process, told apart from a later one with the same number."""

    pid: int
    born: str | None
    """When it started, as the kernel writes it; None where that is not told."""


def born(pid: int) -> str | None:
    """Return the start time of a process in the kernel's own ticks."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold blanks; the start time is field 22 of all.
    return stat.rpartition(")")[2].split()[19]


def is_alive(ward: Ward) -> bool:
    """Tell whether that very process still exists."""
    try:
        os.kill(ward.pid, 0)
    except OSError:
        return False
    return born(ward.pid) == ward.born


def end(ward: Ward) -> None:
    """Ask a process to end, also a frozen one; kill it when it does not."""
    if not is_alive(ward):
        return
    with contextlib.suppress(OSError):
        os.kill(ward.pid, signal.SIGTERM)
        os.kill(ward.pid, signal.SIGCONT)
    deadline = time.monotonic() + TERM_TIMEOUT_S
    while is_alive(ward) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if is_alive(ward):
        with contextlib.suppress(OSError):
            os.kill(ward.pid, signal.SIGKILL)


def main() -> int:
    """Follow the pipe until its other end is gone, then end what is left."""
    # Ctrl-C is for the rig: it ends its programs itself, in the right order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wards: dict[int, Ward] = {}
    for line in sys.stdin:
        verb, _, number = line.strip().partition(" ")
        pid = int(number)
        if verb == "add":
            wards[pid] = Ward(pid, born(pid))
        else:
            wards.pop(pid, None)
    for ward in reversed(wards.values()):
        end(ward)
    return 0


if __name__ == "__main__":
    sys.exit(main())
