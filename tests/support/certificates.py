"""Keys and certificates made on the spot."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

__all__ = ["Signer", "signer"]


@dataclass(frozen=True)
class Signer:
    """A manufacturer that signs firmware."""

    key: CertificateIssuerPrivateKeyTypes
    pem: str

    def sign(self, data: bytes, *, pkcs1: bool = False) -> str:
        """The signature in base64."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            signature = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        else:
            assert isinstance(self.key, rsa.RSAPrivateKey)
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
            signature = self.key.sign(data, padding.PKCS1v15() if pkcs1 else pss, hashes.SHA256())
        return base64.b64encode(signature).decode()


def signer(kind: str = "ec", valid_from: int = -1, valid_days: int = 30, bits: int = 2048) -> Signer:
    """One with a certificate that it has signed itself, the same each time; ``valid_from`` in days from now."""
    return _made(kind, valid_from, valid_days, bits)


@cache
def _made(kind: str, valid_from: int, valid_days: int, bits: int) -> Signer:
    key: CertificateIssuerPrivateKeyTypes
    match kind:
        case "ec":
            key = ec.generate_private_key(ec.SECP256R1() if bits > 200 else ec.SECP192R1())
        case "rsa":
            key = rsa.generate_private_key(65537, bits)
        case _:
            key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Wallboxes")])
    start = datetime.now(UTC) + timedelta(days=valid_from)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=valid_days))
        .sign(key, None if kind == "ed25519" else hashes.SHA256())
    )
    return Signer(key, certificate.public_bytes(Encoding.PEM).decode())
