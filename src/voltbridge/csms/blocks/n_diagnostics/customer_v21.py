"""Customer information in the words of 2.1 (N09, N10)."""

from __future__ import annotations

from msgspec import UNSET

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.customer_information import CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.customer_parameters import CustomerInformation
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["customer_request", "notify_customer_information"]


async def notify_customer_information(
    service: CustomerInformationService, live: LiveStation, request: v21.NotifyCustomerInformationRequest
) -> v21.NotifyCustomerInformationResponse:
    """A part of what the station knows of a customer (N09.FR.05)."""
    is_last = given(request.tbc) is not True
    await service.take_part(live, request.request_id, request.seq_no, is_last, request.data)
    return v21.NotifyCustomerInformationResponse()


def customer_request(wanted: CustomerInformation, request_id: int) -> v21.CustomerInformationRequest:
    """N09.FR.01, N10.FR.08."""
    token, certificate = wanted.id_token, wanted.certificate
    return v21.CustomerInformationRequest(
        customer_certificate=UNSET
        if certificate is None
        else v21.CertificateHashDataType(
            hash_algorithm=v21.HashAlgorithmEnumType(certificate.hash_algorithm),
            issuer_name_hash=certificate.issuer_name_hash,
            issuer_key_hash=certificate.issuer_key_hash,
            serial_number=certificate.serial_number,
        ),
        id_token=UNSET if token is None else v21.IdTokenType(id_token=token.id_token, type=token.type),
        request_id=request_id,
        report=wanted.report,
        clear=wanted.clear,
        customer_identifier=optional(wanted.customer_identifier),
    )
