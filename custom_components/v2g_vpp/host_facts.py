"""What the computer under Home Assistant says of its kernel."""

from dataclasses import dataclass
from pathlib import Path
import platform
import re
from typing import Final

UNKNOWN: Final = "unknown"

REAL_TIME: Final = Path("/sys/kernel/realtime")
"""Holds 1 with the real-time patches; other kernels do not have it."""

_MODEL: Final = re.compile(r"\bPREEMPT(?:_[A-Z]+)?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The kernel and how it lets running programs wait."""

    kernel: str
    """Name and release."""

    preemption: str
    """In the kernel's own word. With ``PREEMPT_DYNAMIC`` it was chosen at boot, and only
    the administrator of the computer can read what."""


def read(real_time: Path = REAL_TIME) -> HostFacts:
    """Read the facts; blocks on a file, so not in the event loop."""
    host = platform.uname()
    kernel = f"{host.system} {host.release}".strip()
    return HostFacts(
        kernel=kernel or UNKNOWN, preemption=preemption(host.version, real_time)
    )


def preemption(version: str, real_time: Path = REAL_TIME) -> str:
    """Return the preemption model, ``UNKNOWN`` where nothing tells it.

    Args:
        version: of the kernel, as it tells it.
        real_time: the file that tells of the real-time patches.
    """
    try:
        if real_time.read_text().strip() == "1":
            return "PREEMPT_RT"
    except OSError, UnicodeDecodeError:
        pass
    # A version without the word may be that of a kernel that yields now and then, or
    # never: it does not say which.
    found = _MODEL.search(version)
    return UNKNOWN if found is None else found.group()
