"""Handshakes that fail: a station whose set-up is wrong says nothing else."""

from collections import deque
from collections.abc import Callable, Mapping
import ssl
from typing import Final

from ..domain.clock import Clock
from .refusals import RefusalCause

SHOWN_AFTER: Final = 3
WITHIN_S: Final = 900.0
"""House rules: a station tries again and again, and whoever looks for open ports only
once."""

_MISTAKES: Final[Mapping[str, RefusalCause]] = {
    "TLSV1_ALERT_UNKNOWN_CA": RefusalCause.TLS_HOME_NOT_TRUSTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": RefusalCause.TLS_HOME_NOT_TRUSTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": RefusalCause.TLS_HOME_NOT_TRUSTED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": RefusalCause.TLS_CLOCK,
    "CERTIFICATE_VERIFY_FAILED": RefusalCause.TLS_STRANGER,
    "HTTP_REQUEST": RefusalCause.TLS_NOT_ENCRYPTED,
    "NO_SHARED_CIPHER": RefusalCause.TLS_TOO_OLD,
    "UNSUPPORTED_PROTOCOL": RefusalCause.TLS_TOO_OLD,
    "VERSION_TOO_LOW": RefusalCause.TLS_TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": RefusalCause.TLS_TOO_OLD,
}
"""By the reason of OpenSSL. The first ones are what the station says of our side."""

type OnMistake = Callable[[RefusalCause, bool], None]
"""(cause, is over)."""


class TlsWatch:
    """Counts the handshakes that fail on the listener, by what is wrong."""

    def __init__(
        self,
        clock: Clock,
        on_mistake: OnMistake,
        on_failed: Callable[[RefusalCause], None] = lambda _: None,
    ) -> None:
        """Start with nothing seen.

        Args:
            clock: for the time between failures.
            on_mistake: told when one comes again and again, and when it is over.
            on_failed: told each time.
        """
        self._on_failed = on_failed
        self._clock = clock
        self._on_mistake = on_mistake
        self._failed_mono_s: dict[RefusalCause, deque[float]] = {}
        self._shown: set[RefusalCause] = set()

    def watch(self, context: ssl.SSLContext) -> None:
        """Look at every handshake of a listener's context from now on."""
        failed = self._failed

        class Watched(ssl.SSLObject):
            """A side of one connection."""

            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except ssl.SSLWantReadError, ssl.SSLWantWriteError:
                    raise
                except ssl.SSLError as err:
                    failed(err)
                    raise

        context.sslobject_class = Watched

    def worked(self) -> None:
        """Note that a station came in with encryption: what was wrong is right."""
        self._failed_mono_s.clear()
        for cause in sorted(self._shown):
            self._on_mistake(cause, True)
        self._shown.clear()

    def _failed(self, err: ssl.SSLError) -> None:
        cause = _MISTAKES.get(err.reason or "")
        if cause is None:
            return
        self._on_failed(cause)
        now_mono_s = self._clock.monotonic()
        failed = self._failed_mono_s.setdefault(cause, deque(maxlen=SHOWN_AFTER))
        failed.append(now_mono_s)
        is_again = len(failed) == SHOWN_AFTER and now_mono_s - failed[0] <= WITHIN_S
        if is_again and cause not in self._shown:
            self._shown.add(cause)
            self._on_mistake(cause, False)
