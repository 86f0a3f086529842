"""Root certificates in the words of 1.6 (security whitepaper)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.station.context import Handling
from voltbridge.station.root_certificates import CertificateHash, CertificateUse
from voltbridge.station.services import Services

__all__ = ["delete_certificate", "get_installed_certificate_ids", "install_certificate"]

_USES: Final = {
    v16.CertificateUseEnumType.CENTRAL_SYSTEM_ROOT_CERTIFICATE: CertificateUse.CSMS,
    v16.CertificateUseEnumType.MANUFACTURER_ROOT_CERTIFICATE: CertificateUse.MANUFACTURER,
}


async def install_certificate(
    services: Services, handling: Handling, request: v16.InstallCertificateRequest
) -> v16.InstallCertificateResponse:
    """M05 of the whitepaper."""
    del handling
    status, _, _ = await services.certificates.install(_USES[request.certificate_type], request.certificate)
    return v16.InstallCertificateResponse(status=v16.InstallCertificateStatusEnumType(status.value))


async def get_installed_certificate_ids(
    services: Services, handling: Handling, request: v16.GetInstalledCertificateIdsRequest
) -> v16.GetInstalledCertificateIdsResponse:
    """M03 of the whitepaper."""
    del handling
    found = services.certificates.installed(_USES[request.certificate_type])
    return v16.GetInstalledCertificateIdsResponse(
        status=v16.GetInstalledCertificateStatusEnumType("Accepted" if found else "NotFound"),
        certificate_hash_data=[
            v16.CertificateHashDataType(
                hash_algorithm=v16.HashAlgorithmEnumType(name.algorithm),
                issuer_name_hash=name.issuer_name_hash,
                issuer_key_hash=name.issuer_key_hash,
                serial_number=name.serial_number,
            )
            for _, name in found
        ]
        or UNSET,
    )


async def delete_certificate(
    services: Services, handling: Handling, request: v16.DeleteCertificateRequest
) -> v16.DeleteCertificateResponse:
    """M04 of the whitepaper: the root in use is kept (its M04.FR.06)."""
    del handling
    named = request.certificate_hash_data
    name = CertificateHash(
        named.hash_algorithm.value, named.issuer_name_hash, named.issuer_key_hash, named.serial_number
    )
    status, _ = await services.certificates.delete(name, keeps_what_is_used=True)
    return v16.DeleteCertificateResponse(status=v16.DeleteCertificateStatusEnumType(status.value))
