"""Names of regions and homes, and the certificate name that is made of both."""

from dataclasses import dataclass
import re

from .errors import IdentityError

SEPARATOR = "--"
"""Stands between region and home in a certificate name (VPP contract)."""

MAX_NAME = 31
"""VPP contract; two of them fit the 64 characters of a common name (RFC 5280)."""

RESERVED_HOMES = frozenset({"all", "group"})
"""Second topic levels that address several homes; no home may be called so."""

_PART = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class HomeIdentity:
    """One home of one region; equal to the common name of its certificate."""

    region: str
    home_id: str

    def __post_init__(self) -> None:
        """Refuse names that would read as another region, home or topic.

        Raises:
            IdentityError: naming the part that is not allowed.
        """
        check_name("region", self.region)
        check_name("home_id", self.home_id)
        if self.home_id in RESERVED_HOMES:
            raise IdentityError(
                f"home_id '{self.home_id}' is reserved: choose another name"
            )

    @property
    def common_name(self) -> str:
        """Return the subject of the home's certificate and its broker user name."""
        return f"{self.region}{SEPARATOR}{self.home_id}"


def check_name(field: str, value: str) -> str:
    """Return ``value`` when it is lower-case words joined by single hyphens.

    A double hyphen would make ``a--b`` of region ``a`` and of region ``a-`` alike.

    Raises:
        IdentityError: otherwise, naming the field.
    """
    if len(value) > MAX_NAME or not _PART.fullmatch(value):
        raise IdentityError(
            f"{field} '{value[:80]}' is not allowed: use a-z, 0-9 and single hyphens, "
            f"at most {MAX_NAME} characters"
        )
    return value


def aggregator_common_name(region: str) -> str:
    """Return the aggregator's broker user name; its dot keeps it apart from homes."""
    return f"aggregator.{check_name('region', region)}"
