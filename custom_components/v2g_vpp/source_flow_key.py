"""The key that signs the ledger of a programme that entities feed."""

from .pki.signing import create_signing_seed
from .vpp.probe import encode_base64url


def create_ledger_seed() -> str:
    """Return a fresh seed, base64url without padding.

    No operator knows it. It is there so that nobody changes unseen what is written.
    """
    return encode_base64url(create_signing_seed())
