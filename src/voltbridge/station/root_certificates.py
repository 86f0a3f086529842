"""The root certificates of a station: what its CSMS, its files and its firmware are judged by (2.0.1 M03 to M05).

What an installer gave (``ca_file``, ``manufacturer_roots``) is taken over once and is then like what the CSMS installs:
it is listed, it can be deleted, and it does not come back with the next start. A station that has no root for a CSMS,
and was given no file of any, goes by the authorities of the system.

A root whose successor has not proved itself yet stays as a *fallback* (M05.FR.12). Who has no root takes the
authorities of the system for one, so that the first root that is installed cuts off nobody either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.endpoints import Tls
from voltbridge.station.ports import Store

__all__ = ["CertificateHash", "CertificateUse", "RootCertificate", "RootCertificates", "root_of"]

_NAMESPACE: Final = "root-certificates"
_GIVEN: Final = "given-root-certificates"
"""Fingerprints of what an installer gave, deleted since or not."""
_SYSTEM: Final = "system-authorities"
"""Has a document while the authorities of the system are the fallback."""
_ALGORITHMS: Final = (SHA256(), SHA384(), SHA512())


class CertificateUse(StrEnum):
    """What a root vouches for, in words of InstallCertificateUseEnumType."""

    CSMS = "CSMSRootCertificate"
    MANUFACTURER = "ManufacturerRootCertificate"


class CertificateHash(msgspec.Struct, frozen=True):
    """A certificate as the CSMS names it (CertificateHashDataType), after RFC 6960."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str

    @property
    def plain(self) -> CertificateHash:
        """The same in the spelling of this station: small letters, and no leading zeros."""
        return CertificateHash(
            self.algorithm,
            self.issuer_name_hash.lower(),
            self.issuer_key_hash.lower(),
            self.serial_number.lower().lstrip("0") or "0",
        )


class RootCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """One that is installed, with its names: whoever issued it may be gone by the time they are asked for."""

    use: CertificateUse
    pem: str
    der: bytes
    names: tuple[CertificateHash, ...]
    """By each algorithm, the one it is told by first."""
    number: int = 0
    """It is the so-manieth that was installed."""
    fallback: bool = False
    """Replaced by another, and kept until that one has proved itself."""

    @property
    def key(self) -> str:
        """The name of its document."""
        return f"{self.use} {hashlib.sha256(self.der).hexdigest()}"

    def is_named(self, name: CertificateHash) -> bool:
        """Whether that is one of its names."""
        return name.plain in self.names


def root_of(certificate: x509.Certificate, issuer: x509.Certificate, use: CertificateUse) -> RootCertificate:
    """As it is kept; a root in the strict sense is its own issuer."""
    return RootCertificate(
        use=use,
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        der=certificate.public_bytes(Encoding.DER),
        names=tuple(_name(certificate, issuer, each) for each in _ALGORITHMS),
    )


