"""A certificate authority of one's own, and what it issues."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "Issued", "private_key"]

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def private_key(kind: str = "EC", bits: int = 2048) -> _Key:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Issued:
    """A certificate, with those above it but the root, and its key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: _Key

    @property
    def pem(self) -> bytes:
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain))

    def key_pem(self, passphrase: bytes | None = None) -> bytes:
        protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """Put it where a server finds it: the certificate's file and the key's."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.touch(mode=0o600)
        key.write_bytes(self.key_pem())
        return certificate, key


class Authority:
    """A root, or one under another (``above``)."""

    def __init__(self, name: str = "Example Root", above: Authority | None = None) -> None:
        self.key = private_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.above = above
        now = datetime.now(UTC)
        issuer = above or self
        self.certificate = (
            x509.CertificateBuilder(issuer.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )

    def issue(
        self,
        *names: str,
        kind: str = "EC",
        bits: int = 2048,
        days: float = 90,
        begins_in_days: float = -1,
        common_name: str | None = "localhost",
        for_clients: bool = False,
    ) -> Issued:
        """A server's certificate for these names and addresses; without any, for localhost and 127.0.0.1."""
        key = private_key(kind, bits)
        now = datetime.now(UTC)
        common = [] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Charging"), *common])
        builder = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins_in_days))
            .not_valid_after(now + timedelta(days=days))
        )
        alternatives = _general(names or ("localhost", "127.0.0.1"))
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if for_clients:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        chain = () if self.above is None else (self.certificate,)
        return Issued(builder.sign(self.key, hashes.SHA256()), chain, key)

    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        root = self if self.above is None else self.above
        return ssl.create_default_context(cadata=root.certificate.public_bytes(Encoding.PEM).decode())

    def write(self, folder: Path) -> Path:
        """Put its own certificate into a file."""
        path = folder / "ca.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if name != "none":
                found.append(x509.DNSName(name))
    return found
