"""Root certificates: installing, listing and deleting them (2.0.1 M03 to M05, and those of 1.6's security whitepaper).

Two kinds are used here, so two kinds are taken: those that a CSMS is judged by, and those of the manufacturer, by which
firmware is. With ``AdditionalRootCertificateCheck`` there is one root for the CSMS, a new one has to be signed by it,
and it stays as a fallback until the new one has proved itself (M05.FR.09 to FR.16; who falls back: ``connection``).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from cryptography import x509

from voltbridge.station.blocks.m_certificates.judging import RootInvalid, issuer_of, root_certificate
from voltbridge.station.context import Context, on_disk
from voltbridge.station.device_model import parse_name
from voltbridge.station.root_certificates import (
    CertificateHash,
    CertificateUse,
    RootCertificate,
    RootCertificates,
    root_of,
)

__all__ = ["CertificateStatus", "Certificates"]

_ENTRIES: Final = "SecurityCtrlr.CertificateEntries"
_CHECKED: Final = "SecurityCtrlr.AdditionalRootCertificateCheck"


class CertificateStatus(StrEnum):
    """What became of a request (InstallCertificate- and DeleteCertificateStatusEnumType)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    FAILED = "Failed"
    NOT_FOUND = "NotFound"


class Certificates:
    """Those of one station."""

    def __init__(
        self,
        context: Context,
        roots: RootCertificates,
        in_use: Callable[[], bytes | None],
        security_event: Callable[[str, str], None],
    ) -> None:
        """``in_use``: the root in DER by which the CSMS that is connected was judged, None without TLS.

        ``security_event(event, info)`` tells one.
        """
        self._context = context
        self._roots = roots
        self._in_use = in_use
        self._security_event = security_event
        context.device_model.provide(_ENTRIES, lambda: str(len(roots.of())))

    async def install(self, use: CertificateUse, pem: str) -> tuple[CertificateStatus, str, str]:
        """M05: what became of it, and for a refusal a reason code of the standard's list and plain words."""
        now = self._context.clock.now()
        try:
            certificate = root_certificate(pem, now)
        except RootInvalid as error:
            return CertificateStatus.REJECTED, "InvalidCertificate", str(error)
        own = self._roots.of(use)
        known = [x509.load_der_x509_certificate(each.der) for each in own]
        issuer = issuer_of(certificate, known, now)
        if issuer is None:
            return (
                CertificateStatus.REJECTED,
                "InvalidCertificate",
                "no root, nor signed by one that is installed",
            )
        root = root_of(certificate, issuer, use)
        present = next((each for each in own if each.key == root.key), None)
        checked = use is CertificateUse.CSMS and self._context.settings.flag(_CHECKED)
        if checked and present is None and own and issuer is certificate:  # M05.FR.11
            return CertificateStatus.REJECTED, "InvalidCertificate", "not signed by the root it is to replace"
        limit = self._limit
        if present is None and limit is not None and len(self._roots.of()) >= limit:  # M05.FR.06
            return CertificateStatus.REJECTED, "OutOfStorage", f"there is room for {limit:g}"
        before, system = self._roots.of(), self._roots.falls_back_on_system
        self._replace(root, own, checked)
        try:
            await on_disk(self._context.store, lambda: self._roots.put_back(before, system=system))
        except OSError as error:
            return CertificateStatus.FAILED, "InternalError", str(error)
        self._security_event("ReconfigurationOfSecurityParameters", f"{use} installed")
        return CertificateStatus.ACCEPTED, "", ""

    def installed(self, *uses: CertificateUse) -> list[tuple[CertificateUse, CertificateHash]]:
        """M03: those of these uses, or all."""
        return [(each.use, each.names[0]) for each in self._roots.of(*uses)]

    async def delete(self, name: CertificateHash, *, keeps_what_is_used: bool) -> tuple[CertificateStatus, str]:
        """M04: what became of it, and for a refusal plain words.

        ``keeps_what_is_used``: the root of the present connection stays in any case; else only if it is the last one.
        """
        root = self._roots.find(name)
        if root is None:
            return CertificateStatus.NOT_FOUND, ""
        if root.use is CertificateUse.CSMS and root.der == self._in_use():
            others = [each for each in self._roots.of(CertificateUse.CSMS) if each.key != root.key]
            if keeps_what_is_used or not others:
                return CertificateStatus.FAILED, "the CSMS is judged by it"
        before, system = self._roots.of(), self._roots.falls_back_on_system
        self._roots.remove(root)
        try:
            await on_disk(self._context.store, lambda: self._roots.put_back(before, system=system))
        except OSError as error:
            return CertificateStatus.FAILED, str(error)
        self._security_event("ReconfigurationOfSecurityParameters", f"{root.use} deleted")
        return CertificateStatus.ACCEPTED, ""

    def _replace(self, root: RootCertificate, own: tuple[RootCertificate, ...], checked: bool) -> None:
        """Put it in its place among those of its use."""
        unproved = any(each.fallback for each in own)
        if root.use is CertificateUse.CSMS and not own and self._in_use() is not None:
            self._roots.fall_back_on_system()
        if checked:
            others = [each for each in own if each.key != root.key]
            for each in others:
                if unproved and not each.fallback:
                    self._roots.remove(each)  # it has never proved itself
            self._roots.fall_back_on(each for each in others if each.fallback or not unproved)
        self._roots.put(root)

    @property
    def _limit(self) -> float | None:
        entry = self._context.device_model.find(parse_name(_ENTRIES))
        return None if entry is None else self._context.device_model.upper_limit(entry)
