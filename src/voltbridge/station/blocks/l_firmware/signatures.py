"""Whether an image comes from the manufacturer: its signing certificate and its signature (2.0.1 L01.FR.04, FR.21).

RSA-PSS or ECDSA with SHA-256 over the whole file. The standard's ECSchnorr is not known here, nor are keys of Edwards
curves or signatures with other digests. Revocation goes by the lists a station was given; it asks nobody (no OCSP).
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from voltbridge.station.downloads import digest_of

__all__ = [
    "SigningCertificateInvalid",
    "SigningCertificateRevoked",
    "is_signed_by",
    "load_revocations",
    "signing_certificate",
]

_END_OF_LIST: Final = "-----END X509 CRL-----"
_MOST_LINKS: Final = 5
_LEAST_RSA_BITS: Final = 2048
_LEAST_EC_BITS: Final = 224


class SigningCertificateInvalid(Exception):
    """The certificate does not speak for the manufacturer; the text says why."""


class SigningCertificateRevoked(SigningCertificateInvalid):
    """It, or one above it, was revoked by whoever issued it."""


def load_revocations(pem: str) -> tuple[x509.CertificateRevocationList, ...]:
    """Certificate revocation lists. Raises ValueError for a text that is none."""
    ends = pem.split(_END_OF_LIST)
    if not ends[-1].strip():
        ends.pop()
    return tuple(x509.load_pem_x509_crl((each + _END_OF_LIST).encode()) for each in ends)


def signing_certificate(
    pem: str,
    roots: tuple[x509.Certificate, ...],
    now: datetime,
    revocations: tuple[x509.CertificateRevocationList, ...] = (),
) -> x509.Certificate:
    """The first certificate of the text, if it leads to a root, by way of the others in the text or straight.

    What a list of its issuer names is revoked, however old the list is. Raises SigningCertificateInvalid.
    """
    if not roots:
        raise SigningCertificateInvalid("this station knows no root certificate of its manufacturer")
    try:
        signer, *others = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise SigningCertificateInvalid("not a certificate in PEM") from None
    _check_key(signer)
    _check_usage(signer)
    link, way = signer, 0
    while True:
        _check_time(link, now)
        root = next((each for each in roots if _issued(link, each)), None)
        if root is not None:
            _check_time(root, now)
            _check_revocation(link, root, revocations)
            return signer
        issuer = next((each for each in others if each != link and _is_authority(each) and _issued(link, each)), None)
        way += 1
        if issuer is None or way > _MOST_LINKS:
            raise SigningCertificateInvalid("it does not lead to the manufacturer's root certificate")
        _check_revocation(link, issuer, revocations)
        link = issuer


def is_signed_by(signer: x509.Certificate, signature: str, image: Path) -> bool:
    """Whether the text is the signer's signature, in base64, over the image. Blocks. Raises OSError."""
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    key = signer.public_key()
    digest, algorithm = digest_of(image, "sha256"), Prehashed(hashes.SHA256())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, digest, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
            key.verify(raw, digest, pss, algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SigningCertificateInvalid(f"not valid now: {certificate.subject.rfc4514_string()[:100]}")


def _check_revocation(
    certificate: x509.Certificate, issuer: x509.Certificate, revocations: tuple[x509.CertificateRevocationList, ...]
) -> None:
    for each in revocations:
        if each.issuer != issuer.subject or not each.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            continue
        if each.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise SigningCertificateRevoked(f"revoked: {certificate.subject.rfc4514_string()[:100]}")


def _check_key(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    strong = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _LEAST_EC_BITS
    )
    if not strong:
        raise SigningCertificateInvalid("its key is none that signs firmware")


def _check_usage(certificate: x509.Certificate) -> None:
    """Where it says what its key is for, signing has to be among it."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if not usage.digital_signature:
        raise SigningCertificateInvalid("its key is not for signatures")
