"""The signature under a firmware image (OCPP 2.x L01.FR.04, FR.12)."""

import base64
import binascii
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """The certificate of whoever signed an image."""

    certificate: x509.Certificate

    @classmethod
    def parse(cls, pem: str) -> SigningCertificate | None:
        """Return the certificate of a PEM text, None when it is none."""
        try:
            return cls(x509.load_pem_x509_certificate(pem.encode()))
        except ValueError:
            return None

    def has_signed(self, image: bytes, signature: str) -> bool:
        """Return True when a Base64 signature is of this certificate's key."""
        key = self.certificate.public_key()
        try:
            given = base64.b64decode(signature, validate=True)
            if isinstance(key, rsa.RSAPublicKey):
                pss = padding.PSS(
                    mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO
                )
                key.verify(given, image, pss, hashes.SHA256())
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(given, image, ec.ECDSA(hashes.SHA256()))
            else:
                return False
        except binascii.Error, InvalidSignature:
            return False
        return True
