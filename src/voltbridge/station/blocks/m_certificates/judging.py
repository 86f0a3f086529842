"""Whether a text is a root certificate that a station can go by (M05.FR.07)."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["RootInvalid", "issuer_of", "root_certificate"]

_LEAST_RSA_BITS: Final = 2048
_LEAST_EC_BITS: Final = 224


class RootInvalid(Exception):
    """It is none; the text says why."""


def root_certificate(pem: str, now: datetime) -> x509.Certificate:
    """The one certificate of the text: of an authority, valid now, with a key of the strength that block A asks for.

    Raises RootInvalid.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise RootInvalid("not a certificate in PEM") from None
    if len(certificates) != 1:
        raise RootInvalid(f"{len(certificates)} certificates instead of one")
    certificate = certificates[0]
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise RootInvalid("it has expired, or is not valid yet")
    try:
        _check_authority(certificate)
        _check_key(certificate)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, UnsupportedAlgorithm, ssl.SSLError) as error:
        raise RootInvalid(f"it cannot be used: {error}") from None
    return certificate


def issuer_of(
    certificate: x509.Certificate, known: Iterable[x509.Certificate], now: datetime
) -> x509.Certificate | None:
    """Who has issued it: itself, or one of these that may. None: nobody."""
    if _has_issued(certificate, certificate):
        return certificate
    return next((each for each in known if _may_issue(each, now) and _has_issued(each, certificate)), None)


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_issue(issuer: x509.Certificate, now: datetime) -> bool:
    """It is still valid, and does not say that there is to be no authority below it."""
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        return False
    try:
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length != 0
    except (x509.ExtensionNotFound, ValueError):
        return True


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not (is_authority and signs):
        raise RootInvalid("it is no authority's")


def _check_key(certificate: x509.Certificate) -> None:
    """A00.FR.502 to FR.505, and no digest that can be forged."""
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits >= _LEAST_RSA_BITS:
            pass
        case ec.EllipticCurvePublicKey(key_size=bits) if bits >= _LEAST_EC_BITS:
            pass
        case _:
            raise RootInvalid("its key is too weak, or of an unusual kind")
    if isinstance(certificate.signature_hash_algorithm, hashes.MD5 | hashes.SHA1):
        raise RootInvalid("its signature is too weak")
