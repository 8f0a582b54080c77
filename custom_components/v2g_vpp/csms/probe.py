"""Is a port free for the OCPP listener, and which one to propose."""

import errno
import socket
from typing import Final

from ..domain.errors import ListenerError

PROPOSED_PORTS: Final = (8080, 8887, 9000, 8180, 8081, 8888)
"""Ports that charging stations are commonly pointed at, the usual one first."""

PORT_TAKEN: Final = "taken"
PORT_FORBIDDEN: Final = "forbidden"
PORT_UNUSABLE: Final = "unusable"


def check_port(host: str, port: int) -> None:
    """Return when a listener could be opened now.

    Raises:
        ListenerError: naming the port, with one of the ``PORT_...`` details.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError) as err:
            raise listener_error(port, err) from err


def is_port_free(host: str, port: int) -> bool:
    """Return True when a listener could be opened now."""
    try:
        check_port(host, port)
    except ListenerError:
        return False
    return True


def propose_port(host: str) -> int:
    """Return a port that is free now: a common one, else whatever the system gives."""
    for port in PROPOSED_PORTS:
        if is_port_free(host, port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return int(port)


def listener_error(port: int, err: Exception) -> ListenerError:
    """Return the error of the domain for a failed bind."""
    number = err.errno if isinstance(err, OSError) else None
    if number == errno.EADDRINUSE:
        return ListenerError(port, PORT_TAKEN)
    if number in {errno.EACCES, errno.EPERM}:
        return ListenerError(port, PORT_FORBIDDEN)
    return ListenerError(port, PORT_UNUSABLE)
