"""Root certificates in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from voltbridge.protocol.structs import Payload
from voltbridge.station.blocks.m_certificates.service import CertificateStatus
from voltbridge.station.context import Handling
from voltbridge.station.root_certificates import CertificateHash, CertificateUse
from voltbridge.station.services import Services
from voltbridge.station.words import given, messages, status_info

__all__ = ["delete_certificate", "get_installed_certificate_ids", "install_certificate"]


async def install_certificate(services: Services, handling: Handling, request: Any) -> Payload:
    """M05. Roots that nothing here is judged by are not taken: vehicles show no contracts to this station."""
    words = messages(handling.version)
    use = _use(request.certificate_type)
    if use is None:
        text = f"this station has no use for a {request.certificate_type.value}"
        status, reason = CertificateStatus.REJECTED, "UnsupportedParam"
    else:
        status, reason, text = await services.certificates.install(use, request.certificate)
    response: Payload = words.InstallCertificateResponse(
        status=words.InstallCertificateStatusEnumType(status.value), status_info=status_info(words, reason, text)
    )
    return response


async def get_installed_certificate_ids(services: Services, handling: Handling, request: Any) -> Payload:
    """M03."""
    words = messages(handling.version)
    wanted = given(request.certificate_type)
    uses = [use for each in wanted or () if (use := _use(each)) is not None]
    found = services.certificates.installed(*uses) if uses or wanted is None else []
    response: Payload = words.GetInstalledCertificateIdsResponse(
        status=words.GetInstalledCertificateStatusEnumType("Accepted" if found else "NotFound"),
        certificate_hash_data_chain=[
            words.CertificateHashDataChainType(
                certificate_type=words.GetCertificateIdUseEnumType(use.value),
                certificate_hash_data=words.CertificateHashDataType(
                    hash_algorithm=words.HashAlgorithmEnumType(name.algorithm),
                    issuer_name_hash=name.issuer_name_hash,
                    issuer_key_hash=name.issuer_key_hash,
                    serial_number=name.serial_number,
                ),
            )
            for use, name in found
        ]
        or UNSET,
    )
    return response


async def delete_certificate(services: Services, handling: Handling, request: Any) -> Payload:
    """M04. The last root in use is kept: without it nobody could reach the station any more (M04.FR.03, note)."""
    words = messages(handling.version)
    named = request.certificate_hash_data
    name = CertificateHash(
        named.hash_algorithm.value, named.issuer_name_hash, named.issuer_key_hash, named.serial_number
    )
    status, text = await services.certificates.delete(name, keeps_what_is_used=False)
    response: Payload = words.DeleteCertificateResponse(
        status=words.DeleteCertificateStatusEnumType(status.value),
        status_info=status_info(words, "Unspecified" if text else "", text),
    )
    return response


def _use(kind: Any) -> CertificateUse | None:
    """None for roots that this station has no use for."""
    return next((each for each in CertificateUse if each.value == kind.value), None)
