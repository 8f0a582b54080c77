"""Certificates that ran out, were taken back, or are somebody else's."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from aggregator.authority import LOOPBACK_NAMES
from aggregator.certificates import (
    Issuer,
    build_leaf,
    build_revocation_list,
    build_root,
    certificate_pem,
    private_key_pem,
    server_names,
)
from script.benches.faulty.fault import LOST_S, Fault, Step
from script.benches.faulty.processes import NO_CHARGER, NO_LINK
from script.benches.faulty.world import FaultyWorld
from script.rig.world import STATION_ID

TWO_YEARS: Final = timedelta(days=730)
"""A certificate that was made so long ago ended a year ago."""

AGAIN: Final = (
    "a home that was refused asks again after 15 minutes; its owner reloads at once"
)

STATION_SERIAL: Final = "VIRTUAL-1"
"""The serial number of the virtual charger, which its certificate has to name."""

SERVER: Final = ("server.pem", "server.key")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - certificates are made for the true time


def _authority(world: FaultyWorld) -> Path:
    return world.directory / "aggregator" / "authority"


def _issuer(world: FaultyWorld) -> Issuer:
    folder = _authority(world)
    key = serialization.load_pem_private_key(
        (folder / "root.key").read_bytes(), password=None
    )
    assert isinstance(key, ec.EllipticCurvePrivateKey), (
        "an authority of this aggregator"
    )
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    return root, key


def _other_issuer() -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return build_root(key, "another authority", _now()), key


def _server(issuer: Issuer, made_at: datetime) -> Mapping[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = build_leaf(
        issuer,
        key.public_key(),
        LOOPBACK_NAMES[-1],
        made_at,
        ExtendedKeyUsageOID.SERVER_AUTH,
        server_names(LOOPBACK_NAMES),
    )
    return dict(zip(SERVER, (certificate_pem(leaf), private_key_pem(key)), strict=True))


def _put(world: FaultyWorld, files: Mapping[str, bytes]) -> None:
    """Put files in the place of the broker's own; the first ones are kept aside."""
    for name, content in files.items():
        path = _authority(world) / name
        kept = path.with_name(f"{name}.kept")
        if not kept.exists():
            kept.write_bytes(path.read_bytes())
        path.write_bytes(content)


def _put_back(world: FaultyWorld) -> None:
    for kept in _authority(world).glob("*.kept"):
        kept.replace(kept.with_suffix(""))


async def _restart_broker(world: FaultyWorld) -> None:
    await world.aggregator.stop_broker()
    await world.aggregator.start_broker()


async def _expire_broker(world: FaultyWorld) -> None:
    _put(world, _server(_issuer(world), _now() - TWO_YEARS))
    await _restart_broker(world)


async def _exchange_broker(world: FaultyWorld) -> None:
    _put(world, _server(_other_issuer(), _now()))
    await _restart_broker(world)


async def _revoke_home(world: FaultyWorld) -> None:
    own = x509.load_pem_x509_certificate(world.home_certificate().encode())
    listed = build_revocation_list(
        _issuer(world), 1_000, _now(), [(own.serial_number, _now())]
    )
    _put(world, {"crl.pem": listed})
    await _restart_broker(world)


async def _mend(world: FaultyWorld) -> None:
    await asyncio.to_thread(_put_back, world)
    await _restart_broker(world)


async def reload_home(world: FaultyWorld) -> None:
    """Do what an owner does who does not want to wait: reload the integration."""
    (entry,) = await world.home.client.entries("v2g_vpp")
    path = f"/api/config/config_entries/entry/{entry['entry_id']}/reload"
    await world.home.client.request("POST", path, body={})
    await world.entities.refresh()


def _certificates() -> Iterator[Fault]:
    begun: tuple[tuple[str, str, Step, str], ...] = (
        (
            "broker_expired",
            "certificate of the broker ran out",
            _expire_broker,
            "vpp_tls_broker_not_trusted",
        ),
        (
            "broker_wrong",
            "certificate of the broker is of another authority",
            _exchange_broker,
            "vpp_tls_broker_not_trusted",
        ),
        (
            "home_revoked",
            "certificate of the home revoked at the broker",
            _revoke_home,
            "vpp_tls_certificate_revoked",
        ),
    )
    for name, text, begin, issue in begun:
        yield Fault(
            name=name,
            text=text,
            begin=begin,
            end=_mend,
            lasts_s=LOST_S,
            cuts_heartbeats=True,
            stops=True,
            shown=(NO_LINK, ("issue", issue)),
            needs_person=AGAIN,
            person=reload_home,
        )


def _home_authority(world: FaultyWorld) -> tuple[Issuer, Path]:
    """Return the root of the home itself, which signs chargers, and its file."""
    folder = world.home.directory / ".storage" / "v2g_vpp.pki"
    (root_path,) = folder.glob("ocpp_root*")
    (key_path,) = folder.glob("ocpp_key*")
    key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "made by this home"
    return (x509.load_pem_x509_certificate(root_path.read_bytes()), key), root_path


def _station_shows(kind: str) -> Step:
    """Return the step in which the charger comes back with a bad certificate."""

    async def begin(world: FaultyWorld) -> None:
        issuer, root_path = _home_authority(world)
        made_at = _now() - (TWO_YEARS if kind == "expired" else timedelta())
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = build_leaf(
            _other_issuer() if kind == "wrong" else issuer,
            key.public_key(),
            STATION_SERIAL,
            made_at,
            ExtendedKeyUsageOID.CLIENT_AUTH,
            None,
        )
        if kind == "revoked":
            await _revoke_station(world, leaf)
        own = world.directory / "station_client.pem"
        own.touch(mode=0o600)
        own.write_bytes(certificate_pem(leaf) + private_key_pem(key))
        world.left_behind = await world.kill_station()
        await world.start_station(
            world.left_behind,
            *("--root-file", str(root_path)),
            *("--certificate-file", str(own)),
            url=f"wss://127.0.0.1:{world.ocpp_tls_port}/",
        )

    return begin


async def _revoke_station(world: FaultyWorld, leaf: x509.Certificate) -> None:
    entity_id = world.entities.id("binary_sensor", f"{STATION_ID}_0_link")
    entity = await world.home.socket.call(
        "config/entity_registry/get", entity_id=entity_id
    )
    await world.home.socket.call(
        "call_service",
        domain="v2g_vpp",
        service="revoke_certificate",
        service_data={
            "device_id": entity["device_id"],
            "serial_number": f"{leaf.serial_number:x}",
        },
    )


async def _station_is_itself(world: FaultyWorld) -> None:
    await world.kill_station()
    await world.start_station(world.left_behind)


def _station_certificates() -> Iterator[Fault]:
    for kind, text, issue in (
        ("expired", "ran out", "certificate_not_valid"),
        ("revoked", "is revoked", "revoked_certificate"),
        ("wrong", "is of another authority", "tls_stranger"),
    ):
        yield Fault(
            name=f"station_{kind}",
            text=f"charger comes back with a certificate that {text}",
            begin=_station_shows(kind),
            end=_station_is_itself,
            stops=True,
            shown=(NO_CHARGER, ("issue", issue)),
        )


CERTIFICATES: Final = (*_certificates(), *_station_certificates())
