"""Firmware for the cases about updates: nobody fetches it, but its certificate and signature are real."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

__all__ = [
    "BROKEN_CONTENT",
    "CONTENT",
    "broken_signature",
    "signature",
    "signing_certificate",
    "strange_certificate",
]

CONTENT: Final = b"firmware that nobody installs"
"""What is signed."""

BROKEN_CONTENT: Final = b"VOLTBRIDGE FIRMWARE 9.9 " + b"0" * 64 + b"\nfirmware that is not whole"
"""What is signed too, but cannot be installed."""

_VALID: Final = timedelta(days=3650)
"""Before and after the moment it is made: a station's clock may be a virtual one."""


def signing_certificate() -> str:
    """A certificate in PEM, the same throughout a run."""
    return _made()[0]


def signature() -> str:
    """In base64, by that certificate."""
    return _made()[1]


def broken_signature() -> str:
    """In base64, by that certificate, of the content that cannot be installed."""
    return _made()[2]


def strange_certificate() -> str:
    """A certificate in PEM that looks like the other, by a key that nobody knows."""
    return _make()[0]


@cache
def _made() -> tuple[str, str, str]:
    return _make()


def _make() -> tuple[str, str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Voltbridge Conformance Firmware")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
        .sign(key, hashes.SHA256())
    )
    signed, broken = (
        base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode() for content in (CONTENT, BROKEN_CONTENT)
    )
    return certificate.public_bytes(Encoding.PEM).decode(), signed, broken
