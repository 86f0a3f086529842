"""The server's side of TLS: what its certificates must be like, and the one place where its SSL context is made.

TLS 1.2 and 1.3 only, with the cipher suites that OCPP asks of a CSMS (2.0.1 A00.FR.313, .318; 1.6 security whitepaper
A00.FR.312, .317), the same with forward secrecy for RSA keys, and nothing older; no compression (A00.FR.321) and no
renegotiation. Stations have EC or RSA suites, so a CSMS may need a certificate of each kind (the note to A00.FR.318).
"""

from __future__ import annotations

import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CIPHERS", "CertificateFiles", "ServerCertificate", "UnusableCertificate", "server_context"]

CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""Of TLS 1.2, by OpenSSL's names, in our order of preference: the last two have no forward secrecy, and A00.FR.318
wants them all the same. TLS 1.3 has suites of its own, all of them sound."""

_SECURITY_LEVEL: Final = 2
"""OpenSSL's: keys that are worth 112 bits or more (A00.FR.501)."""
_LEAST_RSA_BITS: Final = 2048
_LEAST_EC_BITS: Final = 224
_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP
"""What nobody but the owner may do with a key; a group that reads it is how servers share one."""


class UnusableCertificate(Exception):
    """A certificate or its key cannot be used; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate with its chain is, the server's own first, and where its key; both in PEM format."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """A certificate in use, as far as others are told of it."""

    kind: str
    """Of its key: ``EC`` or ``RSA``."""
    names: tuple[str, ...]
    """By which stations may know this server."""
    valid_until: datetime
    sha256: str
    """Of the certificate, in hexadecimal digits."""
    doubts: tuple[str, ...] = ()
    """What will work with some stations and not with others, or is not as safe as it should be."""


def server_context(
    files: Sequence[CertificateFiles], now: datetime
) -> tuple[ssl.SSLContext, tuple[ServerCertificate, ...]]:
    """The context for connections of stations, and what is in it. Raises UnusableCertificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(f"{':'.join(CIPHERS)}:@SECLEVEL={_SECURITY_LEVEL}")
    context.set_alpn_protocols(["http/1.1"])
    certificates: list[ServerCertificate] = []
    for pair in files:
        try:
            certificate = _judged(pair, now)
        except (OSError, UnsupportedAlgorithm, ValueError) as error:
            raise UnusableCertificate(f"{pair.certificate} cannot be understood ({error}); have it made anew") from None
        if any(other.kind == certificate.kind for other in certificates):
            raise UnusableCertificate(
                f"the certificate in {pair.certificate} has an {certificate.kind} key, as the one before has; "
                "give one with an EC key and one with an RSA key, or one alone"
            )
        _load(context, pair)
        certificates.append(certificate)
    return context, tuple(certificates)


def _judged(files: CertificateFiles, now: datetime) -> ServerCertificate:
    path = files.certificate
    try:
        chain = x509.load_pem_x509_certificates(_read(path, "--tls-certificate"))
    except ValueError:
        raise UnusableCertificate(
            f"{path} has no certificate in PEM format; a text that begins with -----BEGIN CERTIFICATE----- is needed"
        ) from None
    own = chain[0]
    if now >= own.not_valid_after_utc:
        raise UnusableCertificate(
            f"the certificate in {path} has expired on {own.not_valid_after_utc:%Y-%m-%d}; "
            "renew it, or put the server's own certificate first in the file"
        )
    if now < own.not_valid_before_utc:
        raise UnusableCertificate(
            f"the certificate in {path} is not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; "
            "set this machine's clock, or wait until then"
        )
    _read(files.key, "--tls-key")
    return ServerCertificate(
        kind=_kind(own, path),
        names=_names(own),
        valid_until=own.not_valid_after_utc,
        sha256=own.fingerprint(hashes.SHA256()).hex(),
        doubts=tuple(_doubts(chain, files, now)),
    )


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnusableCertificate(
            f"the file {path} of {option} does not exist; give the path of a PEM file, or start without TLS"
        ) from None
    except OSError as error:
        raise UnusableCertificate(
            f"the file {path} of {option} cannot be read ({error.strerror}); let this user read it, or give another"
        ) from None


def _kind(certificate: x509.Certificate, path: Path) -> str:
    """EC or RSA. Raises UnusableCertificate for keys that stations do not know or that are too short."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    if isinstance(key, rsa.RSAPublicKey):
        kind, least = "RSA", _LEAST_RSA_BITS
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind, least = "EC", _LEAST_EC_BITS
    else:
        raise UnusableCertificate(
            f"the key of the certificate in {path} is of a kind that stations do not know; make an EC or RSA key"
        )
    if key.key_size < least:  # A00.FR.502, A00.FR.503
        raise UnusableCertificate(
            f"the {kind} key of the certificate in {path} has {key.key_size} bits; make one with {least} or more"
        )
    return kind


def _load(context: ssl.SSLContext, files: CertificateFiles) -> None:
    def ask() -> NoReturn:
        raise UnusableCertificate(
            f"the key in {files.key} is encrypted; write it without a passphrase, "
            f"as openssl pkey -in {files.key} does, to a file that only this user can read"
        )

    try:
        context.load_cert_chain(files.certificate, files.key, ask)
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            sentence = (
                f"the key in {files.key} is not that of the first certificate in {files.certificate}; "
                "give the key that it was made for, and put the server's own certificate first"
            )
        elif error.reason is not None and error.reason.endswith(("TOO_SMALL", "TOO_WEAK")):
            sentence = (
                f"the certificates in {files.certificate} are signed in a way that is not safe any more "
                f"({error.reason.lower().replace('_', ' ')}); have them made anew"
            )
        else:
            sentence = f"{files.key} has no private key in PEM format; a text that begins with -----BEGIN is needed"
        raise UnusableCertificate(sentence) from None
    except OSError as error:
        raise UnusableCertificate(f"{files.key} cannot be read ({error.strerror}); let this user read it") from None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The alternative names, else the common name."""
    return _alternative_names(certificate) or _common_names(certificate)


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses))


def _common_names(certificate: x509.Certificate) -> tuple[str, ...]:
    return tuple(str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME))


def _doubts(chain: Sequence[x509.Certificate], files: CertificateFiles, now: datetime) -> list[str]:
    own, path = chain[0], files.certificate
    doubts = []
    if files.key.stat().st_mode & _OTHERS:
        doubts.append(f"others can read or change the key in {files.key}; chmod 600 it")
    if not _alternative_names(own):
        doubts.append(
            f"the certificate in {path} has no alternative name (SAN), and many stations look at nothing else"
        )
    if not _common_names(own):
        # A00.FR.510: stations compare the common name with the server's (A00.FR.309).
        doubts.append(f"the certificate in {path} has no common name, in which stations look for the server's name")
    if not _for_servers(own):
        doubts.append(f"the certificate in {path} is not meant for servers, and stations may refuse it")
    if any(not _issued(child, parent) for child, parent in pairwise(chain)):
        doubts.append(f"the chain in {path} is not in order; put each issuer's certificate after the one it issued")
    if any(not each.not_valid_before_utc <= now < each.not_valid_after_utc for each in chain[1:]):
        doubts.append(f"a certificate of the chain in {path} is not valid now; have the chain renewed")
    return doubts


def _for_servers(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return True
    return bool({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage))


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
