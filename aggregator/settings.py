"""What an aggregator is, kept in its data directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from .errors import DataDirectoryError
from .files import PUBLIC_MODE, read_json, write_file, write_json
from .identity import check_name

DEFAULT_TERMS = """\
Terms of this programme

This is the reference aggregator. Nothing is bought or sold here. A dispatch asks your
home for power; your own limits always win, and you may pause or leave at any time.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Host and port, written ``host:port``."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the endpoint of ``host:port`` (or ``[v6]:port``).

        Raises:
            ValueError: when it is anything else.
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError(f"'{text}' is not HOST:PORT")
        return cls(host=host, port=int(port))

    def __str__(self) -> str:
        """Return ``host:port``, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Facts of one region's aggregator; changed only by ``init`` and ``serve``."""

    region: str
    programme_id: str
    programme_name: str
    groups: tuple[str, ...] = ()
    notice_s: int | None = None
    """Least notice of an event by the terms; None: they do not say."""

    opt_out_s: int | None = None
    """How long before its start an event can be left; 0: until its end."""

    broker: str = ""
    """Where homes find the broker; empty until the first ``serve``."""

    enrolment: str = ""
    """Where homes post their certificate request; empty until the first ``serve``."""


class DataDirectory:
    """Where everything of one aggregator is kept."""

    def __init__(self, path: Path) -> None:
        """Name the places; nothing is read or written."""
        self.path = path
        self.authority = path / "authority"
        self.access_list = path / "broker" / "access.list"
        self.signing_key = path / "signing.json"
        self.terms = path / "terms.txt"
        self.homes = path / "homes.json"
        self.leadership = path / "leadership.json"
        self.settlements = path / "settlements"
        self.following = path / "following.json"
        self.events = path / "events.json"
        self.rehearsal = path / "rehearsal"
        self._settings = path / "settings.json"

    @property
    def has_settings(self) -> bool:
        """Return True once ``init`` has been run here."""
        return self._settings.exists()

    def load_settings(self) -> Settings:
        """Return the settings.

        Raises:
            DataDirectoryError: when ``init`` has not been run or the file is damaged.
        """
        document = read_json(self._settings)
        if document is None:
            raise DataDirectoryError(
                f"{self.path} holds no aggregator: run 'python -m aggregator init' first"
            )
        try:
            return _settings(document)
        except (KeyError, TypeError) as err:
            raise DataDirectoryError(f"cannot read {self._settings}") from err

    def save_settings(self, settings: Settings) -> None:
        """Write the settings, and the terms when there are none yet."""
        check_name("region", settings.region)
        for group in settings.groups:
            check_name("group", group)
        write_json(
            self._settings,
            {
                "region": settings.region,
                "programme_id": settings.programme_id,
                "programme_name": settings.programme_name,
                "groups": list(settings.groups),
                "broker": settings.broker,
                "enrolment": settings.enrolment,
                "notice_s": settings.notice_s,
                "opt_out_s": settings.opt_out_s,
            },
        )
        if not self.terms.exists():
            write_file(self.terms, DEFAULT_TERMS.encode(), PUBLIC_MODE)

    def terms_sha256(self) -> str:
        """Return the hash that an invitation carries."""
        return sha256(self.terms.read_bytes()).hexdigest()


def _settings(document: Mapping[str, Any]) -> Settings:
    return Settings(
        region=document["region"],
        programme_id=document["programme_id"],
        programme_name=document["programme_name"],
        groups=tuple(document["groups"]),
        notice_s=document.get("notice_s"),
        opt_out_s=document.get("opt_out_s"),
        broker=document["broker"],
        enrolment=document["enrolment"],
    )
