"""Keys and certificates of rehearsal homes, made in one batch beside the aggregator's.

They are homes like any other: a P-256 certificate each, an Ed25519 key each, a line in
the broker's access list each. Only the way in is shorter: no invitation.
"""

from dataclasses import dataclass
from pathlib import Path
import resource
import ssl

from cryptography.hazmat.primitives.asymmetric import ec

from ..authority import Authority
from ..certificates import private_key_pem
from ..enrolment import MAX_HOMES, Enrolments
from ..errors import DataDirectoryError
from ..files import read_json, write_file, write_json
from ..settings import DataDirectory
from ..signing import Signer
from ..tls import ClientContext, build_tls_context

FILES_BESIDE = 64
"""Open files of a process beside its connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a rehearsal home's secrets are."""

    home_id: str
    certificate: Path
    """Certificate and key in one file."""

    signing_key: Path

    def context(self, root: Path) -> ClientContext:
        """Return the home's side of TLS; reads files.

        Raises:
            DataDirectoryError: when the home was never prepared.
        """
        try:
            return build_tls_context(root, self.certificate, self.certificate)
        except (OSError, ssl.SSLError) as err:
            raise DataDirectoryError(
                f"{self.home_id} has no certificate here: run the rehearsal once "
                "while no aggregator uses this directory, or 'serve --homes'"
            ) from err

    def signer(self) -> Signer:
        """Return the home's signing key; reads, and the first time writes, a file."""
        return Signer.load_or_create(self.signing_key, prefix="home")


def kept_homes(data: DataDirectory, count: int) -> list[Kept]:
    """Return the first homes of a rehearsal, whether they were prepared or not."""
    return [
        Kept(
            home_id=f"rehearsal-{number:05}",
            certificate=data.rehearsal / f"{number:05}.pem",
            signing_key=data.rehearsal / f"{number:05}.json",
        )
        for number in range(1, count + 1)
    ]


def prepare(
    data: DataDirectory, authority: Authority, enrolments: Enrolments, count: int
) -> int:
    """Make what the first homes lack; return how many were new.

    Args:
        data: not in use by a running aggregator.
        authority: signs the certificates.
        enrolments: takes the homes in.
        count: homes that are wanted.

    Raises:
        DataDirectoryError: when the disk refuses.
        BadRequestError: when there would be too many homes.
    """
    known = enrolments.homes
    new = [
        kept
        for kept in kept_homes(data, min(count, MAX_HOMES))
        if kept.home_id not in known
        or not known[kept.home_id].may_connect
        or not kept.certificate.exists()
    ]
    if not new:
        return 0
    keys = {kept.home_id: ec.generate_private_key(ec.SECP256R1()) for kept in new}
    certificates = authority.issue_home_certificates(
        {enrolments.identity(name): key.public_key() for name, key in keys.items()}
    )
    for kept in new:
        certificate = certificates[enrolments.identity(kept.home_id)]
        secret = private_key_pem(keys[kept.home_id])
        write_file(kept.certificate, certificate.encode() + secret)
    enrolments.admit({kept.home_id: kept.signer().public_keys for kept in new})
    return len(new)


def next_boot(data: DataDirectory) -> int:
    """Return the boot count of all rehearsal homes; it is on disk before it is used."""
    path = data.rehearsal / "boots.json"
    boot = int((read_json(path) or {"boot": 0})["boot"]) + 1
    write_json(path, {"boot": boot})
    return boot


def ensure_open_files(connections: int) -> None:
    """Let this process have a file per connection.

    Raises:
        DataDirectoryError: when this machine does not allow that many; says what to do.
    """
    needed = connections + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise DataDirectoryError(
            f"{connections} homes need {needed} open files, but this shell allows "
            f"{hard}: raise it with 'ulimit -n {needed}', or take fewer homes"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
