"""From files and options of the command line to what the benches need."""

import argparse
import asyncio
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import schemas
from .home_options import HomeOptions, Hook
from .session import Access, tls_context
from .wire import SigningKey, Topics, decode64, encode64

HOOK_S = 120.0


class OptionError(Exception):
    """Carry one line that says which option or file is wrong."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Return the endpoint of ``HOST:PORT``.

        Raises:
            argparse.ArgumentTypeError: when it is none.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise argparse.ArgumentTypeError(f"'{text}' is not HOST:PORT")
        return cls(host.strip("[]"), int(port))


def read_invitation(path: Path) -> dict[str, Any]:
    """Return an invitation that fits its schema.

    Raises:
        OptionError: when it cannot be read or does not fit.
    """
    raw = _read(path)
    fault = schemas.fault("invitation", raw)
    if fault is not None:
        raise OptionError(f"{path}: {fault}")
    return schemas.parse(raw)


def home_options(options: argparse.Namespace) -> tuple[HomeOptions, Endpoint | None]:
    """Return what a home is tested with, and where the relay listens, if any.

    Raises:
        OptionError: naming the file or option.
    """
    invitation = read_invitation(options.invitation)
    named = Endpoint(invitation["broker_host"], invitation["broker_port"])
    broker = options.broker or named
    data: Path | None = options.data
    certificate, key, signing = options.certificate, options.key, options.signing_key
    if data is not None:
        certificate = certificate or data / "authority" / "aggregator.pem"
        key = key or data / "authority" / "aggregator.key"
        signing = signing or data / "signing.json"
    if certificate is None or key is None or signing is None:
        raise OptionError(
            "give --data, or all of --certificate, --key and --signing-key"
        )
    epoch = options.epoch or next_epoch(data)
    try:
        context = tls_context(invitation["broker_root_pem"], str(certificate), str(key))
    except OSError as err:
        raise OptionError(f"{certificate}, {key}: {err}") from err
    hooks = {"restart": hook(options.restart)} if options.restart else {}
    made = HomeOptions(
        access=Access(
            host=broker.host,
            port=broker.port,
            common_name=options.client_id,
            context=context,
        ),
        topics=Topics(invitation["region"], invitation["home_id"]),
        programme_id=invitation["programme_id"],
        key=_named(read_signing_key(signing), invitation["aggregator_keys"]),
        epoch=epoch,
        power_w=options.power,
        groups=tuple(options.group),
        patience_s=options.patience,
        hooks=hooks,
    )
    return made, None if named == broker else named


def next_epoch(data: Path | None) -> int:
    """Return the term after the last one of an aggregator.

    Raises:
        OptionError: when it is not known: a home believes no lower one.
    """
    path = None if data is None else data / "leadership.json"
    if path is None or not path.exists():
        if data is None:
            raise OptionError("give --epoch: a number above your aggregator's last one")
        return 1
    return int(json.loads(_read(path))["epoch"]) + 1


def keep_epoch(data: Path | None, epoch: int) -> None:
    """Let the aggregator of a data directory go on above the kit's last term."""
    if data is not None:
        path = data / "leadership.json"
        path.write_text(json.dumps({"epoch": epoch}), encoding="utf-8")


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return an Ed25519 key of a PEM file, or of JSON as the reference writes it.

    Raises:
        OptionError: when it is neither.
    """
    raw = _read(path)
    try:
        if raw.lstrip().startswith(b"{"):
            seed = decode64(json.loads(raw)["ed25519"])
            return Ed25519PrivateKey.from_private_bytes(seed)
        key = serialization.load_pem_private_key(raw, None)
    except (KeyError, TypeError, ValueError) as err:
        raise OptionError(f"{path} holds no Ed25519 key") from err
    if not isinstance(key, Ed25519PrivateKey):
        raise OptionError(f"{path} holds no Ed25519 key")
    return key


def hook(command: str) -> Hook:
    """Return what runs a command of the tester.

    Its errors are the tester's to see: what it should have done simply does not happen.
    """

    async def run() -> None:
        process = await asyncio.create_subprocess_shell(command)
        try:
            async with asyncio.timeout(HOOK_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    return run


def _named(key: Ed25519PrivateKey, keys: dict[str, str]) -> SigningKey:
    public = encode64(key.public_key().public_bytes_raw())
    for key_id, text in keys.items():
        if text == public:
            return SigningKey(key_id, key)
    raise OptionError("the signing key is not one of the invitation")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise OptionError(f"{path}: {err.strerror}") from err
