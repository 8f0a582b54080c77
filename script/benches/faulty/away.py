"""How a program that was killed or frozen does not answer."""

from typing import Final

import aiohttp

from script.rig.home_assistant_socket import ActionError
from script.rig.processes import RigError

ASK_S: Final = 2.0
"""Longer than any program that runs needs for an answer; a frozen one gives none."""

AWAY: Final = (
    RigError,
    ActionError,
    TimeoutError,
    aiohttp.ClientError,
    ConnectionError,
    AssertionError,
    # A session of aiohttp that was closed while a program was started again.
    RuntimeError,
)
"""How a program that was killed or frozen does not answer."""
