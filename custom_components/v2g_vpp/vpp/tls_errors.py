"""What a TLS connection that broke leaves behind in its thread, and how it is cleared."""

from contextlib import suppress
import ssl
from typing import Final

_NO_CIPHER: Final = "NONE-OF-THIS-NAME"


def forget_tls_errors() -> None:
    """Clear the list of TLS errors of this thread.

    A write or read that fails by the operating system (a broken pipe) stays in OpenSSL's
    list of the thread: Python 3.14 raises its own error and leaves the list as it is
    (``PySSL_SetError`` of ``_ssl.c``). The next read of *any other* connection of the
    thread that has nothing to read yet is then told that failure as its own, until a
    handshake happens to run in this thread; ours run in another one.
    """
    # Python has no call for it. It clears the list when it refuses a cipher.
    with suppress(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(_NO_CIPHER)
