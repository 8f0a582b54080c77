"""The TLS side of our place at the broker."""

import contextlib
from pathlib import Path
import socket
import ssl
from typing import Any


class ClientContext(ssl.SSLContext):
    """A context that remembers the socket being dialled.

    paho hands it out only after the handshake, and forgets it when that fails.
    """

    _dialled: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Wrap a socket and remember it."""
        self._dialled = super().wrap_socket(*args, **kwargs)
        return self._dialled

    def abort_handshake(self) -> None:
        """Make a handshake of another thread fail at once."""
        if self._dialled is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._dialled, socket.SHUT_RDWR)

    def close_dialled(self) -> None:
        """Close what a failed handshake left open."""
        if self._dialled is not None:
            self._dialled.close()
            self._dialled = None


def build_tls_context(root: Path, certificate: Path, key: Path) -> ClientContext:
    """Return a context for TLS 1.3 that trusts our own root only; reads files."""
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=root)
    context.load_cert_chain(certificate, key)
    return context