class RootCertificates:
    """Those of one station."""

    __slots__ = ("_configuration", "_known", "_store")

    def __init__(self, configuration: StationConfiguration, store: Store) -> None:
        """Raises ValueError for roots of the manufacturer that are none."""
        self._configuration = configuration
        self._store = store
        kept = (msgspec.json.decode(each, type=RootCertificate) for each in store.all(_NAMESPACE).values())
        self._known = {each.key: each for each in sorted(kept, key=lambda each: each.number)}
        if configuration.manufacturer_roots.strip():
            self._take_over(configuration.manufacturer_roots.encode(), CertificateUse.MANUFACTURER)
        if configuration.ca_file is not None:
            try:
                self._take_over(Path(configuration.ca_file).read_bytes(), CertificateUse.CSMS)
            except (OSError, ValueError) as error:  # without any root the file itself is asked, and nobody connects
                structlog.get_logger("voltbridge.station").error(
                    "the root certificates cannot be used", station=configuration.identity, error=str(error)
                )

    def of(self, *uses: CertificateUse) -> tuple[RootCertificate, ...]:
        """Those of these uses, fallbacks among them, the oldest first; of any without a use."""
        known = tuple(self._known.values())  # transfers ask from threads of their own
        return tuple(each for each in known if not uses or each.use in uses)

    def find(self, name: CertificateHash) -> RootCertificate | None:
        """The one of that name."""
        return next((each for each in self._known.values() if each.is_named(name)), None)

    def put(self, root: RootCertificate) -> None:
        """Install it, in place of the same one."""
        number = max((each.number for each in self._known.values()), default=0) + 1
        self._keep(msgspec.structs.replace(root, number=number))

    def remove(self, root: RootCertificate) -> None:
        """Delete it."""
        self._known.pop(root.key, None)
        self._store.delete(_NAMESPACE, root.key)

    @property
    def falls_back_on_system(self) -> bool:
        """The authorities of the system are a fallback."""
        return bool(self._store.all(_SYSTEM))

    def put_back(self, roots: Iterable[RootCertificate], *, system: bool) -> None:
        """Have exactly these again, and the authorities of the system as a fallback or not."""
        before = {each.key: each for each in roots}
        for each in [each for each in self._known.values() if each.key not in before]:
            self.remove(each)
        for each in before.values():
            self._keep(each)
        self._known = before
        if not system:
            self._store.delete(_SYSTEM, _SYSTEM)

    def fall_back_on(self, roots: Iterable[RootCertificate]) -> None:
        """Keep these until what replaces them has proved itself."""
        for each in roots:
            self._keep(msgspec.structs.replace(each, fallback=True))

    def fall_back_on_system(self) -> None:
        """Keep the authorities of the system until what replaces them has proved itself."""
        self._store.put(_SYSTEM, _SYSTEM, b"")

    def proved(self) -> None:
        """A CSMS was connected by the newest root: what it replaced is not needed any more (M05.FR.13)."""
        for each in [each for each in self._known.values() if each.fallback]:
            self.remove(each)
        self._store.delete(_SYSTEM, _SYSTEM)

    # What others are judged by

    @property
    def can_judge_a_csms(self) -> bool:
        """Somebody has given a root for it (A05.FR.02)."""
        return self._configuration.ca_file is not None or bool(self.of(CertificateUse.CSMS))

    def judging(self, tls: Tls) -> Tls:
        """The settings with the roots that a CSMS is judged by."""
        roots = [each for each in self.of(CertificateUse.CSMS) if not each.fallback]
        if not roots and self._configuration.ca_file is None:
            return tls
        if not roots and not self._store.all(_GIVEN):
            return replace(tls, ca_file=self._configuration.ca_file)
        return replace(tls, ca_pem=_joined(roots))

    def falling_back(self, tls: Tls) -> Tls | None:
        """The settings with the roots from before the newest; None: there is nothing to fall back on."""
        roots = [each for each in self.of(CertificateUse.CSMS) if each.fallback]
        if roots:
            return replace(tls, ca_pem=_joined(roots))
        return tls if self.falls_back_on_system else None

    def judging_files(self, tls: Tls) -> Tls:
        """The settings with the roots that servers of files are judged by: those of the CSMS, and the ones before."""
        before = self.falling_back(tls)
        roots = self.of(CertificateUse.CSMS)
        return self.judging(tls) if before is None or not before.ca_pem else replace(tls, ca_pem=_joined(roots))

    def _keep(self, root: RootCertificate) -> None:
        self._known[root.key] = root
        self._store.put(_NAMESPACE, root.key, msgspec.json.encode(root))

    def _take_over(self, pem: bytes, use: CertificateUse) -> None:
        """Install what was given and was not seen before. Raises ValueError."""
        given = [root_of(each, each, use) for each in x509.load_pem_x509_certificates(pem)]
        seen = self._store.all(_GIVEN)
        for each in given:
            if each.key not in seen:
                self._store.put(_GIVEN, each.key, b"")
                self.put(each)


def _joined(roots: Iterable[RootCertificate]) -> str:
    return "".join(each.pem for each in roots)


def _name(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: HashAlgorithm) -> CertificateHash:
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()
    return CertificateHash(
        algorithm.name.upper(),
        asked.issuer_name_hash.hex(),
        asked.issuer_key_hash.hex(),
        f"{asked.serial_number:x}",
    )
