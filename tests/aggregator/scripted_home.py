"""A home that does what a test tells it: plain paho, its own code for the wire."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import ssl
from typing import Any
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.x509.oid import NameOID
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

RECEIVE_S = 5.0

type Json = dict[str, Any]


def text64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def now_text(offset_s: float = 0.0) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=offset_s)  # noqa: TID251
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_request(common_name: str, key: Any = None) -> tuple[str, bytes]:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    pem = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), key_pem


def self_signed(common_name: str) -> tuple[str, bytes]:
    """Return a certificate of nobody's authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)  # noqa: TID251
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return pem, make_request(common_name, key)[1]


class ScriptedHome:
    """One home: a key pair, a boot id, and whatever a test lets it say."""

    def __init__(
        self, directory: Path, region: str = "north", home_id: str = "home-1"
    ) -> None:
        self.region = region
        self.home_id = home_id
        self.common_name = f"{region}--{home_id}"
        self.base = f"v2gvpp/v1/{region}/{home_id}"
        self.signing = Ed25519PrivateKey.generate()
        self.boot_id = str(uuid.uuid7())
        self.epoch = 1
        self.connection = 0
        self.aggregator_keys: dict[str, str] = {}
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._directory = directory
        self._key_path = self._directory / f"{home_id}.key"
        self._cert_path = self._directory / f"{home_id}.pem"
        self._root_path = self._directory / f"{home_id}.root.pem"
        self._seq: dict[str, int] = {}
        self._client: Any = None
        self._loop = asyncio.get_running_loop()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()

    @property
    def signing_keys(self) -> dict[str, str]:
        return {"home-key": text64(self.signing.public_key().public_bytes_raw())}

    def request_for(self, invitation: Json) -> Json:
        """Make keys; return what is posted to ``enrol_url``."""
        csr_pem, key_pem = make_request(self.common_name)
        self._key_path.write_bytes(key_pem)
        return {
            "type": "enrolment_request",
            "version": "1.0",
            "code": invitation["code"],
            "home_id": invitation["home_id"],
            "region": invitation["region"],
            "csr_pem": csr_pem,
            "signing_keys": self.signing_keys,
        }

    def enrolled(self, invitation: Json, certificate_pem: str) -> None:
        self._cert_path.write_text(certificate_pem)
        self._root_path.write_text(invitation["broker_root_pem"])
        self.aggregator_keys = invitation["aggregator_keys"]

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._root_path))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if self._cert_path.exists():
            context.load_cert_chain(self._cert_path, self._key_path)
        return context

    async def connect(self, port: int) -> None:
        """Connect and subscribe; raise OSError when the broker does not want us."""
        self.connection += 1
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.common_name,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.tls_set_context(self.tls())
        topic, payload = self.message("state", "state", self._state("offline"))
        client.will_set(topic, payload, qos=1, retain=True)
        self._subscribed = self._loop.create_future()
        client.on_connect = self._on_connect
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._settle(
            ConnectionError(str(reason))
        )
        client.on_subscribe = lambda *_: self._settle(None)
        client.on_message = lambda _c, _u, message: self._in_loop(
            self.inbox.put_nowait, message
        )
        self._client = client
        await asyncio.to_thread(client.connect, "127.0.0.1", port, 10)
        client.loop_start()
        try:
            async with asyncio.timeout(RECEIVE_S):
                await self._subscribed
        except BaseException:
            await self.close()
            raise

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if not reason.is_failure:
            client.subscribe(
                [(f"{self.base}/dn/#", 1), (self._regional("all/dn/#"), 1)]
            )

    def _settle(self, error: Exception | None) -> None:
        def settle() -> None:
            if self._subscribed.done():
                return
            if error is None:
                self._subscribed.set_result(None)
            else:
                self._subscribed.set_exception(error)

        self._in_loop(settle)

    def _in_loop(self, function: Any, *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    async def close(self) -> None:
        """Say DISCONNECT, which keeps the Will from being sent."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def vanish(self) -> None:
        """Break the connection, so that the broker sends the Will."""
        client, self._client = self._client, None
        client.socket().shutdown(2)
        await asyncio.to_thread(client.loop_stop)

    def message(
        self,
        topic_type: str,
        kind: str,
        body: Json,
        *,
        epoch: int | None = None,
        seq: int | None = None,
    ) -> tuple[str, bytes]:
        topic = f"{self.base}/up/{topic_type}"
        self._seq[topic] = self._seq.get(topic, 0) + 1 if seq is None else seq
        document = {
            "version": "1.0",
            "type": kind,
            "id": str(uuid.uuid7()),
            "epoch": self.epoch if epoch is None else epoch,
            "seq": self._seq[topic],
            "ts": now_text(),
            **body,
        }
        return topic, json.dumps(document).encode()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        sig: Sequence[str] | None = None,
        **extra: Any,
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if sig is not None:
            properties.UserProperty = [("sig", value) for value in sig]
        for name, value in extra.items():
            setattr(properties, name, value)
        self._client.publish(topic, payload, qos, retain, properties)

    def signature(
        self, topic: str, payload: bytes, key: Ed25519PrivateKey | None = None
    ) -> str:
        signed = (key or self.signing).sign(topic.encode() + b"\0" + payload)
        return f"home-key:{text64(signed)}"

    def birth(self) -> None:
        topic, payload = self.message("state", "state", self._state("online"))
        self.publish(topic, payload, retain=True)

    def hello(
        self,
        versions: Sequence[str] = ("1.0",),
        features: Sequence[str] = ("setpoint", "limit", "clock"),
    ) -> str:
        body = {
            "versions": list(versions),
            "features": list(features),
            "boot_id": self.boot_id,
            "connection": self.connection,
            "signing_keys": self.signing_keys,
        }
        topic, payload = self.message("hello", "hello", body)
        hello_id: str = json.loads(payload)["id"]
        self.publish(
            topic,
            payload,
            ResponseTopic=f"{self.base}/dn/welcome",
            CorrelationData=hello_id.encode(),
        )
        return hello_id

    def offer(
        self,
        *,
        is_opted_in: bool = True,
        programme_id: str = "evening-peak",
        **where: int,
    ) -> None:
        body = {
            "programme_id": programme_id,
            "is_opted_in": is_opted_in,
            "clock_quality_ms": 1,
            "resources": [],
        }
        topic, payload = self.message("offer", "offer", body, **where)
        self.publish(topic, payload, retain=True)

    def availability(
        self,
        lowest_w: int = -10000,
        highest_w: int = 11000,
        wh: int = 20000,
        **where: int,
    ) -> None:
        resource = {
            "resource": "CS1/1",
            "lowest_w": lowest_w,
            "highest_w": highest_w,
            "dead_band_w": 1380,
            "deliverable_wh": wh,
            "absorbable_wh": wh,
            "until": now_text(900),
            "why": [],
        }
        names = ("lowest_w", "highest_w", "deliverable_wh", "absorbable_wh")
        body = {
            "resources": [resource],
            "site": {name: resource[name] for name in names},
        }
        topic, payload = self.message("availability", "availability", body, **where)
        self.publish(topic, payload, retain=True)

    def telemetry(
        self, power_w: int | None, command_id: str | None = None, **where: int
    ) -> None:
        body: Json = {
            "power_w": power_w,
            "frequency_mhz": None,
            "command_id": command_id,
            "quality": "good",
            "resources": [],
        }
        topic, payload = self.message("telemetry", "telemetry", body, **where)
        self.publish(topic, payload, qos=0)

    def ack(
        self,
        command_id: str,
        status: str,
        code: str = "OK",
        committed_w: int = 0,
        key: Ed25519PrivateKey | None = None,
        **where: int,
    ) -> None:
        body = {
            "command_id": command_id,
            "status": status,
            "code": code,
            "committed_w": committed_w,
            "binding": [],
        }
        topic, payload = self.message("ack", "ack", body, **where)
        self.publish(topic, payload, sig=[self.signature(topic, payload, key)])

    async def receive(
        self, topic_type: str, where: str | None = None
    ) -> tuple[Json, Any]:
        """Return (document, message) of the next one; its signature is checked."""
        wanted = f"{where or self.base}/dn/{topic_type}"
        async with asyncio.timeout(RECEIVE_S):
            while (message := await self.inbox.get()).topic != wanted:
                pass
        if topic_type != "request":
            self.check_signature(message)
        document: Json = json.loads(message.payload)
        return document, message

    def check_signature(self, message: Any) -> None:
        (value,) = [v for k, v in message.properties.UserProperty if k == "sig"]
        kid, _, signature = value.partition(":")
        key = Ed25519PublicKey.from_public_bytes(raw64(self.aggregator_keys[kid]))
        key.verify(raw64(signature), message.topic.encode() + b"\0" + message.payload)

    async def heartbeat(self) -> tuple[Json, Any]:
        return await self.receive("heartbeat", self._regional("all"))

    def _regional(self, rest: str) -> str:
        return f"v2gvpp/v1/{self.region}/{rest}"

    def _state(self, status: str) -> Json:
        return {
            "status": status,
            "boot_id": self.boot_id,
            "connection": self.connection,
        }
