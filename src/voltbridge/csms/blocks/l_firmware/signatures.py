"""Signatures over firmware (2.0.1 L01.FR.04, L01.FR.12; Part 2, A 4.1.3): looked at before a fleet is sent them."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING, Final

from voltbridge.domain.errors import InvalidValue

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["check_certificate", "check_signature", "signature_bytes"]

_LONGEST_SIGNATURE: Final = 800
_LONGEST_CERTIFICATE: Final = 5500
_LEAST_RSA_BITS: Final = 2048
_LEAST_EC_BITS: Final = 224
_SKIP: Final = "; set verify_signature to false if your stations want it so all the same"


def signature_bytes(signature: str) -> bytes:
    """What the text stands for. Raises InvalidValue."""
    if len(signature) > _LONGEST_SIGNATURE:
        raise InvalidValue("signature", f"has more than {_LONGEST_SIGNATURE} characters, which no message can carry")
    try:
        found = base64.b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise InvalidValue("signature", "must be base64")
    return found


def check_certificate(pem: str, now: datetime) -> x509.Certificate:
    """The one certificate in the text. Raises InvalidValue when it cannot sign firmware now."""
    # Imported when there is a signature: most starts of the program do without.
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    field = "signing_certificate"
    if len(pem) > _LONGEST_CERTIFICATE:
        raise InvalidValue(field, f"has more than {_LONGEST_CERTIFICATE} characters, which no message can carry")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise InvalidValue(field, "must be an X.509 certificate in PEM") from None
    if len(found) != 1:
        raise InvalidValue(field, "must be one certificate; the chain is not sent to stations")
    certificate = found[0]
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        valid = f"from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise InvalidValue(field, f"is valid {valid}, which is not now")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise InvalidValue(field, f"has an RSA key of {key.key_size} bits; it must have {_LEAST_RSA_BITS} or more")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size < _LEAST_EC_BITS:
            raise InvalidValue(field, f"has a key of {key.key_size} bits; it must have {_LEAST_EC_BITS} or more")
    else:
        raise InvalidValue(field, "must have an RSA or an elliptic curve key")
    return certificate


def check_signature(certificate: x509.Certificate, signature: bytes, sha256: str) -> None:
    """Raises InvalidValue unless the signature is the certificate's over a file with this digest (in hex digits).

    RSA-PSS or ECDSA with SHA-256. The standard's ECSchnorr is not known here.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    digest, algorithm = bytes.fromhex(sha256), Prehashed(hashes.SHA256())
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        try:
            key.verify(signature, digest, ec.ECDSA(algorithm))
        except InvalidSignature:
            raise InvalidValue("signature", f"is not an ECDSA signature with SHA-256 over the file{_SKIP}") from None
        return
    assert isinstance(key, rsa.RSAPublicKey), "the certificate was checked"
    try:
        key.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), algorithm)
    except InvalidSignature:
        pass
    else:
        return
    try:
        key.verify(signature, digest, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        raise InvalidValue("signature", "is not the certificate's signature over the file") from None
    raise InvalidValue("signature", f"is PKCS #1 v1.5, and the standard wants RSA-PSS (L01.FR.04){_SKIP}")
