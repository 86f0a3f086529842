"""The kit's own authorities: two roots, the new one signed by the old, and servers' certificates by either of them.

What Part 6 calls the configured old CSMS root certificate and the configured (new) CSMS root certificate 2. A tester
keeps them in a directory, since a station has to be given the old one before; for our own they are made for the run.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authorities", "InvalidAuthorities", "Root", "authorities_in", "made_authorities"]

_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2049, 1, 1, tzinfo=UTC)
"""A station's clock may be a virtual one."""
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


_EXPIRED: Final = datetime(2020, 2, 1, tzinfo=UTC)


class InvalidAuthorities(Exception):
    """The directory cannot be used; the text says why."""


class Root(StrEnum):
    """Which one; the name of its files."""

    OLD = "old-root"
    NEW = "new-root"
    EXPIRED = "expired-root"
    STRANGE = "strange-root"
    """Like the old one, and nobody trusts it. Neither of these two is kept."""


_KEPT: Final = (Root.OLD, Root.NEW)


@dataclass(frozen=True)
class Authorities:
    """The roots with their keys."""

    directory: Path
    certificates: Mapping[Root, x509.Certificate]
    keys: Mapping[Root, _Key] = field(repr=False)
    _contexts: dict[tuple[Root, str], ssl.SSLContext] = field(default_factory=dict, repr=False)

    @property
    def old_file(self) -> Path:
        """The old root in PEM: what stations trust before a case begins."""
        return self.directory / f"{Root.OLD}.pem"

    def pem(self, root: Root) -> str:
        """A root as an InstallCertificateRequest has it."""
        return self.certificates[root].public_bytes(Encoding.PEM).decode()

    def is_named(self, root: Root, name: Mapping[str, Any]) -> bool:
        """Whether a CertificateHashDataType names this root."""
        algorithm = _HASHES.get(str(name.get("hashAlgorithm")))
        if algorithm is None:
            return False
        certificate = self.certificates[root]
        issuer = certificate if certificate.issuer == certificate.subject else self.certificates[Root.OLD]
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()
        try:
            serial_number = int(str(name.get("serialNumber")), 16)
        except ValueError:
            return False
        return (
            str(name.get("issuerNameHash")).lower() == asked.issuer_name_hash.hex()
            and str(name.get("issuerKeyHash")).lower() == asked.issuer_key_hash.hex()
            and serial_number == asked.serial_number
        )

    def serving(self, root: Root, host: str) -> ssl.SSLContext:
        """A server's settings, with a certificate for this host by this root."""
        known = self._contexts.get((root, host))
        if known is None:
            known = self._contexts[root, host] = self._made(root, host)
        return known

    def _made(self, root: Root, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        above = self.certificates[root]
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        certificate = (
            _builder(name, above.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
            .sign(self.keys[root], hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with TemporaryDirectory() as place:
            file = Path(place, "server.pem")
            file.touch(mode=0o600)
            file.write_bytes(_in_pem(key) + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(file)
        return context


def authorities_in(directory: Path) -> Authorities:
    """Those kept there: ``old-root.pem``, ``old-root.key``, ``new-root.pem``, ``new-root.key``. Made if there are none.

    Raises InvalidAuthorities.
    """
    names = [directory / f"{root}.{kind}" for root in _KEPT for kind in ("pem", "key")]
    missing = [name.name for name in names if not name.exists()]
    try:
        if len(missing) == len(names):
            return _kept(directory)
        if missing:
            raise InvalidAuthorities(f"{directory} lacks {', '.join(missing)}")
        return _read(directory)
    except OSError as error:
        raise InvalidAuthorities(f"{directory}: {error.strerror or error}") from None


@contextmanager
def made_authorities() -> Iterator[Authorities]:
    """Some for one run."""
    with TemporaryDirectory(prefix="voltbridge-kit-") as place:
        yield _kept(Path(place))


def _kept(directory: Path) -> Authorities:
    directory.mkdir(parents=True, exist_ok=True)
    keys: dict[Root, _Key] = {root: ec.generate_private_key(ec.SECP256R1()) for root in _KEPT}
    old, new = (_name(root) for root in _KEPT)
    certificates = {
        Root.OLD: _authority(old, old, keys[Root.OLD], keys[Root.OLD]),
        Root.NEW: _authority(new, old, keys[Root.NEW], keys[Root.OLD]),
    }
    for root in _KEPT:
        file = directory / f"{root}.key"
        file.touch(mode=0o600)
        file.write_bytes(_in_pem(keys[root]))
        (directory / f"{root}.pem").write_bytes(certificates[root].public_bytes(Encoding.PEM))
    return _completed(directory, certificates, keys)


def _completed(directory: Path, certificates: dict[Root, x509.Certificate], keys: dict[Root, _Key]) -> Authorities:
    """With the roots that no station is to take."""
    for root, until in ((Root.EXPIRED, _EXPIRED), (Root.STRANGE, _UNTIL)):
        keys[root] = ec.generate_private_key(ec.SECP256R1())
        certificates[root] = _authority(_name(root), _name(root), keys[root], keys[root], until)
    return Authorities(directory, certificates, keys)


def _name(root: Root) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Voltbridge conformance {root}")])


def _read(directory: Path) -> Authorities:
    certificates: dict[Root, x509.Certificate] = {}
    keys: dict[Root, _Key] = {}
    for root in _KEPT:
        try:
            certificates[root] = x509.load_pem_x509_certificate((directory / f"{root}.pem").read_bytes())
            key = load_pem_private_key((directory / f"{root}.key").read_bytes(), None)
        except (ValueError, TypeError) as error:
            raise InvalidAuthorities(f"{directory}: {root}.pem and {root}.key cannot be read: {error}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise InvalidAuthorities(f"{directory}: the key of {root} is neither EC nor RSA")
        if key.public_key() != certificates[root].public_key():
            raise InvalidAuthorities(f"{directory}: {root}.key is not the key of {root}.pem")
        keys[root] = key
    try:
        certificates[Root.NEW].verify_directly_issued_by(certificates[Root.OLD])
    except Exception:  # a signature that does not fit raises another error than names that do not
        text = f"{directory}: {Root.NEW} is not signed by {Root.OLD}, as TC_B_47_CS wants it"
        raise InvalidAuthorities(text) from None
    return _completed(directory, certificates, keys)


def _authority(
    name: x509.Name, above: x509.Name, key: _Key, signing: _Key, until: datetime = _UNTIL
) -> x509.Certificate:
    return (
        _builder(name, above, key, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )


def _builder(name: x509.Name, above: x509.Name, key: _Key, until: datetime = _UNTIL) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(until)
    )


def _in_pem(key: _Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
